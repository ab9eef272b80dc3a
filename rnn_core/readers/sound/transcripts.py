"""Recordings with the texts that tables, lists or files of their own give them."""

from collections.abc import Container
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from rnn_core.errors import DataError, ParameterError
from rnn_core.metric import SPLITS
from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.sound.joined_words import Utterance, Utterances
from rnn_core.readers.sound.recording_columns import KnownNames, Wanted
from rnn_core.readers.sound.recording_files import Files, bare_name, find_files
from rnn_core.readers.sound.recording_index import Index, alike
from rnn_core.readers.sound.recording_splits import (
    SplitParameters,
    given_splits,
    share_splits,
    splits_of_groups,
)
from rnn_core.readers.sound.recordings import Named, read_all
from rnn_core.readers.sound.text_lists import Texts
from rnn_core.readers.sound.texts_beside import HALF, LAST_PART, texts_beside
from rnn_core.readers.sound.transcript_tables import (
    OWN,
    Row,
    lists,
    only_table,
    read_tables,
    tables_of_recordings,
    tables_of_splits,
    usual_tables,
)
from rnn_core.readers.splits import SETS
from rnn_core.wording import amount

NONE = "nothing in the data tells what is said in the recordings"
NONE_CURE = (
    "write transcripts.tsv with the columns file and text, or a text file for each recording, with "
    "its name; or let data.strings join recordings of single words"
)


class Listed(NamedTuple):
    """Recordings whose texts are known.

    Attributes:
        files: Each with its text.
        rows: What is known of it.
        left_out: Messages about other files.
        notes: Where the texts come from, and what was decided in reading them.
    """

    files: list[Named]
    rows: list[Row]
    left_out: list[str]
    notes: list[str]


def has_texts(raw: Path) -> bool:
    """Return whether anything in a folder tells the texts of recordings."""
    source = source_of(raw, find_files(raw), Faults())
    return source.texts is not None or bool(source.tables)


class Source(NamedTuple):
    """The tables that have the texts of recordings, or else the texts beside these."""

    tables: list[Path]
    texts: Texts | None = None


def source_of(raw: Path, files: Files, faults: Faults) -> Source:
    """Find what tells texts, the most certain first.

    These are tables by their names, tables by the names of their columns, files of each recording
    or lists, and tables where only one column can be that of texts.
    """
    wanted = Wanted(known=KnownNames(files.recordings))
    usual = usual_tables(files.others)
    own = bool(usual) and usual[0].stem.lower() == OWN
    if own or any(lists(table, wanted) for table in usual):
        return Source(usual)
    if tables := tables_of_recordings(files.others, wanted):
        return Source(tables)
    if texts := texts_beside(raw, files, faults):
        return Source([], texts)
    tables = tables_of_recordings(files.others, replace(wanted, any_name=True))
    return Source(tables or usual or only_table(files.others))


def check_nothing_beside(raw: Path) -> None:
    """Refuse recordings with files of another kind beside them, which may hold their texts.

    Raises:
        FaultsError: If most recordings have one of the same name, or of its beginning.
    """
    files = find_files(raw)
    bare = {alike(path.name.partition(".")[0]): path for path in files.others}
    names = [alike(bare_name(path).partition(".")[0]) for path in files.recordings]
    found = [n for name in names if (n := name) in bare or (n := LAST_PART.sub("", name)) in bare]
    if found and len(found) >= HALF * len(names):
        other = bare[found[0]].relative_to(raw).as_posix()
        what = f"{other} has the name of a recording, and may hold its text, but is not read"
        raise FaultsError.one(what, NONE_CURE)


def list_transcripts(raw: Path, faults: Faults) -> Listed:
    """The recordings of a folder whose texts tables, lists or files tell; what is wrong is noted.

    Raises:
        FaultsError: If nothing tells them, or several tables or lists do.
    """
    files = find_files(raw)
    source = source_of(raw, files, faults)
    if source.tables:
        return of_tables(raw, files, source.tables, faults)
    if texts := source.texts:
        named = [Named(p, p.relative_to(raw).as_posix(), row.text) for p, row in texts.rows]
        listed = {path for path, _ in texts.rows}
        left_out = left_out_of(raw, files, listed, texts.used)
        return Listed(named, [row for _, row in texts.rows], left_out, [texts.note])
    raise FaultsError.one(NONE, NONE_CURE)


