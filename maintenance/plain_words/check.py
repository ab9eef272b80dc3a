"""Find constructions that this project does not use, and name what to write instead."""

import re
import subprocess
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import accumulate
from pathlib import Path

from plain_words.texts import Kind, Text, texts

RULES = Path(__file__).with_name("rules.toml")

ENDINGS = frozenset(
    ["", ".c", ".cff", ".css", ".html", ".jinja", ".js", ".md", ".py", ".toml", ".yaml", ".yml"]
)
"""Endings of the names of files that are read."""


@dataclass(frozen=True)
class Rule:
    """A construction to avoid.

    Attributes:
        pattern: Finds it.
        instead: The plain words.
        kinds: Kinds of text where it is avoided; all if empty.
    """

    pattern: re.Pattern[str]
    instead: str
    kinds: frozenset[Kind]


@dataclass(frozen=True)
class Rules:
    """All rules of the project.

    Attributes:
        rules: The rules.
        later: Files and folders that need not keep them yet, from the repository's root.
        skipped: Patterns of paths that are never read.
        quoting: Files and folders whose string literals are data, or quote messages that are
            checked where they are written.
    """

    rules: tuple[Rule, ...]
    later: tuple[str, ...]
    skipped: tuple[str, ...]
    quoting: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """Words that break a rule.

    Attributes:
        path: The file, from the repository's root.
        line: From 1.
        words: The words as they are written.
        instead: The plain words.
    """

    path: str
    line: int
    words: str
    instead: str

    def __str__(self) -> str:
        return f'{self.path}:{self.line}: "{self.words}"; instead: {self.instead}'


def read_rules(path: Path = RULES) -> Rules:
    """Read the rules of a TOML file."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    rules = [
        Rule(
            re.compile(entry["pattern"], re.IGNORECASE),
            entry["instead"],
            frozenset(entry.get("in", ())),
        )
        for entry in content["rule"]
    ]
    places = {name: tuple(content[name]) for name in ("later", "skipped", "quoting")}
    return Rules(tuple(rules), **places)


def findings(root: Path, paths: Iterable[str], rules: Rules) -> Iterator[Finding]:
    """Check files.

    Args:
        root: The folder that the paths begin at.
        paths: Files below it.
        rules: The rules.
    """
    for path in paths:
        quotes = is_in(path, rules.quoting)
        for text in texts(root / path):
            if not (quotes and text.kind == "message"):
                for line, words, rule in broken(text, rules.rules):
                    yield Finding(path, line, words, rule.instead)


def broken(text: Text, rules: Sequence[Rule]) -> Iterator[tuple[int, str, Rule]]:
    """The places of a text that break a rule: their line in the file, words and rule."""
    words = list(re.finditer(r"\S+", text.content))
    joined = " ".join(word[0] for word in words)
    starts = list(accumulate((len(word[0]) + 1 for word in words), initial=0))
    for rule in rules:
        if rule.kinds and text.kind not in rule.kinds:
            continue
        for found in rule.pattern.finditer(joined):
            first = words[bisect_right(starts, found.start()) - 1]
            yield text.line + text.content.count("\n", 0, first.start()), found[0].strip(), rule


def read_paths(root: Path, skipped: Sequence[str]) -> list[str]:
    """The files of a repository that hold texts, those that are not committed yet too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [
        path
        for path in sorted({*listed.split("\0")} - {""})
        if Path(path).suffix in ENDINGS
        and (root / path).is_file()
        and not (root / path).is_symlink()
        and not any(fnmatch(path, pattern) for pattern in skipped)
    ]


def is_in(path: str, places: Iterable[str]) -> bool:
    """Return whether a file is one of some, or in a folder of them."""
    return any(path == place or path.startswith(f"{place}/") for place in places)


def is_clean(root: Path, paths: Iterable[str], rules: Rules) -> bool:
    """Return whether no file breaks a rule."""
    return next(findings(root, paths, rules), None) is None
