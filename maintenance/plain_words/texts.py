"""Read the texts for people out of a file: docstrings, comments, messages and prose."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["docstring", "comment", "message", "prose"]

MARKS = re.compile(r"^[ \t]*(?:#+|//+|/?\*+/?|>)", re.MULTILINE)
"""Signs that begin a line of a comment, or of a quotation in Markdown."""

CODE = re.compile(
    r"^(```|~~~).*?^\1[ \t]*$|``.*?``|`[^`]*`|\]\([^)\s]*\)", re.DOTALL | re.MULTILINE
)
"""Code and addresses in Markdown and docstrings."""

TEMPLATE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|<(style|script|svg)\b.*?</\1>|<[^<>]*>", re.DOTALL)
"""Code and tags in Jinja and HTML."""


@dataclass(frozen=True)
class Text:
    """A text for people.

    Attributes:
        kind: The place it has in the file.
        line: Its first line in the file, from 1.
        content: The text. Code in it is replaced by blanks, so that its lines stay those of the
            file.
    """

    kind: Kind
    line: int
    content: str


def texts(path: Path) -> Iterator[Text]:
    """Read all texts of a file.

    Args:
        path: A file in UTF-8. The ending of its name decides how it is read.
    """
    source = path.read_text(encoding="utf-8")
    yield from READERS.get(path.suffix, read_lines)(source)


def read_python(source: str) -> Iterator[Text]:
    """Docstrings, comments, and literals with a blank in them; a value in an f-string is `{}`."""
    seen = set[int]()
    for node in ast.walk(ast.parse(source)):  # a literal comes after what it is a part of
        match node:
            case ast.Expr(value=ast.Constant(value=str(content)) as literal):
                seen.add(id(literal))
                yield Text("docstring", node.lineno, blank(CODE, content))
            case ast.JoinedStr(values=values):
                seen |= {id(part) for part in values}
                parts = [str(p.value) if isinstance(p, ast.Constant) else "{}" for p in values]
                yield Text("message", node.lineno, "".join(parts))
            case ast.Constant(value=str(content)) if " " in content and id(node) not in seen:
                yield Text("message", node.lineno, content)
    if "#" in source:
        yield from read_comments(source)


def read_comments(source: str) -> Iterator[Text]:
    """Comments; those on consecutive lines are one text."""
    first, last, lines = 0, -1, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != last + 1 and lines:
            yield Text("comment", first, blank(CODE, "\n".join(lines)))
            lines = []
        last = token.start[0]
        first = first if lines else last
        lines.append(token.string.lstrip("#"))
    if lines:
        yield Text("comment", first, blank(CODE, "\n".join(lines)))


def read_markdown(source: str) -> Iterator[Text]:
    """All but code and addresses."""
    yield Text("prose", 1, blank(MARKS, blank(CODE, source)))


def read_template(source: str) -> Iterator[Text]:
    """All but code and tags."""
    yield Text("prose", 1, blank(TEMPLATE, source))


def read_lines(source: str) -> Iterator[Text]:
    """All lines, with the signs of comments replaced by blanks."""
    yield Text("prose", 1, blank(CODE, blank(MARKS, source)))


def blank(pattern: re.Pattern[str], text: str) -> str:
    """Replace what a pattern finds by blanks; line breaks stay."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


READERS: dict[str, Callable[[str], Iterator[Text]]] = {
    ".html": read_template,
    ".jinja": read_template,
    ".md": read_markdown,
    ".py": read_python,
}
