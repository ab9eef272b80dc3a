"""Words of recordings that a table or a list tells, where their names need not."""

from pathlib import Path
from typing import NamedTuple

from rnn_core.readers.faults import Faults, FaultsError, some
from rnn_core.readers.sound.name_tokens import Recording, items_of
from rnn_core.readers.sound.named_lines import told_encodings
from rnn_core.readers.sound.recording_columns import (
    GROUPS,
    LABELS,
    SPEAKERS,
    TEXTS,
    KnownNames,
    Wanted,
    plain_name,
    with_columns,
)
from rnn_core.readers.sound.recording_files import Files
from rnn_core.readers.sound.recording_index import Index
from rnn_core.readers.sound.text_lists import of_lists
from rnn_core.readers.sound.transcript_tables import (
    Row,
    read_tables,
    tables_of_recordings,
    tables_of_splits,
)
from rnn_core.wording import amount

COVERED = 0.9
"""Share of the recordings that a table lists, where it tells their words."""


class Labels(NamedTuple):
    """Recordings whose words are known.

    Attributes:
        recordings: The recordings.
        left_out: Messages about other files.
        notes: Where the words come from.
    """

    recordings: list[Recording]
    left_out: list[str]
    notes: list[str]


class Told(NamedTuple):
    """The rows of tables or lists, by the recording that they are about."""

    rows: dict[Path, Row]
    used: list[Path]
    notes: list[str]


def labelled(raw: Path, files: Files, *, certain: bool, faults: Faults) -> Labels | None:
    """The recordings of a folder whose words tables or lists tell; None if nothing does.

    Args:
        raw: The folder.
        files: Its files.
        certain: Whether words are known without it: then a table must be without faults, and have
            a column that is called as labels are. Else lists and other tables are read too.
        faults: Where it is noted what is wrong with rows, if the words are read from them.

    Raises:
        FaultsError: If two tables tell them, or the one cannot be read.
        DataError: If a list cannot be read.
    """
    own = Faults()
    told = by_tables(raw, files, own, any_name=False)
    if told is None and not certain:
        own = Faults()
        told = by_lists(raw, files, own) or by_tables(raw, files, own, any_name=True)
    if told is None or len(told.rows) < COVERED * len(files.recordings):
        return None
    if certain and own.found:
        return None
    with faults.noted():
        own.check()
    items, left = items_of(raw, files)
    recordings = []
    for item in items:
        if row := told.rows.get(item.path):
            split = row.split or item.split
            recordings.append(
                Recording(item.path, item.name, row.text, row.speaker, row.take, split)
            )
    names = [path.relative_to(raw).as_posix() for path in told.used]
    without = len(files.recordings) - len(recordings)
    more = [f"{amount(without, 'recording')} that nothing names"] if without else []
    note = f"words are read from {some(sorted(names))}"
    return Labels(recordings, [*more, *(n for n in left if n not in names)], [note, *told.notes])


def by_tables(raw: Path, files: Files, faults: Faults, *, any_name: bool) -> Told | None:
    """The rows of the table that lists recordings with their words; None if there is none.

    Raises:
        FaultsError: If there are two, or it cannot be read.
    """
    wanted = Wanted(
        known=KnownNames(files.recordings),
        said=(*LABELS, *TEXTS),
        speakers=(*SPEAKERS, *GROUPS),
        any_name=any_name,
    )
    tables = tables_of_recordings(files.others, wanted)
    if len(tables) > 1 and len(tables_of_splits(tables)) < len(tables):
        names = " and ".join(path.relative_to(raw).as_posix() for path in tables)
        raise FaultsError.one(f"{names} list recordings with their words", "keep one of them")
    if not tables:
        return None
    rows, notes = read_tables(tables, wanted, faults)
    index = Index(raw, files.recordings)
    found: dict[Path, Row] = {}
    for row in rows:
        path = index.find(row.table.parent, row.where, row.file, faults) if row.file else None
        if path is None:
            continue
        if path in found and found[path].text != row.text:
            what = f"{row.where}: {row.file} is {row.text!r}, and {found[path].text!r} above"
            faults.add(what, "keep one")
        found.setdefault(path, row)
    return Told(found, tables, [*notes, *grouping(tables[0], wanted)])


def grouping(table: Path, wanted: Wanted) -> list[str]:
    """Say which column tells the recordings that belong into one set, unless it has speakers."""
    read, columns = with_columns(table, wanted, Faults())
    if columns.speaker is None:
        return []
    name = str(read.frame.columns[columns.speaker]).strip()
    if plain_name(name) in SPEAKERS:
        return []
    return [f"recordings with the same {name!r} are in one set, as those of one speaker are"]


def by_lists(raw: Path, files: Files, faults: Faults) -> Told | None:
    """The lines of lists of recordings and their words; None if there is none."""
    try:
        texts = of_lists(raw, files, frozenset(), faults)
    except FaultsError:  # several lists tell different facts
        return None
    return texts and Told(dict(texts.rows), sorted(texts.used), told_encodings(texts.used))
