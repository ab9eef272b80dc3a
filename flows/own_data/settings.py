"""Settings from a terminal, as `name=value`."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from rnn_core.errors import ParameterError

MARK = re.compile(r"\s*[^\w\s]\s*")
"""Matches a single punctuation mark, such as a separator; some have a meaning in YAML."""


class Values(yaml.SafeLoader):
    """YAML where only `true` and `false` are booleans, as in its version 1.2.

    In the version that the library reads by default, a column called NO is false.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the library declares it
        letter: [pair for pair in pairs if not pair[0].endswith(":bool") or letter in "tTfF"]
        for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_settings(settings: Sequence[str]) -> dict[str, Any]:
    """Read settings; values are YAML.

    Raises:
        ParameterError: If one does not have the form `name=value`.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ParameterError(f"--set {setting}: write it as name=value, such as horizon=24")
        try:
            found[name.strip()] = value_of(value)
        except yaml.YAMLError:
            raise ParameterError(f"--set {setting}: put the value in quotes") from None
    return found


def value_of(text: str) -> Any:
    """Parse a value as YAML; a single punctuation mark is text, and so is `Unnamed: 2`.

    Raises:
        YAMLError: If it is not YAML.
    """
    if MARK.fullmatch(text):
        return text.strip()
    value = yaml.load(text, Values)  # noqa: S506 - a kind of its safe loader
    return text.strip() if isinstance(value, dict) and not text.lstrip().startswith("{") else value
