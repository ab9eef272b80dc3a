"""Settings from a terminal, as `name=value`."""

import re
from collections.abc import Sequence
from typing import Any

import yaml

from rnn_core.errors import ParameterError

MARK = re.compile(r"\s*[^\w\s]\s*")
"""A single mark, such as a separator; YAML takes some for parts of its own grammar."""


class Values(yaml.SafeLoader):
    """YAML in which only `true` and `false` are not text, as in its version 1.2.

    In the version that the library reads by itself, a column called NO is false.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the library declares it
        letter: [pair for pair in pairs if not pair[0].endswith(":bool") or letter in "tTfF"]
        for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_settings(settings: Sequence[str]) -> dict[str, Any]:
    """Read settings, values as YAML.

    Raises:
        ParameterError: If one is of another form.
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
    """A value as YAML; a single mark stands for itself.

    Raises:
        YAMLError: If it is not YAML.
    """
    if MARK.fullmatch(text):
        return text.strip()
    return yaml.load(text, Values)  # noqa: S506 - a kind of its safe loader
