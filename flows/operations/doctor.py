"""Find what stops a study: versions, ports, locks, dead runs, a full disk, half-written files.

Each finding says what is wrong, where, and how to repair it. Nothing that a running process or
another machine may be using is touched.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, requires
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout
from packaging.requirements import Requirement

from flows.layout import Layout
from flows.recording.lock_file import is_cut_off, lock_file
from flows.recording.repair import is_json, repair
from flows.running.mark import going_on, mark_file, read_mark
from flows.system.exclusive import if_free
from flows.system.pages import shown_pages
from flows.system.ports import Ports
from flows.system.prefect_api import prefect_answers
from flows.system.servers import HOST, ServerError, holder
from flows.trainings.store import UNFINISHED, is_of_the_dead, open_store
from rnn_core.compiler.cpu.command import NO_COMPILER, compiler_command
from rnn_core.study import read_study

if TYPE_CHECKING:
    from flows.operations.dead_runs import DeadRun

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


@dataclass(frozen=True)
class Finding:
    """A problem of a study, or a possible one.

    Attributes:
        what: Description of the problem.
        where: A file, a package, a port or a run.
        cure: The step that `--fix` takes, or that the user must take if there is no `fix`.
        fix: Takes that step; None if only the user can.
    """

    what: str
    where: str
    cure: str
    fix: Callable[[], None] | None = None


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
        yield from tracked_runs(layout)
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
        cure = "free some; `gatewise store gc` removes what no result is made of"
        yield Finding(what, str(layout.folder.resolve()), cure)


def size_of(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def folders(layout: Layout) -> Iterator[Finding]:
    """Folders with the names of files of a study."""
    of_dvc = dvc_folder(layout) / "tmp"
    files = [layout.code, layout.kept, layout.shown, layout.timings, layout.timings_page]
    files += [lock_file(layout), layout.folder / "dvc.yaml", layout.metrics, layout.page]
    files += [mark_file(layout), of_dvc / "rwlock", of_dvc / "lock"]
    files += map(layout.comparison, read_study(layout.folder).datasets)
    files += sorted(layout.locks.glob("*.lock"))
    for file in files:
        if file.is_dir():
            yield Finding("is a folder; a file belongs there", str(file), "move or remove it")


# --- Files that killed runs leave ---


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
        cure = "the next `gatewise run` tells Prefect; so does --fix while a Prefect server runs"
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
    file, table = lock_file(layout), dvc_folder(layout) / "tmp/rwlock"

    def whole() -> None:
        repair(layout)

    if is_cut_off(layout):
        yield Finding("was cut off by a kill", str(file), "keep its complete stages", whole)
    if table.exists() and not is_json(table):
        yield Finding("was cut off by a kill", str(table), "remove it; DVC makes a new one", whole)


def dvc_folder(layout: Layout) -> Path:
    """The folder `.dvc` that a study is below."""
    whole = layout.folder.resolve()
    found = next((path for path in (whole, *whole.parents) if (path / ".dvc").is_dir()), whole)
    return found / ".dvc"


def dvc_at_work(layout: Layout) -> Iterator[Finding]:
    """The lock of a DVC process that is running."""
    lock = dvc_folder(layout) / "tmp/lock"
    if not lock.exists():
        return
    try:
        FileLock(lock).acquire(timeout=0).lock.release()
    except Timeout:
        number = lock.read_text(encoding="utf-8").strip()
        yield Finding(f"held by process {number}", str(lock), "wait for its end, or end it")


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


# --- Runs that MLflow and Prefect call running ---


def tracked_runs(layout: Layout) -> Iterator[Finding]:
    """Runs of MLflow whose process was on this machine and has ended."""
    _, is_file, database = os.environ["MLFLOW_TRACKING_URI"].partition("sqlite:///")
    if is_file and not Path(database).exists():
        return
    from flows.tracking.projection import TrackingError  # noqa: PLC0415 - imports MLflow
    from flows.tracking.unended import end_run, unended  # noqa: PLC0415 - as above

    try:
        runs = list(unended(read_study(layout.folder).study))
    except TrackingError as error:
        yield Finding(str(error), "MLflow", "until then no run can be shown or registered")
        return
    for run in runs:
        if is_gone(run.tags, run.started):
            where = f"MLflow run {run.id} ({run.name})"
            cure = "tell MLflow that it was killed"
            yield Finding(
                "is called running, and its process is gone", where, cure, partial(end_run, run)
            )


def is_gone(tags: Mapping[str, str], started: float) -> bool:
    """Return whether the process that made a run was on this machine and has ended."""
    host, _, number = tags.get("gatewise.process", "").rpartition(" ")
    if host != socket.gethostname() or not number.isdigit():
        return False
    try:
        return psutil.Process(int(number)).create_time() > started + 1  # a later process
    except psutil.NoSuchProcess:
        return True


def problem_of_prefect(api: str) -> Finding | None:
    """The finding about a Prefect server that cannot be used; None if it can."""
    try:
        with prefect_answers(api):
            return None
    except ServerError as error:
        return unusable_prefect(error)


def unusable_prefect(error: ServerError) -> Finding:
    """The finding about a Prefect server that does not answer, or refuses a request."""
    return Finding(str(error), "Prefect", "until then no run can begin")


def dead_flow_runs(api: str) -> Iterator[Finding]:
    """Dead runs that Prefect calls running; its address is in the environment."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - reads the environment

    from flows.operations.dead_runs import find_dead  # noqa: PLC0415 - as above

    try:
        with prefect_answers(api), get_client(sync_client=True) as client:
            found = find_dead(client)
    except ServerError as error:  # it answered before
        yield unusable_prefect(error)
        return
    for dead in found:
        where = f"flow run {dead.run.name}"
        yield Finding(dead.reason, where, "tell Prefect that it crashed", partial(end, dead, api))


def end(dead: "DeadRun", api: str) -> None:
    """Report to Prefect that a run crashed.

    Raises:
        ServerError: If Prefect does not answer, or refuses that.
    """
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - reads the environment

    from flows.operations.dead_runs import mark_dead  # noqa: PLC0415 - as above

    with prefect_answers(api), get_client(sync_client=True) as client:
        mark_dead(client, dead)
