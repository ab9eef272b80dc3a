"""What keeps a study in order beside its runs: status, sync and prune."""

import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from flows.layout import REPORT_PARTS, Layout
from flows.running.mark import going_on
from flows.system.environment import use_defaults
from flows.system.exclusive import exclusive, if_free
from flows.system.home import enter_home
from flows.tracking.shown import read_shown
from rnn_core.study import Study, read_study


def status(folder: Path) -> None:
    """Print which cell to use on each dataset, and whether that is up to date."""
    from flows.commands.summary import summarise, terminal_table  # noqa: PLC0415

    use_defaults()
    folder = enter_home(folder)
    layout, plan = Layout(folder), read_study(folder)
    rows = summarise(layout, plan.datasets, read_shown(layout))
    console = Console()
    console.print(terminal_table(rows) if rows else "Nothing has been compared yet.")
    if any(entry.model for entry in rows):
        console.print("\nModels are as the last run left them.", highlight=False)
    commit = commit_of(layout.folder / "dvc.lock")
    console.print(f"\nResults are of {commit or 'no commit'}.", highlight=False)
    if extra := [str(path.relative_to(folder)) for path in left_over(layout, plan)]:
        console.print(
            f"Of no dataset in params.yaml: {', '.join(extra)}; `gatewise prune` removes them."
        )
    with if_free(layout, "flow") as free:
        told = what_is_stale(layout) if free else f"{going_on(layout)}."
    console.print(told, highlight=False)


def what_is_stale(layout: Layout) -> str:
    """Whether results are up to date, for a person."""
    from flows.recording.inputs import read_inputs  # noqa: PLC0415 - other commands do without
    from flows.recording.plan import find_due  # noqa: PLC0415 - as above

    due = find_due(layout, read_inputs(layout), None, None)
    stale = sorted(due.stages)
    shown = ", ".join(stale[:6]) + (", ..." if len(stale) > 6 else "")
    told = f"{len(stale)} stages are stale: {shown}" if stale else "All is up to date."
    return "\n".join([*due.mended, told])


def commit_of(file: Path) -> str:
    """The last commit of a file, with its date and title; empty if there is none."""
    done = subprocess.run(
        ["git", "log", "-1", "--format=%h, %cs: %s", "--", file.name],  # noqa: S607
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


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
    """Remove what params.yaml does not name any more, and what was interrupted."""
    layout, plan = Layout(folder), read_study(folder)
    with exclusive(layout, "flow"):
        growing = [*layout.training.glob("*"), *layout.scratch.glob("*")]
        for path in [*left_over(layout, plan), *sorted(growing)]:
            sys.stdout.write(f"removed {path}\n")
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def left_over(layout: Layout, plan: Study) -> list[Path]:
    """Folders and files in the places of outputs that are those of no dataset of the study."""
    found: list[Path] = []
    for place in (layout.raw, layout.prepared, layout.runs, layout.evaluations, layout.comparison):
        named = {place(name) for name in plan.datasets}
        found += [path for path in place("_").parent.glob("*") if path not in named]
    for part in REPORT_PARTS:
        there = (layout.reports / part).glob("*")
        found += [path for path in there if path.stem not in plan.datasets]
    return sorted(path for path in found if not path.name.startswith("."))  # DVC has .gitignore
