"""Texts a line each, with a label in the line: as fastText, TREC and sentiment trees write it.

Rows are numbered by the line of the file.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.formats.encodings import (
    decoded,
    encoding_by_mark,
    find_encoding,
    utf_16_by_zeros,
)
from rnn_core.readers.formats.packed import unpacked
from rnn_core.readers.formats.text_layout import find_layouts, fits, sample_of
from rnn_core.readers.formats.text_records import SAMPLE, first_lines, open_text
from rnn_core.readers.plain_text import as_seen, clean_piece
from rnn_core.readers.table_files import (
    TableFile,
    TableForm,
    read_table_file,
    typed_reader,
)

LineKind: TypeAlias = Literal["mark", "tag", "tree"]
"""Where a line has its label: behind a mark, as the first word, or around the words."""

MARK = re.compile(r"(?<!\S)__label__([^\s,;|]+)")
"""A label as fastText writes it."""

AFTER_MARK = re.compile(r"^\s*[,;|]?\s*")
BEFORE_MARK = re.compile(r"\s*[,;|]?\s*$")
"""Blanks, and a separator, between a text and its label."""

TREE = re.compile(r"\((\d+) .*\)")
LEAF = re.compile(r"\(\d+ ([^()]+)\)")
"""A tree of parts of a sentence, each with a label; and a part without others."""

IN_TREES = (("-LRB-", "("), ("-RRB-", ")"), ("\\/", "/"), ("\\*", "*"))
"""Characters that trees write in another way."""

OPINIONS = ("pos", "neg", "neu", "positive", "negative", "neutral", "spam", "ham")
"""Words that are labels, wherever a file or a line is called so."""

COARSE_AND_FINE = re.compile(r"[^\W\d_]\w*:\w+")
"""A class and one below it: `DESC:manner`."""

CERTAIN_TAG = re.compile(rf"{COARSE_AND_FINE.pattern}|[+-]?\d+:?|({'|'.join(OPINIONS)}):?", re.I)
"""A first word of a line that is a label, if all lines have one of a few."""

NEARLY_ALL = 0.9
"""Share of lines by which their kind is found."""

TABLES = frozenset({".csv", ".tsv", ".tab"})
"""Endings of files whose first words are none of labels."""

NOTES: dict[LineKind, str] = {
    "mark": "each line has its label behind __label__, as fastText reads it",
    "tag": "the first word of each line is its label, as in {first!r}",
    "tree": "each line is a tree, as of the Stanford Sentiment Treebank: its first number is the "
    "label, and its words are the text",
}


class LabelledLine(NamedTuple):
    """A line that was read.

    Attributes:
        text: The text, without labels.
        labels: Its labels, which are different.
    """

    text: str
    labels: tuple[str, ...] = ()


class ReadTexts(NamedTuple):
    """A table that was read, or lines as one.

    Attributes:
        table: The table; of lines, its columns are `text` and `label`.
        kind: Where each line has its label; None: it is a table.
    """

    table: TableFile
    kind: LineKind | None


def read_any(
    file: Path, form: TableForm, faults: Faults, kind: LineKind | None = None
) -> ReadTexts:
    """Read a table, or lines with labels if a file is nothing else.

    Args:
        file: The file.
        form: What is known of it; with a separator it is a table.
        faults: Where it is noted what is wrong with rows.
        kind: Where lines have their label, if that is known.

    Raises:
        FaultsError: If no row can be read.
    """
    found = kind or (kind_of_file(file, form.encoding) if form.separator is None else None)
    if found is None:
        return ReadTexts(read_table_file(file, form, faults), None)
    encoding = encoding_of(file, form.encoding, faults)
    return ReadTexts(as_table(file, encoding, found, faults), found)


def encoding_of(file: Path, known: str | None, faults: Faults) -> str:
    """The encoding of a text that may be packed: the known one, or that which it tells."""
    return known or find_encoding(unpacked(file, faults)[0], file.name, faults)


def kind_of_file(file: Path, encoding: str | None) -> LineKind | None:
    """Find where the lines of a file have their label; None if it is none of such lines."""
    lines = sample_lines(file, encoding)
    found = find_kind(lines)
    suffixes = {suffix.lower() for suffix in file.suffixes[-2:]}
    if suffixes & TABLES or found == "tag":
        return None if is_table(lines) or (suffixes & TABLES and found == "tag") else found
    return found


def sample_lines(file: Path, encoding: str | None = None) -> list[str]:
    """The first lines of a text; none of a file that is no text, or cannot be read."""
    with suppress(FaultsError, UnicodeError):
        opened, inner = unpacked(file, Faults())
        with opened() as stream:
            start = stream.read(SAMPLE)
        if typed_reader(start[:512], inner) is None:
            return first_lines(opened, encoding or encoding_by_start(start))
    return []


def encoding_by_start(start: bytes) -> str:
    """An encoding by which the first lines of a text can be read, to see how they are written."""
    told = encoding_by_mark(start) or utf_16_by_zeros(start)
    return told or ("latin-1" if decoded(start, "utf-8") is None else "utf-8")


def find_kind(lines: Sequence[str]) -> LineKind | None:
    """Find where lines have their label; None if that is not certain."""
    there = [bare for line in lines if (bare := as_seen(line).strip())]
    for kind, holds in FITTING:
        if there and holds(there[0]) and sum(map(holds, there)) >= NEARLY_ALL * len(there):
            return kind
    return "tag" if there and have_tags(there) else None


def is_tree(line: str) -> bool:
    """Return whether a line is a tree."""
    return TREE.fullmatch(line) is not None


FITTING: tuple[tuple[LineKind, Callable[[str], bool]], ...] = (
    ("mark", lambda line: MARK.search(line) is not None),
    ("tree", is_tree),
)


def have_tags(lines: Sequence[str]) -> bool:
    """Return whether the first words of lines are a few labels, and certainly nothing else."""
    firsts, rests = zip(*(line.partition(" ")[::2] for line in lines), strict=True)
    few = is_few(len(set(firsts)), len(lines))
    texts = sum(any(map(str.isalpha, rest)) and rest.lstrip()[:1] not in "|;," for rest in rests)
    return few and texts >= NEARLY_ALL * len(lines) and all(map(CERTAIN_TAG.fullmatch, firsts))


def is_table(lines: Sequence[str]) -> bool:
    """Return whether separators, which are not blanks, part lines into fields, and one is a class.

    So commas in sentences make none.
    """
    form = find_layouts(lines, separator=None, quoting=None, header=None, own=",")[0]
    if form.width < 2 or form.separator == " " or form.share < NEARLY_ALL:
        return False
    rows, _ = sample_of(lines, form.above, form.separator, form.quoting)
    whole = [fields[: form.width] for _, fields in rows if fits(fields, form.width)]
    values = [len(set(map(str.strip, column))) for column in zip(*whole, strict=True)]
    return any(is_few(count, len(whole)) for count in values)


def is_few(values: int, rows: int) -> bool:
    """Return whether this many values are a few, each in several rows on average."""
    return 2 <= values <= most_few(rows)


def most_few(rows: int) -> int:
    """The number of values that are still a few in this many rows."""
    return max(2, rows // 4)


def numbered_lines(file: Path, encoding: str, faults: Faults) -> Iterator[tuple[int, str]]:
    """The lines of a text that are not blank, each as it is seen, with its number from 1.

    Raises:
        FaultsError: If the text is not in the encoding.
    """
    opened, _ = unpacked(file, faults)
    try:
        with open_text(opened, encoding) as text:
            for number, line in enumerate(text, start=1):
                if bare := clean_piece(line).strip():
                    yield number, bare
    except UnicodeError as error:
        cure = "name its encoding: --set encoding=..."
        faults.add(f"{file.name} is not in {encoding}: {error}", cure)
        faults.check()


def as_table(file: Path, encoding: str, kind: LineKind, faults: Faults) -> TableFile:
    """The lines of a file as a table; those with several labels are noted."""
    import pandas as pd  # noqa: PLC0415 - training does without

    lines = dict(numbered_lines(file, encoding, faults))
    read = {number: read_line(line, kind) for number, line in lines.items()}
    for number, one in read.items():
        if len(one.labels) > 1:
            faults.add(
                f"{file.name}, row {number} has {len(one.labels)} labels, {', '.join(one.labels)}",
                "leave one; a text has one class",
            )
        if kind == "tree" and not is_whole_tree(lines[number]):
            faults.add(
                f"{file.name}, row {number} is no whole tree, such as (3 (2 good) (2 film))",
                "complete it, or remove it",
            )
    columns = {"text": [one.text for one in read.values()]}
    columns["label"] = [(*one.labels, "")[0] for one in read.values()]
    frame = pd.DataFrame(columns, index=pd.Index(list(lines), name="row"), dtype=object)
    note = NOTES[kind].format(first=next(iter(lines.values()), "")[:50])
    form = TableForm(encoding=encoding, header=True)
    return TableFile(frame=frame, form=form, notes=(note,))


def is_whole_tree(line: str) -> bool:
    """Return whether a line is a tree whose brackets are all closed."""
    return is_tree(line) and line.count("(") == line.count(")")


def read_line(line: str, kind: LineKind) -> LabelledLine:
    """Read a line with its label; a line without one is a text."""
    if kind == "mark":
        return read_marked(line)
    if kind == "tree":
        return read_tree(line)
    first, _, rest = line.partition(" ")
    return LabelledLine(rest.strip(), (first.removesuffix(":"),))


def read_marked(line: str) -> LabelledLine:
    """Read a line with marks, which are before the text, after it or in it."""
    marks = list(MARK.finditer(line))
    parts, end = [], 0
    for mark in marks:
        parts.append(BEFORE_MARK.sub("", line[end : mark.start()]))
        end = mark.end() + len(AFTER_MARK.match(line[mark.end() :])[0])  # type: ignore[index]
    text = " ".join(part for part in (*parts, line[end:].strip()) if part)
    return LabelledLine(text, tuple(dict.fromkeys(mark[1] for mark in marks)))


def read_tree(line: str) -> LabelledLine:
    """Read a tree: its words, and the label of the whole."""
    found = TREE.fullmatch(line)
    if found is None:
        return LabelledLine(line)
    text = " ".join(LEAF.findall(line))
    for written, meant in IN_TREES:
        text = text.replace(written, meant)
    return LabelledLine(text, (found[1],))


def texts_of_lines(lines: Sequence[str], kind: LineKind, labels: Collection[str]) -> list[str]:
    """The texts of lines that may have labels.

    First words are labels if most lines begin with one that is known, or else parts of texts.

    Args:
        lines: The lines, without blanks around.
        kind: Where lines have their labels.
        labels: Those that are known.
    """
    read = [read_line(line, kind) for line in lines]
    if kind != "tag":
        return [one.text for one in read]
    known = sum(one.labels[0] in labels for one in read)
    if 2 * known <= sum(map(bool, lines)):
        return list(lines)
    return [text_of_tagged(line, one, labels) for line, one in zip(lines, read, strict=True)]


def text_of_tagged(line: str, read: LabelledLine, labels: Collection[str]) -> str:
    """The text behind a label; the line if its first word is none, or nothing else is there."""
    (first,) = read.labels
    tagged = first in labels or COARSE_AND_FINE.fullmatch(first)
    return (tagged and read.text) or line
