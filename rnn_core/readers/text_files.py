"""Texts of a folder, and the split of each."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from os.path import commonpath
from pathlib import Path

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.folders import existing_files, is_note
from rnn_core.readers.formats.arrow import ARROW
from rnn_core.readers.formats.encodings import (
    MARKS,
    encoding_by_mark,
    find_encoding,
    first_that_is_not,
)
from rnn_core.readers.formats.first_bytes import DOCUMENTS, HTML, LOOKED_AT, XML, kind_of
from rnn_core.readers.formats.packed import DOCUMENTS as PACKED_DOCUMENTS
from rnn_core.readers.formats.packed import refuse_packed, unpacked, without_packing
from rnn_core.readers.plain_text import refuse_documents
from rnn_core.readers.splits import SPLIT_NAMES, split_word, splits_named
from rnn_core.readers.table_files import ENDINGS as TABLE_ENDINGS

PLAIN = (".txt", ".text")
ENDINGS = (*PLAIN, ".md")
"""Endings of text files, in any capitals; those of packed files may follow."""

TABLES = tuple(ending for ending in TABLE_ENDINGS if ending not in {*PLAIN, ".dat", ".data"})
"""Endings of tables, where only some columns are texts."""

SETTINGS = frozenset({".yaml", ".yml", ".toml", ".cfg", ".ini", ".sh", ".log", ".py", ".lock"})
"""Endings of files that lie beside texts, and are texts only where nothing else is."""

CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes that no plain text has."""

START = 1 << 16
"""Bytes at the start of a file that show whether it is plain text."""


def ending_of(file: Path) -> str:
    """Ending of a file's name, in small letters, without that of a packed one."""
    return Path(without_packing(file.name)).suffix.lower()


def is_plain(file: Path) -> bool:
    """Return whether a file is called as plain text is."""
    return ending_of(file) in PLAIN


def holds_text(file: Path) -> bool:
    """Return whether a file is plain text by its content, and no table by its name."""
    try:
        opened, name = unpacked(file, Faults())
        with opened() as stream:
            start = stream.read(START)
    except (OSError, FaultsError):
        return False
    if ending_of(Path(name)) in TABLES or is_note(name):
        return False
    binary = CONTROL_BYTES.search(start) and encoding_by_mark(start) is None
    return bool(start) and not binary and kind_of(start) not in {*DOCUMENTS, HTML, XML}


def is_document(file: Path) -> bool:
    """Return whether a file is one of texts that are not plain, such as a page of HTML."""
    try:
        with file.open("rb") as stream:
            kind = kind_of(stream.read(LOOKED_AT))
    except OSError:
        return False
    return kind in {*DOCUMENTS, HTML} or file.suffix.lower() in PACKED_DOCUMENTS


def main_files(files: Sequence[Path]) -> list[Path]:
    """The files of the ending that has most bytes, such as programs in one language.

    Endings that are splits, as of `ptb.train`, count as one; other settings and programs beside
    texts are none of them.
    """
    texts = [file for file in files if ending_of(file) not in SETTINGS] or list(files)
    sizes: Counter[str] = Counter()
    kinds = {f: "" if ending_of(f)[1:] in SPLIT_NAMES else ending_of(f) for f in texts}
    for file, kind in kinds.items():
        sizes[kind] += file.stat().st_size
    most = max(sizes, key=lambda kind: sizes[kind], default="")
    return [file for file, kind in kinds.items() if kind == most]


def text_files(raw: Path, reader: str) -> list[Path]:
    """The text files of a folder, in the order of their paths.

    Notes in Markdown beside texts are none of them. Where no file is called as a text is, those of
    the main ending are taken that hold plain text.

    Args:
        raw: The folder.
        reader: What reads them, for errors.

    Raises:
        DataError: If there is none, or one is a link to nothing.
    """
    there = existing_files(raw)
    for called_so in (is_plain, lambda file: ending_of(file) in ENDINGS):
        found = [file for file in there if called_so(file)]
        texts = [file for file in found if not is_note(file.name)]
        if texts or found:
            return texts or found
    texts = [file for file in there if holds_text(file)]
    found = main_files([*texts, *filter(is_document, there)])
    if texts and not {*found} & {*texts}:
        name = found[0].relative_to(raw)
        raise DataError(
            f"most of the data is {name} and the like, and {reader} reads plain text; save it as "
            "such, or give other files alone"
        )
    if texts:
        return [file for file in found if file in texts]
    tables = [file.name for file in there if ending_of(file) in TABLES]
    if tables := [file.name for file in there if ending_of(file) in ARROW] or tables:
        raise DataError(
            f"{tables[0]} is a table, and {reader} reads plain text; save its column of texts "
            "alone, one below the other, with .txt at the end of its name"
        )
    refuse_packed(there)
    names = ", ".join(str(file.relative_to(raw)) for file in there[:3]) or "nothing"
    raise DataError(
        f"the data holds no text file ({', '.join(ENDINGS)}), only {names}; {reader} reads plain "
        "text, so save it as such"
    )


def only_text_file(raw: Path, reader: str) -> Path:
    """The one text file of a folder.

    Raises:
        DataError: If there is not exactly one.
    """
    files = text_files(raw, reader)
    if len(files) > 1:
        raise DataError(
            f"the data holds {len(files)} text files, {files[0].name} and {files[1].name} among "
            f"them; {reader} reads one, so join them"
        )
    return files[0]


def usual_encoding(files: Iterable[Path]) -> dict[str, str]:
    """The parameter `encoding` of text files, where that is certain and not UTF-8; else nothing.

    Files with a byte order mark tell their own.

    Raises:
        DataError: If none is certain, some files have another than others, or one is no text.
    """
    faults = Faults()
    found: dict[str, Path] = {}
    for file in files:
        opened, _ = unpacked(file, faults)
        with opened() as stream:
            refuse_documents(stream.read(LOOKED_AT), file.name)
        encoding = find_encoding(opened, file.name, faults)
        alike = encoding == "utf-8" and first_that_is_not(opened, "ascii") is None
        if not alike and encoding not in dict(MARKS).values():
            found.setdefault(encoding, file)
    if len(found) > 1:
        each = " and ".join(f"{file.name} is in {encoding}" for encoding, file in found.items())
        raise DataError(f"{each}; save all files in UTF-8")
    found.pop("utf-8", None)
    return {"encoding": next(iter(found))} if found else {}


def by_split(files: Sequence[Path]) -> dict[Split, list[Path]] | None:
    """The files of each split, where their names or those of folders say it of all of them."""
    if len(files) < len(SPLITS):
        return None
    above = commonpath(files)
    words = {file: split_word(file.relative_to(above).as_posix()) for file in files}
    named = splits_named(word for word in words.values() if word is not None)
    found: dict[Split, list[Path]] = {split: [] for split in SPLITS}
    for file, word in words.items():
        if word is None:
            return None
        found[named[word]].append(file)
    return found if all(found.values()) else None
