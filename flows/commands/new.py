"""`gatewise new`: make a study of your own data.

The data is copied into the study, read and tried first. If anything is wrong with it, all errors
are shown, and no files are left behind.
"""

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from flows.layout import Layout
from flows.own_data.copying import check_data, copy_data
from flows.own_data.options import as_options, in_options
from flows.own_data.run_time import run_time
from flows.own_data.settings import read_settings
from flows.own_data.trying import Tried, try_out
from flows.recording.command import dvc
from flows.recording.graph_file import lay_graph, root_for
from flows.report.foresight import before_training
from flows.system.git import git
from rnn_core.cells import REGISTRY as CELLS
from rnn_core.errors import ParameterError, unknown
from rnn_core.files import write_text
from rnn_core.readers.pair_files import is_table
from rnn_core.study import EnsembleOf, Seeds
from rnn_core.tasks import get_task
from rnn_core.training.pace import seconds_of_training
from rnn_core.training.sizes import BUDGET_CELL
from rnn_core.wording import in_part

SOURCE = "source"
"""Folder of the study that holds the data."""

TARGETS = {"forecasting": "targets", "sentiment": "label"}
"""The data parameter that --target sets, by task."""

COMMENT = """\
# A study of {what}, made by `gatewise new`. The page params.yaml of the documentation
# describes the parameters; after a change, `gatewise run` trains what depends on it.

"""


def new_study(
    folder: Path,
    task: str,
    data: Sequence[Path],
    *,
    targets: Sequence[str],
    series: str | None,
    future: Sequence[str],
    settings: Sequence[str],
    cells: Sequence[str],
    sizes: Sequence[str],
    seeds: Seeds,
) -> list[str]:
    """Make the folder of a study with a copy of the data.

    Args:
        folder: The folder, which must not exist or be empty.
        task: Name of the task.
        data: The file, folder or aligned files.
        targets: Columns to predict.
        series: Column with the name of the series that a row belongs to.
        future: Columns whose values are known in advance.
        settings: Further data parameters, as `name=value`.
        cells: Cells to compare.
        sizes: Sizes of each, budgets of weights or "equal".
        seeds: Numbers of random seeds of each cell.

    Returns:
        Lines for the user about the data that was read, and the study.

    Raises:
        ParameterError: If an argument is not possible.
        DataError: If the data cannot be used; nothing is left behind.
    """
    kind = get_task(task)
    check_arguments(folder, data, cells)
    wanted = aligned_setting(task, data) | target_setting(task, targets)
    wanted |= forecasting_settings(task, series, future) | read_settings(settings)
    budgets, dataset = read_sizes(sizes), as_name(data[0].stem, "data")
    there = next(parent for parent in folder.absolute().parents if parent.exists())
    with TemporaryDirectory(prefix=".new-", dir=there) as temporary:
        growing = Path(temporary) / "study"
        copy_data(data, growing / SOURCE)
        with in_options(kind):
            tried = try_out(kind, growing / SOURCE, wanted)
        content = {
            "root": root_for(folder),
            "study": as_name(folder.resolve().name, "study"),
            "device": "auto",
            "seeds": asdict(seeds),
            "cells": list(cells),
            "sizes": budgets,
            "depths": [1],
            "tuning": None,
            "champion": "auto",
            "ensemble": asdict(EnsembleOf()),
            "refit": False,
            "references": None,
            "datasets": {
                dataset: {
                    "source": SOURCE,
                    "task": task,
                    "margin": kind.margin,
                    **tried.section,
                }
            },
        }
        lines = [as_options(line, kind) for line in told(tried, cells, budgets, seeds)]
        lay_out(growing, content, data)
        init_dvc(growing)
        put_in_place(growing, folder)
    made = f"{folder} is a study of the dataset {dataset}: see its params.yaml."
    return [made, *(f"  {in_part(line)}" for line in lines)]


