"""Settings that docs/guides/data.md names exist."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from flows.own_data.settings import value_of
from rnn_core.errors import ParameterError
from rnn_core.parameters import parse
from rnn_core.tasks import REGISTRY, get_task

GUIDE = (Path(__file__).parents[1] / "docs/guides/data.md").read_text()
SETTINGS = sorted(set(re.findall(r"`(?:--set )?([a-z_]+(?:=|: )[^`]+)`", GUIDE)) - {"name=value"})
KINDS = ("DataParameters", "ModelParameters", "AnswerParameters")


def declared():
    """The kinds of parameters of each task."""
    return [getattr(get_task(task), kind) for task in REGISTRY for kind in KINDS]


def test_some_settings_are_told():
    assert len(SETTINGS) > 20


@pytest.mark.parametrize("setting", SETTINGS)
def test_setting_is_one_of_some_task(setting):
    name, _, value = re.split(r"(=|: )", setting, maxsplit=1)
    owners = [kind for kind in declared() if name in {field.name for field in fields(kind)}]
    assert owners, name
    found = value_of(value)
    refused = []
    for kind in owners:
        try:
            parse(kind, {name: found}, "", "--set")
        except ParameterError as error:
            if "is required" not in str(error):
                refused.append(str(error))
    assert len(refused) < len(owners), refused


def test_names_without_a_value_are_parameters():
    listed = re.search(r"`temperature`.*`seed`", GUIDE).group()
    answers = {field.name for field in fields(get_task("text_generation").AnswerParameters)}
    assert set(re.findall(r"`(\w+)`", listed)) <= answers
