"""What keeps a study in order beside its runs: status, sync and prune."""

import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from flows.layout import Layout
from flows.system.environment import enter_repository, use_defaults
from flows.trainings.processes import exclusive
from rnn_core.study import Study, read_study


def status(folder: Path) -> None:
    """Print which cell to use on each dataset, and whether that is up to date."""
    from flows.commands.summary import summarise, terminal_table  # noqa: PLC0415
    from flows.recording import graph  # noqa: PLC0415 - as all below: other commands do without

    use_defaults()
    folder = enter_repository(folder)
    layout, plan = Layout(folder), read_study(folder)
    rows = summarise(layout, plan)
    console = Console()
    console.print(terminal_table(rows) if rows else "Nothing has been compared yet.")
    commit = commit_of(layout.folder / "dvc.lock")
    console.print(f"\nResults are of {commit or 'no commit'}.", highlight=False)
    stale = sorted(graph.stale_stages(layout))
    shown = ", ".join(stale[:6]) + (", ..." if len(stale) > 6 else "")
    console.print(f"{len(stale)} stages are stale: {shown}" if stale else "All is up to date.")


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
    folder = enter_repository(folder)
    from flows.tracking.projection import Projection  # noqa: PLC0415 - reads settings made above

    layout, plan = Layout(folder), read_study(folder)
    projection = Projection(layout, plan.study, {})
    for dataset in plan.datasets:
        if layout.comparison(dataset).exists():
            projection.project(dataset)
            sys.stdout.write(f"{dataset}: MLflow shows it\n")


def prune(folder: Path) -> None:
    """Remove what params.yaml does not name any more, and interrupted trainings."""
    layout, plan = Layout(folder), read_study(folder)
    with exclusive(layout, "flow"):
        for path in left_over(layout, plan):
            sys.stdout.write(f"removed {path}\n")
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def left_over(layout: Layout, plan: Study) -> list[Path]:
    """Folders and files of datasets and cells that the study does not have."""
    found: list[Path] = []
    for outputs in (layout.raw("_"), layout.prepared("_"), layout.comparison("_")):
        found += [path for path in outputs.parent.glob("*") if path.stem not in plan.datasets]
    matrix = (layout.tuning, layout.run, layout.evaluation)
    for outputs in (output("_", "_") for output in matrix):
        for dataset in outputs.parent.parent.glob("*"):
            if dataset.name not in plan.datasets:
                found.append(dataset)
            else:
                found += [cell for cell in dataset.glob("*") if cell.name not in plan.cells]
    ours = [path for path in found if not path.name.startswith(".")]  # DVC keeps .gitignore there
    return sorted(ours) + sorted(layout.training.glob("*"))
