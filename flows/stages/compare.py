"""compare: decide which cell to use on a dataset."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.layout import Layout
from rnn_core.comparison import (
    CellResult,
    SeedResult,
    check_comparable,
    decide,
    summarise,
)
from rnn_core.errors import StudyError
from rnn_core.files import read_json, write_json
from rnn_core.params import Study, read_study
from rnn_core.runs import Cost, read_prepared
from rnn_core.tasks import get_task


def compare(layout: Layout, dataset: str) -> None:
    """Write `comparisons/<dataset>.json` from the evaluations of exactly the study's cells."""
    study = read_study(layout.folder)
    section = study.section(dataset)
    check_cells(layout, study, dataset)
    seeds = study.seeds_of(dataset)
    results = [
        read_result(layout.evaluation(dataset, cell), seeds) for cell in study.cells_of(dataset)
    ]
    check_comparable(results)
    data, meta = read_prepared(layout.prepared(dataset))
    kind = get_task(section.task)
    task = kind(meta, study.parameters(dataset, "model", kind.ModelParameters))
    comparison: dict[str, Any] = {
        "task": section.task,
        "metric": asdict(task.metric),
        "device": results[0].device,
        "items": meta["items"],
        **asdict(decide(results, task.metric)),
        "cells": {result.cell: summarise(result) for result in results},
        "baselines": task.baselines(data),
        "optimum": task.optimum(),
    }
    layout.comparison(dataset).parent.mkdir(exist_ok=True)
    write_json(layout.comparison(dataset), comparison)


def check_cells(layout: Layout, study: Study, dataset: str) -> None:
    """Refuse evaluations that are missing or left over.

    Raises:
        StudyError: If there are any.
    """
    folder = layout.evaluation(dataset, "any").parent
    there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if missing := sorted(set(study.cells) - there):
        raise StudyError(f"{folder} lacks {', '.join(missing)}; run `gatewise run`")
    if left_over := sorted(there - set(study.cells)):
        raise StudyError(
            f"{folder} has {', '.join(left_over)}, which params.yaml does not name; "
            "run `gatewise prune`"
        )


def read_result(folder: Path, wanted: tuple[int, ...]) -> CellResult:
    """Read the evaluation of a cell.

    Raises:
        StudyError: If its seeds are not those that are wanted.
    """
    content = read_json(folder / "scores.json")
    seeds = tuple(SeedResult(**seed) for seed in content["seeds"])
    if tuple(seed.seed for seed in seeds) != wanted:
        raise StudyError(f"{folder} has not exactly the seeds of params.yaml; run `gatewise run`")
    return CellResult(
        cell=content["cell"],
        device=content["device"],
        data=content["data"],
        cost=Cost(**content["cost"]),
        seeds=seeds,
    )
