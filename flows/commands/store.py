"""`gatewise store`: show, check and clean up the store of a study."""

import json
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flows.layout import Layout
from flows.system.command_line import command_line
from flows.system.exclusive import exclusive
from flows.trainings.store import KINDS, Entry, Kind, Store, StoreError, open_store
from rnn_core.errors import StudyError
from rnn_core.files import read_json
from rnn_core.study import read_study

DAY = 24 * 60 * 60
UNKNOWN = "(not known)"
"""Shown as the dataset of a training that does not name one."""


def show(folder: Path) -> None:
    """Print how many entries the store of a study has, and their size, by kind and by dataset."""
    store = store_of(folder)
    entries = {str(kind): entries_of(store, [kind]) for kind in KINDS}
    by_dataset: dict[str, list[Entry]] = {}
    for entry in entries["training"]:
        by_dataset.setdefault(dataset_of(store, entry), []).append(entry)
    console = Console()
    console.print(f"The store is {store.address}", highlight=False, soft_wrap=True)
    console.print(counted("kind", entries))
    if by_dataset:
        console.print(counted("dataset", dict(sorted(by_dataset.items()))))


def gc(studies: list[Path], older_than: float, dry_run: bool) -> None:
    """Remove entries that none of the studies uses, and unfinished ones.

    Args:
        studies: Folders of all studies that use the store.
        older_than: Days that every entry is kept.
        dry_run: Whether to say only what would be removed.

    Raises:
        StudyError: If it is not known which entries a study uses.
    """
    layouts = [Layout(study) for study in sorted(set(studies))]
    with ExitStack() as locks:
        for layout in layouts:
            read_study(layout.folder)
            locks.enter_context(exclusive(layout, "flow"))
        kept = set[str]().union(*(kept_by(layout) for layout in layouts))
        for store in {store.url: store for store in map(open_store, layouts)}.values():
            collect(store, kept, time.time() - older_than * DAY, dry_run)


def collect(store: Store, kept: set[str], before: float, dry_run: bool) -> None:
    """Remove unused entries and unfinished ones that were written before a time."""
    entries = superfluous(store, kept, before)
    leftovers = store.leftovers(min(before, time.time() - DAY))  # no write takes a day
    done = "would remove" if dry_run else "removed"
    for entry in entries:
        if not dry_run:
            store.remove(entry.kind, entry.identity)
        sys.stdout.write(f"{done} {entry.kind} {entry.identity}\n")
    for leftover in leftovers:
        if not dry_run:
            store.discard(leftover)
        sys.stdout.write(f"{done} {leftover}\n")
    size = readable(sum(entry.size for entry in entries))
    sys.stdout.write(f"{done} {len(entries)} entries of {size} from {store.address}\n")


def superfluous(store: Store, kept: set[str], before: float) -> list[Entry]:
    """Entries that were written before a time and are not used."""
    entries = entries_of(store, KINDS)
    return [entry for entry in entries if entry.identity not in kept and entry.written < before]


def kept_by(layout: Layout) -> set[str]:
    """The identities of the entries that the results of a study use.

    Raises:
        StudyError: If they are not known, so that nothing may be removed.
    """
    if not layout.kept.exists():
        raise StudyError(
            f"{layout.kept} is missing, the list of entries that the study uses; "
            f"run `{command_line('run', layout.folder)}` first"
        )
    found = read_json(layout.kept)
    if not isinstance(found, list) or not all(isinstance(identity, str) for identity in found):
        again = command_line("run", layout.folder)
        raise StudyError(f"{layout.kept} is not a list of identities; `{again}` rewrites it")
    return set(found)


def verify(folder: Path, fix: bool) -> None:
    """Compare every file of every entry with its digest.

    Args:
        folder: Folder of the study.
        fix: Whether to remove broken entries, so that they are made again.

    Raises:
        StoreError: If an entry is broken and not removed.
    """
    store, broken = store_of(folder), 0
    entries = entries_of(store, KINDS)
    for entry in entries:
        files = store.broken_files(entry.kind, entry.identity)
        broken += bool(files)
        sys.stdout.writelines(f"{file} is not as it was stored\n" for file in files)
        if files and fix:
            store.remove(entry.kind, entry.identity)
            sys.stdout.write(f"removed {entry.kind} {entry.identity}\n")
    if broken and not fix:
        mend = command_line("store", "verify", "--fix", folder)
        raise StoreError(
            f"{broken} of {len(entries)} entries of the store {store.address} are broken; "
            f"`{mend}` removes them, so that they are made again"
        )
    sys.stdout.write(f"{len(entries) - broken} entries of the store {store.address} are whole\n")


def store_of(folder: Path) -> Store:
    """The store that the study in a folder uses."""
    read_study(folder)
    return open_store(Layout(folder))


def entries_of(store: Store, kinds: Iterable[Kind]) -> list[Entry]:
    """All entries of some kinds."""
    return [store.entry(kind, identity) for kind in kinds for identity in store.identities(kind)]


def dataset_of(store: Store, training: Entry) -> str:
    """The dataset of a training, if the training names it."""
    try:
        config = json.loads(store.read(training.kind, training.identity, "config.json"))
        return str(config["dataset"])
    except (StoreError, ValueError, TypeError, LookupError):
        return UNKNOWN


def counted(title: str, entries: Mapping[str, list[Entry]]) -> Table:
    """A table with a row for each group of entries: their number and size."""
    table = Table(title, "entries", "size")
    for name, group in entries.items():
        size = readable(sum(entry.size for entry in group))
        table.add_row(name, str(len(group)), size)
    return table


def readable(size: int) -> str:
    """A number of bytes in a suitable unit."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
