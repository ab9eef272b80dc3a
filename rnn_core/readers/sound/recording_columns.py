"""The columns of a table of recordings: by what they are called, or by what they hold."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.name_tokens import is_no_word
from rnn_core.readers.sound.recording_files import RECORDINGS, names_of
from rnn_core.readers.sound.recording_index import alike
from rnn_core.readers.table_files import TableFile, TableForm, read_table_file

if TYPE_CHECKING:
    import pandas as pd

FILES = (
    "file",
    "path",
    "filename",
    "file_name",
    "audio",
    "audio_path",
    "audio_filepath",
    "wav_filename",
    "wav",
    "slice_file_name",
    "fname",
    "id",
)
TEXTS = ("text", "sentence", "transcript", "transcription", "normalized_text")
LABELS = (
    *("label", "labels", "class", "class_name", "category", "word", "command", "target_name"),
    *("digit", "emotion", "genre", "target"),
)
SPEAKERS = (
    *("speaker", "speaker_id", "client_id", "speaker_name", "spk", "spk_id", "user_id"),
    *("worker_id", "participant_id", "subject_id"),
)
GROUPS = ("fold", "group", "src_file")
TAKES = ("take",)
SPLITS_OF_ROWS = ("split", "set", "subset")
"""Usual names of the columns of a table of recordings, the most usual first.

Groups are what public collections of sounds call recordings that belong into one set.
"""

OTHER_FACTS = frozenset(
    {"accent", "age", "bitrate", "channels", "comment", "date", "device", "duration", "frames"}
    | {"gender", "hash", "id", "ids", "index", "intensity", "lang", "language", "length", "md5"}
    | {"microphone", "native", "note", "notes", "number", "path", "rate", "room", "samplerate"}
    | {"sample_rate", "seconds", "session", "sex", "sha256", "size", "snr", "spk", "speaker"}
    | {"speakers", "speaker_id", "split", "subset", "time", "timestamp", "url", "votes"}
)
"""Usual names of columns and lists that hold facts about recordings, and no texts or words."""

NAMED = 0.9
"""Share of the values of a column, or the lines of a list, that name recordings."""

LOOKED_AT = 50
"""Values at the start of a column that show what it holds."""


class Columns(NamedTuple):
    """The places of the columns of a table of recordings; None where there is none."""

    file: int | None
    said: int | None
    speaker: int | None = None
    take: int | None = None
    split: int | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The columns that are looked for.

    Attributes:
        known: What the recordings are called, with and without what tells their kind.
        said: Usual names of the column of texts, or of labels.
        speakers: Usual names of the column of speakers, or of other groups.
        any_name: Whether the column of texts or labels may have any name, where it is the only
            one whose use is not known.
    """

    known: Container[str]
    said: tuple[str, ...] = TEXTS
    speakers: tuple[str, ...] = SPEAKERS
    any_name: bool = False

    def names_one(self, value: str) -> bool:
        """Return whether a value names a recording, perhaps in another folder."""
        return alike(PurePosixPath(value.strip().replace("\\", "/")).name) in self.known


class KnownNames(Container[str]):
    """Names that a table or list may have for recordings, folders aside.

    A name with a digit or separator may be written in other capitals; another may be a word.
    """

    def __init__(self, recordings: Sequence[Path]) -> None:
        self.exact = frozenset(alike(n) for path in recordings for n in names_of(path))
        self.any_case = frozenset(name.lower() for name in self.exact if is_no_word(name))

    def __contains__(self, name: object) -> bool:
        """Return whether a name, in the form of `alike`, is one of a recording."""
        return isinstance(name, str) and (name in self.exact or name.lower() in self.any_case)


