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

    In the version that the library reads by default, a column called NO is false. A colon makes a
    key in braces alone, so that `[y, Unnamed: 2]` has two names of columns.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the library declares it
        letter: [pair for pair in pairs if not pair[0].endswith(":bool") or letter in "tTfF"]
        for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, stream: str) -> None:
        self.brackets: list[type[yaml.Token]] = []
        super().__init__(stream)

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        """Read an opening bracket or brace."""
        self.brackets.append(token)
        super().fetch_flow_collection_start(token)

    def fetch_flow_collection_end(self, token: type[yaml.Token]) -> None:
        """Read a closing bracket or brace."""
        del self.brackets[-1:]
        super().fetch_flow_collection_end(token)

    def check_value(self) -> bool:
        """Return whether a colon that comes next is one after a key."""
        return self.in_braces and bool(super().check_value())

    @property
    def in_braces(self) -> bool:
        """Return whether the innermost bracket that is open is a brace."""
        return self.brackets[-1:] == [yaml.FlowMappingStartToken]

    def scan_plain(self) -> yaml.ScalarToken:
        """Read a text without quotes, with its colons where these make no key."""
        start, first = self.pointer, self.get_mark()
        token: yaml.ScalarToken = super().scan_plain()
        if self.in_braces:
            return token
        while self.peek() == ":":
            while self.peek() in {":", " "}:
                self.forward()
            super().scan_plain()
        text = self.buffer[start : self.pointer].rstrip()
        return yaml.ScalarToken(text, True, first, self.get_mark())


def read_settings(settings: Sequence[str]) -> dict[str, Any]:
    """Read settings; values are YAML.

    Raises:
        ParameterError: If one does not have the form `name=value`, or has the name of another.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ParameterError(f"--set {setting}: write it as name=value, such as horizon=24")
        if name in found:
            raise ParameterError(f"--set {setting}: {name} is set already; set it once")
        try:
            found[name] = value_of(value)
        except yaml.YAMLError:
            raise ParameterError(f"--set {setting}: put the value in quotes") from None
    return found


def value_of(text: str) -> Any:
    """Parse a value as YAML; a single punctuation mark is text.

    Raises:
        YAMLError: If it is not YAML.
    """
    if MARK.fullmatch(text):
        return text.strip()
    return yaml.load(text, Values)  # noqa: S506 - a kind of its safe loader