def put_in_place(growing: Path, folder: Path) -> None:
    """Move a finished study to its folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rmdir()
    shutil.move(growing, folder)


def check_arguments(folder: Path, data: Sequence[Path], cells: Sequence[str]) -> None:
    """Check that the arguments can make a study.

    Raises:
        ParameterError: If they cannot.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ParameterError(f"{folder} exists and is not an empty folder; choose another")
    check_data(folder, data)
    for cell in cells:
        if cell not in CELLS:
            raise ParameterError(f"--cells: {unknown('cell', cell, CELLS)}")


def read_sizes(sizes: Sequence[str]) -> list[float | str]:
    """Read budgets of weights, and "equal".

    Raises:
        ParameterError: If one is neither.
    """
    try:
        found = [size if size == "equal" else float(size) for size in sizes]
    except ValueError:
        found = []
    if not found or any(size != "equal" and not 0 < float(size) < math.inf for size in found):
        raise ParameterError(
            f"--sizes: {','.join(sizes)!r} must be numbers above 0, or equal, separated by commas, "
            "such as 0.25,1"
        )
    return found


def target_setting(task: str, targets: Sequence[str]) -> dict[str, Any]:
    """The data parameter that --target sets for a task."""
    if not targets:
        return {}
    if task not in TARGETS:
        raise ParameterError(
            f"--target is an option of {' and '.join(TARGETS)}, not of {task}; leave it out"
        )
    name = TARGETS[task]
    if name == "targets":
        return {name: list(targets)}
    if len(targets) > 1:
        raise ParameterError(f"--target: {task} has one target, and you gave {len(targets)}")
    return {name: targets[0]}


def forecasting_settings(task: str, series: str | None, future: Sequence[str]) -> dict[str, Any]:
    """The data parameters that --series and --future set."""
    found = {
        **({"series": series} if series is not None else {}),
        **({"known": list(future)} if future else {}),
    }
    if found and task != "forecasting":
        option = "--series" if "series" in found else "--future"
        raise ParameterError(f"{option} is an option of forecasting, not of {task}; leave it out")
    return found


def aligned_setting(task: str, data: Sequence[Path]) -> dict[str, Any]:
    """The data parameters for aligned files: the first is translated into the second.

    Of more than two, the files in the language of the first one are translated.
    """
    if task != "translation" or len(data) < 2 or any(map(is_table, data)):
        return {}
    if len(data) > 2:
        return {"source_file": data[0].name}
    return {"source_file": data[0].name, "target_file": data[1].name}


def as_name(text: str, default: str) -> str:
    """Turn a text into a name for params.yaml: lower-case letters, digits and _."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if not name:
        return default
    return name if name[0].isalpha() else f"{default}_{name}"


def told(
    tried: Tried, cells: Sequence[str], sizes: Sequence[float | str], seeds: Seeds
) -> list[str]:
    """Lines for the user: facts about the data, doubts about it, and the time of a run."""
    task, understood = tried.task, tried.understood
    foresight = before_training(task.metric, task.margin, task.meta.items["validation"])
    doubts = [*understood.doubts, *([foresight] if foresight else [])]
    cell = BUDGET_CELL if BUDGET_CELL in cells else cells[0]
    seconds = seconds_of_training(task, cell, tried.data, tried.training)
    time = run_time(seconds, len(cells), sizes, seeds, EnsembleOf().members)
    return [*understood.read, *(f"note: {doubt}" for doubt in doubts), time]


def lay_out(folder: Path, content: Mapping[str, Any], data: Sequence[Path]) -> None:
    """Write the files of a study, apart from its data."""
    comment = COMMENT.format(what=", ".join(path.name for path in data))
    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)
    write_text(folder / "params.yaml", comment + text)
    write_text(folder / ".gitignore", ".gatewise/\n")
    lay_graph(folder, content["root"])


def init_dvc(folder: Path) -> None:
    """Make a study a root of DVC, also inside a git repository.

    Raises:
        RecordingError: If DVC fails.
    """
    inside = git(folder, "rev-parse", "--is-inside-work-tree") is not None
    how = "--subdir" if inside else "--no-scm"
    dvc(Layout(folder), "init", "--quiet", how)
    if inside:
        # DVC stages its files, but the folder has another name until the study is complete.
        git(folder, "rm", "-r", "--cached", "--force", "--quiet", "--ignore-unmatch", ".")