def of_tables(raw: Path, files: Files, tables: list[Path], faults: Faults) -> Listed:
    """The recordings that tables list.

    Raises:
        FaultsError: If there is more than one table of all recordings.
    """
    twice = len(tables) > 1 and tables[0].stem.lower() == tables[1].stem.lower()
    if twice and len(tables_of_splits(tables)) < len(tables):
        names = " and ".join(path.relative_to(raw).as_posix() for path in tables)
        raise FaultsError.one(f"the data holds {names}", "remove one of them")
    before = len(faults.found)
    wanted = Wanted(known=KnownNames(files.recordings), any_name=True)
    rows, notes = read_tables(tables, wanted, faults)
    unclear = len(faults.found) > before
    index = Index(raw, files.recordings, unclear)
    named, kept = [], []
    seen: dict[Path, str] = {}
    for row in rows:
        path = index.find(row.table.parent, row.where, row.file, faults) if row.file else None
        if path is None:
            continue
        if path in seen:
            what = f"{row.where}: {row.file} is in {seen[path].split(', ')[1]} already"
            faults.add(what, "keep one")
            continue
        seen[path] = row.where
        named.append(Named(path, path.relative_to(raw).as_posix(), row.text))
        kept.append(row)
    if tables[0].stem.lower() == OWN and not index.unclear:
        check_all_listed(raw, files.recordings, seen, tables[0].name, faults)
        seen |= dict.fromkeys(files.recordings, "")
    listed = files.recordings if index.unclear else seen
    if tables[0].stem.lower() != OWN:
        read = ", ".join(path.relative_to(raw).as_posix() for path in tables)
        notes = [f"texts are read from {read}", *notes]
    return Listed(named, kept, left_out_of(raw, files, listed, tables), notes)


def check_all_listed(
    raw: Path, recordings: list[Path], listed: Container[Path], table: str, faults: Faults
) -> None:
    """Note the recordings that the user's own table, which must list them all, does not list."""
    for path in recordings:
        if path not in listed:
            what = f"{path.relative_to(raw).as_posix()} is not in {table}"
            faults.add(what, "add a row or remove the file")


def left_out_of(
    raw: Path, files: Files, listed: Container[Path], used: Container[Path]
) -> list[str]:
    """Describe the recordings whose text nothing tells, and the files that are not read."""
    without = [path for path in files.recordings if path not in listed]
    many = [f"{amount(len(without), 'recording')} without a text"] if without else []
    return many + [p.relative_to(raw).as_posix() for p in files.others if p not in used]


def listed_utterances(
    raw: Path,
    division: SplitParameters,
    tokens: Literal["char", "word"],
    rate_hz: int | None = None,
) -> Utterances:
    """Recordings with the text that tables give them.

    Args:
        raw: The folder.
        division: Which of them are in which split.
        tokens: What a symbol is.
        rate_hz: See `read_all`.

    Returns:
        The recordings in the order of the tables.

    Raises:
        FaultsError: If files or rows cannot be used; with all of them.
        DataError: If rows do not tell what the split needs.
        ParameterError: If the split names what does not exist.
    """
    faults = Faults()
    listed = list_transcripts(raw, faults)
    sounds = read_all(listed.files, rate_hz, faults)
    rows = [listed.rows[i] for i in sounds.kept]
    names = [listed.files[i].name for i in sounds.kept]
    splits = listed_splits(rows, names, division)
    found = zip(names, sounds.samples, rows, splits, sounds.marks, strict=True)
    each = [
        Utterance(name, samples, symbols_of(row.text, tokens), split, row.speaker, (mark,))
        for name, samples, row, split, mark in found
    ]
    return Utterances(sounds.rate_hz, each, sounds.heard)


def symbols_of(text: str, tokens: Literal["char", "word"]) -> list[str]:
    """Words of a text, or its characters with single spaces between words."""
    return text.split() if tokens == "word" else list(" ".join(text.split()))


def listed_splits(rows: list[Row], names: list[str], division: SplitParameters) -> list[int]:
    """The split of each row: by shares, as tables give it, or by their column of speakers.

    Returns:
        Each as an index of `SPLITS`.

    Raises:
        DataError: If there is no such column, or too few rows.
        ParameterError: If the split names what does not exist.
    """
    table = rows[0].table.name
    if division.split_by == "share":
        shares = division.validation_share, division.test_share
        return share_splits([table] * len(rows), *shares, division.split_seed)
    if division.split_by == "given":
        splits = given_splits([row.split for row in rows], [table] * len(rows), names, division)
    else:
        by = division.split_by
        groups = [g for row in rows if (g := row.take if by == "take" else row.speaker)]
        if len(groups) < len(rows):
            raise DataError(
                f"{table} has no column {by!r} that is filled in every row; add it, or "
                "set data.split_by to share"
            )
        splits = splits_of_groups(groups, division)
    for split, name in enumerate(SPLITS):
        if split not in splits:
            raise ParameterError(
                f"no recording is left for the {SETS[name]}; change data.validation or data.test"
            )
    return splits
