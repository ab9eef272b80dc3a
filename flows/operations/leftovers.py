"""Find files that killed processes left in a study."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil

from flows.layout import Layout
from flows.operations.finding import Finding
from flows.recording.command import dvc_folder
from flows.recording.lock_file import is_cut_off, lock_file
from flows.recording.repair import is_json, repair
from flows.running.mark import mark_file, read_mark
from flows.system.prefect_api import prefect_answers
from flows.trainings.store import UNFINISHED, is_of_the_dead, open_store


def marks(layout: Layout, api: str | None) -> Iterator[Finding]:
    """The mark of a killed run; the caller must hold the lock that every run holds."""
    mark = read_mark(layout)
    if mark is None:
        if mark_file(layout).exists():
            cure = "remove it"
            yield Finding("cannot be read", str(mark_file(layout)), cure, mark_file(layout).unlink)
        return
    what = f"run {mark.run or '(unnamed)'}, process {mark.process} of {mark.host}, was killed"
    where = str(mark_file(layout))
    if api is None:
        cure = "its next run tells Prefect; so does --fix while a Prefect server runs"
        yield Finding(what, where, cure)
    else:
        cure = "tell Prefect, and remove the mark"
        yield Finding(what, where, cure, partial(end_mark, layout, api))


def end_mark(layout: Layout, api: str) -> None:
    """Report a killed run to Prefect, and remove its mark.

    Raises:
        ServerError: If Prefect does not answer; the mark stays.
    """
    from flows.running.states import end_killed  # noqa: PLC0415 - imports Prefect

    with prefect_answers(api):
        end_killed(read_mark(layout))
    mark_file(layout).unlink(missing_ok=True)


def cut_off(layout: Layout) -> Iterator[Finding]:
    """Files of DVC that a kill cut off."""
    file, table = lock_file(layout), dvc_folder(layout.folder) / "tmp/rwlock"

    def whole() -> None:
        repair(layout)

    if is_cut_off(layout):
        yield Finding("was cut off by a kill", str(file), "keep its complete stages", whole)
    if table.exists() and not is_json(table):
        yield Finding("was cut off by a kill", str(table), "remove it; DVC makes a new one", whole)


def temporary_files(layout: Layout) -> Iterator[Finding]:
    """Files that processes of this machine were writing when they were killed."""
    for file in sorted(layout.folder.rglob(".*.tmp")):
        writer = file.name.split(".")[-2]
        if file.is_file() and writer.isdigit() and not psutil.pid_exists(int(writer)):
            yield Finding("is half-written", str(file), "remove it", partial(remove, file))
    if open_store(layout).url == str(layout.store):
        for folder in sorted((layout.store / UNFINISHED).glob("*.*.*.*")):
            if is_of_the_dead(folder.name):
                yield Finding("is half-written", str(folder), "remove it", partial(remove, folder))


def remove(path: Path) -> None:
    """Remove a file or a folder."""
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
