"""evaluate: score the seeds of a cell on the validation and test sides of a dataset.

Beside the scores stand `diagnostics.json`: what the cell is warned of, seed by seed; and
`illustration.json`: what the model of the best seed does on the test side.
"""

from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import torch

from flows.layout import Layout
from rnn_core.devices import make_deterministic
from rnn_core.diagnostics.passage import MOST_STEPS
from rnn_core.diagnostics.seed import diagnose
from rnn_core.files import read_json, whole_folder, write_json
from rnn_core.study import read_study
from rnn_core.tasks import get_task
from rnn_core.tasks.base.task import Data, Meta, Metric, Split
from rnn_core.training import evaluation
from rnn_core.training.run_folder import (
    RUNG,
    SUMMARY,
    is_left_out,
    leave_out,
    read_config,
    read_prepared,
    seed_name,
    sizes_in,
)

ILLUSTRATED: Split = "test"
"""The side that illustrates a model."""


def evaluate(layout: Layout, dataset: str, cell: str) -> None:
    """Fill `evaluations/<dataset>/<cell>` from `runs/<dataset>/<cell>`."""
    seeds = read_study(layout.folder).seeds_of(dataset)
    run = layout.run(dataset, cell)
    scratch = layout.scratch / f"evaluate-{dataset}-{cell}"
    with whole_folder(layout.evaluation(dataset, cell), scratch) as folder:
        if is_left_out(run):
            leave_out(folder)
            return
        make_deterministic()
        data, meta = read_prepared(layout.prepared(dataset))
        for hidden_size in sizes_in(run):
            evaluate_size(run / str(hidden_size), seeds, data, meta, folder / str(hidden_size))


def evaluate_size(size: Path, seeds: tuple[int, ...], data: Data, meta: Meta, folder: Path) -> None:
    """Score the seeds of a size of a cell, and diagnose them."""
    folder.mkdir()
    config, cost = read_config(size / seed_name(seeds[0]))
    results = [evaluate_seed(size / seed_name(seed), seed, data, meta, folder) for seed in seeds]
    scores = {
        "cell": config.cell,
        "device": config.device,
        "data": config.data,
        "metric": asdict(get_task(config.task).metric),
        "cost": asdict(cost),
        **read_json(size / RUNG),
        "seeds": results,
    }
    write_json(folder / "scores.json", scores)
    device = torch.device(config.device)
    found = {str(s): diagnose(size / seed_name(s), data, meta, device) for s in seeds}
    content = {"cell": config.cell, "most_steps": MOST_STEPS, "seeds": found}
    write_json(folder / "diagnostics.json", content)
    shown = illustrate_best(size, results, data, meta, get_task(config.task).metric)
    write_json(folder / "illustration.json", shown)


def illustrate_best(
    size: Path, results: list[dict[str, Any]], data: Data, meta: Meta, metric: Metric
) -> dict[str, Any]:
    """What the model of the best seed on the validation side does; empty if all diverged."""
    scores = {r["seed"]: r["validation"] for r in results if r["validation"] is not None}
    if not scores:
        return {}
    seed = evaluation.best_seed(scores, metric)
    shown = evaluation.illustrate(size / seed_name(seed), data, meta, ILLUSTRATED)
    return {"seed": seed, "split": ILLUSTRATED, **shown}


def evaluate_seed(source: Path, seed: int, data: Data, meta: Meta, folder: Path) -> dict[str, Any]:
    """Score one seed; its items go into a file of their own.

    Scores that are not numbers count as those of a training that diverged.
    """
    config, _ = read_config(source)
    summary = read_json(source / SUMMARY)
    scores = evaluation.evaluate(source, data, meta, torch.device(config.device))
    if scores and not all(isfinite(s.overall) for s in (scores.validation, scores.test)):
        scores = None
    if scores is not None:
        evaluation.write_items(folder / f"{seed_name(seed)}.safetensors", scores)
    return {
        "seed": seed,
        "epochs": summary["epochs"],
        "steps": summary["steps"],
        "validation": scores.validation.overall if scores else None,
        "test": scores.test.overall if scores else None,
        "others": dict(scores.test.others) if scores else {},
    }
