"""Texts of a folder, and the split of each."""

from collections.abc import Iterable, Sequence
from os.path import commonpath
from pathlib import Path

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.faults import Faults
from rnn_core.readers.folders import visible_files
from rnn_core.readers.formats.encodings import MARKS, find_encoding, first_that_is_not
from rnn_core.readers.plain_text import GZIP
from rnn_core.readers.splits import split_word, splits_named
from rnn_core.readers.table_files import unpacked

PLAIN = (".txt", ".text")
ENDINGS = (*PLAIN, ".md")
"""Endings of text files, in any capitals, perhaps with .gz after it."""

BESIDE = ("readme", "license", "licence", "copying")
"""Files that lie beside texts and are about them."""


def ending_of(file: Path) -> str:
    """Ending of a file's name, in small letters, without .gz."""
    name = file.name.lower().removesuffix(GZIP)
    return Path(name).suffix


def is_plain(file: Path) -> bool:
    """Return whether a file is called as plain text is."""
    return ending_of(file) in PLAIN


def text_files(raw: Path, reader: str) -> list[Path]:
    """The text files of a folder, in the order of their paths.

    Notes in Markdown beside texts are none of them.

    Args:
        raw: The folder.
        reader: What reads them, for errors.

    Raises:
        DataError: If there is none.
    """
    there = [file for file in visible_files(raw) if file.is_file()]
    for called_so in (is_plain, lambda file: ending_of(file) in ENDINGS):
        found = [file for file in there if called_so(file)]
        texts = [file for file in found if file.stem.lower().split(".")[0] not in BESIDE]
        if texts or found:
            return texts or found
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
        DataError: If none is certain, or some files have another than others.
    """
    faults = Faults()
    found: dict[str, Path] = {}
    for file in files:
        opened, _ = unpacked(file, faults)
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
