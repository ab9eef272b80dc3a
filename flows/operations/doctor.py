"""Find what stops a study: versions, ports, locks, dead runs, a full disk, half-written files.

Each finding says what is wrong, where, and how to repair it. Nothing that a running process or
another machine may be using is touched.
"""

import shutil
import socket
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from importlib.metadata import version as installed
from pathlib import Path

from filelock import FileLock, Timeout
from packaging.requirements import Requirement

from flows.layout import Layout
from flows.operations.finding import Finding
from flows.operations.leftovers import cut_off, marks, temporary_files
from flows.operations.unended_runs import dead_flow_runs, problem_of_prefect, tracked
from flows.recording.command import dvc_folder
from flows.recording.lock_file import lock_file
from flows.running.mark import going_on, mark_file
from flows.system.command_line import study_command
from flows.system.exclusive import if_free
from flows.system.pages import shown_pages
from flows.system.ports import Ports
from flows.system.servers import HOST, holder
from rnn_core.compiler.cpu.command import NO_COMPILER, compiler_command
from rnn_core.study import read_study

PORTS = {
    Ports.mlflow: "MLflow",
    Ports.prefect: "Prefect",
    Ports.models: "the model server",
    Ports.worker: "the worker",
}
"""Ports of the servers of `gatewise up`, with their names."""

LEAST_FREE = 1 << 30
"""Fewest free bytes that a disk should have."""

EXTRAS = ("", "tasks", "pipeline")
"""Extras of the package that studies need."""


def examine(layout: Layout, api: str | None) -> Iterator[Finding]:
    """Look for everything that may stop a study.

    Args:
        layout: Where the study keeps things.
        api: Address of the API of a running Prefect server; None if there is none.
    """
    yield from packages()
    yield from compilers()
    yield from ports()
    yield from disk(layout)
    silent = None if api is None else problem_of_prefect(api)
    if silent is not None:
        yield silent
        api = None
    in_the_way = list(folders(layout))
    yield from in_the_way
    if in_the_way:
        return  # the rest would stop at them
    with if_free(layout, "flow") as free:
        if not free:
            yield Finding(going_on(layout), str(layout.folder), "nothing; it is at work")
            return  # it may be writing the files
        yield from marks(layout, api)
        yield from cut_off(layout)
        yield from temporary_files(layout)
        yield from tracked(layout)
    yield from dvc_at_work(layout)
    if api is not None:
        yield from dead_flow_runs(api)


def packages() -> Iterator[Finding]:
    """Packages that are missing, or have a version that Gatewise does not work with."""
    for text in requires("gatewise") or []:
        needed = Requirement(text)
        if needed.name == "gatewise" or not is_asked_for(needed):
            continue
        try:
            there = installed(needed.name)
        except PackageNotFoundError:
            there = None
        if there is None or not needed.specifier.contains(there, prereleases=True):
            what = f"version {there} is installed" if there else "is not installed"
            cure = f"pip install '{needed.name}{needed.specifier}'"
            yield Finding(what, needed.name, cure)


def compilers() -> Iterator[Finding]:
    """A machine without a C compiler, on which cells run slowly."""
    if compiler_command() is None:
        what = f"{NO_COMPILER}, so that cells run about ten times slower"
        yield Finding(what, "PATH", "install one, such as by apt-get install gcc libc6-dev")


def is_asked_for(needed: Requirement) -> bool:
    """Return whether studies need a requirement on this machine."""
    return needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in EXTRAS)


def ports() -> Iterator[Finding]:
    """Ports that `gatewise up` needs and other processes hold, unless it is running."""
    if shown_pages() is not None:
        return
    for port, what in PORTS.items():
        if is_taken(port):
            cure = "end that, or give `gatewise up` another port"
            yield Finding(f"taken by {holder(port)}", f"port {port}, of {what}", cure)


def is_taken(port: int) -> bool:
    """Return whether a process listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def disk(layout: Layout) -> Iterator[Finding]:
    """A disk with less free space than the study's files take: a run may write all files again."""
    held = sum(size_of(path) for path in (layout.store, layout.runs("_").parent))
    free = shutil.disk_usage(layout.folder).free
    if free < max(LEAST_FREE, held):
        what = f"{free / 1e9:.1f} GB are free, and the study's trainings take {held / 1e9:.1f} GB"
        collect = study_command(layout.folder, "store", "gc")
        cure = f"free some; `{collect}` removes what no result is made of"
        yield Finding(what, str(layout.folder.resolve()), cure)


def size_of(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def folders(layout: Layout) -> Iterator[Finding]:
    """Folders with the names of files of a study."""
    of_dvc = dvc_folder(layout.folder) / "tmp"
    files = [layout.code, layout.kept, layout.shown, layout.timings, layout.timings_page]
    files += [lock_file(layout), layout.folder / "dvc.yaml", layout.metrics, layout.page]
    files += [mark_file(layout), of_dvc / "rwlock", of_dvc / "lock"]
    files += map(layout.comparison, read_study(layout.folder).datasets)
    files += sorted(layout.locks.glob("*.lock"))
    for file in files:
        if file.is_dir():
            yield Finding("is a folder; a file belongs there", str(file), "move or remove it")


def dvc_at_work(layout: Layout) -> Iterator[Finding]:
    """The lock of a DVC process that is running."""
    lock = dvc_folder(layout.folder) / "tmp/lock"
    if not lock.exists():
        return
    try:
        FileLock(lock).acquire(timeout=0).lock.release()
    except Timeout:
        number = lock.read_text(encoding="utf-8").strip()
        yield Finding(f"held by process {number}", str(lock), "wait for its end, or end it")