def with_columns(
    table: Path, wanted: Wanted, faults: Faults, encoding: str | None = None
) -> tuple[TableFile, Columns]:
    """A table, and the places of its columns.

    Between tabs and bars a quotation mark is a part of the text, as public collections have it.
    Without names of columns the first that names recordings has them, and the last has texts.

    Args:
        table: The file.
        wanted: The columns that are looked for.
        faults: Where it is noted what is wrong with rows.
        encoding: Of a text; None: it is found.

    Raises:
        FaultsError: If it cannot be read.
    """
    if is_nameless(table):
        bars = TableForm(separator="bar", quoting="none", header=False, encoding=encoding)
        read = read_table_file(table, bars, faults)
        return read, Columns(column_of_files(read.frame, wanted) or 0, len(read.frame.columns) - 1)
    tabs = TableForm(separator="tab", quoting="none", header=True, encoding=encoding)
    other = TableForm(
        quoting="double" if table.suffix.lower() == ".csv" else None, header=True, encoding=encoding
    )
    form = tabs if table.suffix.lower() == ".tsv" else other
    read = read_table_file(table, form, faults)
    names = [plain_name(name) for name in read.frame.columns]
    if any(wanted.names_one(str(name)) for name in read.frame.columns):
        if not wanted.any_name:
            return read, Columns(None, None)
        without = TableForm(
            separator=form.separator, quoting=form.quoting, header=False, encoding=encoding
        )
        return nameless(read_table_file(table, without, faults), wanted)
    file = column_of_files(read.frame, wanted)
    rest = (
        next((names.index(name) for name in known if name in names), None)
        for known in (FILES, wanted.said, wanted.speakers, TAKES, SPLITS_OF_ROWS)
    )
    by_name, said, *others = rest
    columns = Columns(by_name if file is None else file, said, *others)
    if said is None and file is not None and wanted.any_name:
        columns = columns._replace(said=only_other(read.frame, columns))
    return read, columns


def plain_name(name: object) -> str:
    """The name of a column in small letters, as speaker_id for speakerId and Speaker ID."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(name).strip())
    return re.sub(r"[\s_-]+", "_", parted).lower()


def nameless(read: TableFile, wanted: Wanted) -> tuple[TableFile, Columns]:
    """The places of columns of files and texts in a table without names of columns."""
    file = column_of_files(read.frame, wanted) or 0
    last, columns = len(read.frame.columns) - 1, Columns(file, None)
    values = [str(value) for value in read.frame.iloc[:LOOKED_AT, last]]
    certain = file != last and not all(map(is_number, values))
    return read, columns._replace(said=last if certain else only_other(read.frame, columns))


def only_other(frame: "pd.DataFrame", columns: Columns) -> int | None:
    """The only column whose use is not known; None if there are several, or it has no texts."""
    others = [place for place in range(len(frame.columns)) if place not in columns]
    if len(others) != 1 or plain_name(frame.columns[others[0]]) in OTHER_FACTS:
        return None
    values = [str(value) for value in frame.iloc[:LOOKED_AT, others[0]]]
    return None if all(map(is_number, values)) else others[0]


def is_number(text: str) -> bool:
    """Return whether a text is one number, as in a list of lengths, or several with decimals.

    Several whole numbers may be digits that are said.
    """
    numbers = [NUMBER.fullmatch(word) for word in text.split()]
    return all(numbers) and (len(numbers) < 2 or any(match and match["rest"] for match in numbers))


NUMBER = re.compile(r"[+-]?\d+(?P<rest>[.,:]\d+(:\d+)*([.,]\d+)?)?([eE][+-]?\d+)?")
"""A number or a time of a clock, and what comes after its whole part."""


def column_of_files(frame: "pd.DataFrame", wanted: Wanted) -> int | None:
    """The column most of whose first values name recordings, one each; None if there is none.

    Numbers of rows may be names of recordings too: a column that is called as one of files goes
    before others, and then one whose values tell the kind of a file.
    """
    found: list[tuple[bool, bool, int]] = []
    for place, name in enumerate(map(str, frame.columns)):
        values = [str(value).strip() for value in frame.iloc[:LOOKED_AT, place]]
        values = [value for value in values if value]
        named = sum(map(wanted.names_one, values))
        if values and named >= NAMED * len(values) and len(set(values)) > len(values) / 2:
            called = plain_name(name) in set(FILES) - {"id"}
            ends = PurePosixPath(values[0]).suffix.lower() in RECORDINGS
            found.append((not called, not ends, place))
    return min(found)[-1] if found else None


def is_nameless(table: Path) -> bool:
    """Return whether a table is like LJSpeech's: fields between bars, no names of columns."""
    if table.stem.lower() != "metadata" or re.search(r"\.(parquet|xlsx|json)", table.name.lower()):
        return False
    with table.open(encoding="utf-8-sig", errors="replace") as file:
        fields = file.readline().strip().lower().split("|")
    return len(fields) > 1 and not set(fields) & {*FILES, *TEXTS}
