"""Keep a study in order between its runs: status, sync and prune."""

import errno
import shutil
import sys
from pathlib import Path

from rich.console import Console

from flows.layout import REPORT_PARTS, Layout
from flows.report.words import number
from flows.running.mark import going_on
from flows.system.command_line import command_line
from flows.system.environment import use_defaults
from flows.system.exclusive import exclusive, if_free
from flows.system.git import git
from flows.system.home import enter_home
from flows.tracking.shown import read_shown
from rnn_core.study import Study, read_study

UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)
"""Errors of the system about a place that a user may not write to."""

NEVER = "Nothing has been run here yet"
STOPPED = "No run has come to its end here yet; finished trainings are kept"
UNCOMMITTED = "The results are in no commit of Git."


def status(folder: Path, *, verbose: bool = False) -> None:
    """Print the recommended cell for each dataset, and whether results are up to date.

    Args:
        folder: Folder of the study, as the user typed it.
        verbose: Whether to show details.
    """
    from flows.running.summary import show, summarise  # noqa: PLC0415 - others do without

    use_defaults()
    place = enter_home(folder)
    layout, plan = Layout(place), read_study(place)
    console = Console()
    blocks = summarise(layout, plan.study, plan.datasets, read_shown(layout), folder)
    show(console, blocks, verbose=verbose)
    lines = []
    if verbose:
        commit = commit_of(layout.folder / "dvc.lock")
        lines = [f"Results come from commit {commit}." if commit else UNCOMMITTED]
    if extra := [str(path.relative_to(place)) for path in left_over(layout, plan)]:
        remove = command_line("prune", folder)
        lines.append(f"Left over from other datasets: {', '.join(extra)}. Remove: {remove}")
    lines += freshness(layout, folder)
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def freshness(layout: Layout, folder: Path) -> list[str]:
    """Lines on whether results are up to date, if no run is changing them.

    DVC compares files only where it may write, as nobody may in an archive or another's study.

    Args:
        layout: Where the study keeps things.
        folder: Folder of the study, as the user typed it.
    """
    try:
        with if_free(layout, "flow") as free:
            return what_is_stale(layout, folder) if free else [f"{going_on(layout)}."]
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        place = error.filename or layout.locks
        return [f"Whether results are up to date cannot be seen, as {place} cannot be written."]


def what_is_stale(layout: Layout, folder: Path) -> list[str]:
    """Lines on whether results are up to date, and how to bring them up to date.

    Args:
        layout: Where the study keeps things.
        folder: Folder of the study, as the user typed it.
    """
    from flows.recording.inputs import read_inputs  # noqa: PLC0415 - others do without
    from flows.recording.plan import find_due, only_looking  # noqa: PLC0415 - as above

    with only_looking(layout):
        due = find_due(layout, read_inputs(layout), None, None)
    stale = sorted(due.work)
    if not stale:
        return [*due.repaired, "All is up to date."]
    shown = ", ".join(stale[:6]) + (", ..." if len(stale) > 6 else "")
    again = command_line("run", folder)
    if not any(layout.runs(name).exists() for name in read_study(layout.folder).datasets):
        trained = layout.timings.exists()
        return [*due.repaired, f"{STOPPED if trained else NEVER}. Run it: {again}"]
    return [*due.repaired, f"{number(len(stale), 'stage')} out of date: {shown}. Renew: {again}"]


def commit_of(file: Path) -> str:
    """The last commit of a file, with its date and title; empty if there is none."""
    return git(file.parent, "log", "-1", "--format=%h, %cs: %s", "--", file.name) or ""


def sync(folder: Path) -> None:
    """Make MLflow show every dataset of a study that has been compared.

    Raises:
        TrackingError: If MLflow does not answer.
    """
    use_defaults()
    folder = enter_home(folder)
    from flows.tracking.projection import Projection  # noqa: PLC0415 - reads settings made above
    from flows.tracking.retired import retire  # noqa: PLC0415 - as above

    layout, plan = Layout(folder), read_study(folder)
    projection = Projection(layout, plan.study, {})
    for dataset in plan.datasets:
        if layout.comparison(dataset).exists():
            projection.project(dataset)
            sys.stdout.write(f"{dataset}: MLflow shows it\n")
    retire(projection, plan.datasets)


def prune(folder: Path) -> None:
    """Remove outputs that params.yaml no longer names, and interrupted trainings."""
    layout, plan = Layout(folder), read_study(folder)
    with exclusive(layout, "flow"):
        growing = [*layout.training.glob("*"), *layout.scratch.glob("*")]
        for path in [*left_over(layout, plan), *sorted(growing)]:
            sys.stdout.write(f"removed {path}\n")
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def left_over(layout: Layout, plan: Study) -> list[Path]:
    """Outputs that belong to no dataset of the study."""
    found: list[Path] = []
    for place in (layout.raw, layout.prepared, layout.runs, layout.evaluations, layout.comparison):
        named = {place(name) for name in plan.datasets}
        found += [path for path in place("_").parent.glob("*") if path not in named]
    for part in REPORT_PARTS:
        there = (layout.reports / part).glob("*")
        found += [path for path in there if path.stem not in plan.datasets]
    return sorted(path for path in found if not path.name.startswith("."))  # DVC has .gitignore
