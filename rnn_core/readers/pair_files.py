"""Files of pairs in a folder: two aligned ones, or one table, and how they are called."""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rnn_core.errors import DataError, ParameterError, hint
from rnn_core.readers.faults import FaultsError
from rnn_core.readers.folders import existing_files, is_note
from rnn_core.readers.formats.arrow import refuse_arrow
from rnn_core.readers.formats.packed import name_inside
from rnn_core.readers.pair_tables import has_tabs, is_other_table
from rnn_core.readers.translation_units import is_units, is_xml
from rnn_core.wording import option


class Files(NamedTuple):
    """Two aligned files, or a table of pairs, which has no `target`."""

    source: Path
    target: Path | None


def pair_files(raw: Path, source_file: str | None, target_file: str | None) -> Files:
    """Find two aligned files in a folder, or the one table of pairs in it.

    Args:
        raw: The folder.
        source_file: Name of the file of texts to translate, or of the table; None: the only
            one, or the other file of two.
        target_file: That of the translations; None: the other file of two.

    Raises:
        ParameterError: If both names are the same, or both are left open.
        DataError: If a file is missing, or it is not clear which is meant.
    """
    there = files_in(raw)
    if source_file is not None and source_file == target_file:
        raise ParameterError(
            f"source_file and target_file are both {source_file!r}; name two different files"
        )
    check_there(there, source_file, target_file)
    if source_file and target_file:
        return Files(raw / source_file, raw / target_file)
    given = (source_file, target_file)
    there = [name for name in there if not is_note(name) or name in given] or there
    if target_file is None and (
        len(there) == 1 or (source_file is not None and is_table(raw / source_file))
    ):
        return Files(raw / (source_file or there[0]), None)
    if len(there) != 2:
        table = ", or a table of pairs as source_file alone" * any(
            is_table(raw / name) for name in there
        )
        raise DataError(
            f"the data holds {len(there)} file{'s' * (len(there) != 1)}, not two aligned ones; put "
            f"both there, or name them as source_file and target_file{table}"
        )
    if source_file is None and target_file is None:
        refuse_two_tables(there)
        raise ParameterError(
            f"source_file is not given: which is to be translated, {there[0]!r} or {there[1]!r}?"
        )
    (other,) = set(there) - {source_file, target_file}
    return Files(raw / (source_file or other), raw / (target_file or other))


def refuse_two_tables(there: list[str]) -> None:
    """Refuse two tables, which are never aligned.

    Raises:
        DataError: If they are.
    """
    if not all(is_table(Path(name)) for name in there):
        return
    file, text = map(shlex.quote, (there[0], f"{there[0]}.txt"))
    how = f": `jq -r '.[]' {file} > {text}`" if there[0].endswith(".json") else ""
    raise DataError(
        f"{there[0]} and {there[1]} are two tables; name that of pairs: "
        f"{option('set', f'source_file={there[0]}')}; if each holds the texts of one language, "
        f"save these as plain text, a sentence on each line{how}"
    )


def files_called(raw: Path, source_file: str, target_file: str | None) -> Files:
    """Two aligned files, or the table of pairs, of these names.

    Raises:
        ParameterError: If both names are the same.
        DataError: If a file is missing.
    """
    if target_file is not None:
        return pair_files(raw, source_file, target_file)
    check_there(files_in(raw), source_file, None)
    return Files(raw / source_file, None)


def check_there(there: list[str], source_file: str | None, target_file: str | None) -> None:
    """Refuse names of files that there are not.

    Raises:
        DataError: If one is missing.
    """
    for parameter, name in (("source_file", source_file), ("target_file", target_file)):
        if name is not None and name not in there:
            advice = hint(name, there) or f"there: {', '.join(there)}"
            raise DataError(f"{parameter}: no file {name!r} in the data; {advice}")


def files_in(raw: Path) -> list[str]:
    """The names of all files below a folder, with the folders that they are in.

    Raises:
        FaultsError: If one is a link to nothing, or they are tables of Arrow.
    """
    files = existing_files(raw)
    refuse_arrow(files)
    return [path.relative_to(raw).as_posix() for path in files]


def is_table(file: Path) -> bool:
    """Return whether a file, unpacked, is called as a table is; it need not be there."""
    name = file.name
    with suppress(FaultsError):
        name = name_inside(file)
    return has_tabs(name) or is_other_table(name) or is_units(name)


def is_lines(file: Path) -> bool:
    """Return whether a file, unpacked, is called as one of lines of text in an encoding."""
    name = name_inside(file)
    return not is_other_table(name) and not is_xml(name)
