"""Tables of Arrow, which are refused with what saves them as Parquet."""

from collections.abc import Collection
from pathlib import Path

from rnn_core.readers.faults import FaultsError
from rnn_core.readers.folders import check_link, is_note

ARROW = (".arrow", ".feather")
"""Endings of tables of Arrow, as which the library datasets saves them."""

FEATHER = (b"ARROW1", b"FEA1")
"""Starts of such files that are no streams, whatever their ending."""


def refuse_arrow(files: Collection[Path]) -> None:
    """Refuse tables of Arrow, beside which nothing lies but facts about them in JSON.

    Raises:
        FaultsError: If there are any.
    """
    found = [file for file in files if file.suffix.lower() in ARROW]
    facts = [file for file in files if file.suffix.lower() == ".json" or is_note(file.name)]
    if found and len(found) + len(facts) == len(files):
        check_link(found[0], found[0].name)
        with found[0].open("rb") as opened:
            is_stream = not opened.read(6).startswith(FEATHER)
        reads = "pyarrow.feather as f; f.read_table('FILE')"
        if is_stream:
            reads = "pyarrow as pa; pa.ipc.open_stream('FILE').read_all()"
        command = f"import {reads}.to_pandas().to_parquet('FILE.parquet')"
        cure = f'save it as Parquet: `python -c "{command}"`'
        raise FaultsError.one(f"{found[0].name} is a table of Arrow, which is not read", cure)
