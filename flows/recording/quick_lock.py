"""DVC's way with dvc.lock, made quicker.

DVC changes dvc.lock by way of a parser and a writer that keep comments, which takes two or three
seconds for each stage of the sample study, most of what a stage takes that has little to do.
dvc.lock has no comments; it can be read by the parser that DVC reads other files with, and of
what is written only the stages that changed need the writer. The file is the same to the byte,
as a test sees.
"""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO, TypeAlias

from dvc.utils.serialize import _yaml

Writer: TypeAlias = Callable[[Any, TextIO], None]

HEAD = "schema: '2.0'\nstages:\n"
"""How dvc.lock begins."""

KEY = re.compile(r"^  (?P<name>[^ '\"].*):\n", re.MULTILINE)
"""The line before the entry of a stage, unless its name needs quotes."""


@dataclass(frozen=True)
class Lock:
    """A dvc.lock as it was read.

    Attributes:
        texts: What stands in it of each stage, with the line before.
        entries: What it means.
    """

    texts: Mapping[str, str]
    entries: Mapping[str, str]

    @classmethod
    def read(cls, text: str, content: Any) -> Self | None:
        """Take a text apart; None if it is not in the form that DVC writes."""
        starts = [match.start() for match in KEY.finditer(text)]
        names = [match["name"] for match in KEY.finditer(text)]
        if not names or text[: starts[0]] != HEAD or names != list(content["stages"]):
            return None
        ends = [*starts[1:], len(text)]
        texts = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        entries = {name: repr(entry) for name, entry in content["stages"].items()}
        return cls(dict(zip(names, texts, strict=True)), entries)

    def changed_to(self, content: Mapping[str, Any], write: Writer) -> str | None:
        """The text for another content; None if it has more than stages."""
        if content.keys() != {"schema", "stages"} or content["schema"] != "2.0":
            return None
        parts = []
        for name, entry in content["stages"].items():
            same = self.entries.get(name) == repr(entry)
            parts.append(self.texts[name] if same else stage_text(name, entry, write))
        return HEAD + "".join(parts)


def stage_text(name: str, entry: Any, write: Writer) -> str:
    """What the writer makes of one stage."""
    stream = io.StringIO()
    write({"stages": {name: entry}}, stream)
    return stream.getvalue().partition("\n")[2]


def use_quick_locks() -> None:
    """Let DVC read and write dvc.lock quickly in this process."""
    parse, write = _yaml.parse_yaml_for_update, _yaml._dump
    locks: dict[Path, Lock | None] = {}

    def parse_quickly(text: str, path: str) -> Any:
        if Path(path).name != "dvc.lock":
            return parse(text, path)
        content = _yaml.parse_yaml(text, path)
        locks[Path(path)] = Lock.read(text, content) if "stages" in content else None
        return content

    def write_quickly(content: Any, stream: TextIO) -> None:
        lock = locks.pop(Path(stream.name), None)
        text = lock.changed_to(content, write) if lock else None
        if text is None:
            write(content, stream)
        else:
            stream.write(text)

    _yaml.parse_yaml_for_update, _yaml._dump = parse_quickly, write_quickly
