"""evaluate: score the seeds of a cell on the validation and test sides of a dataset."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from flows.layout import Layout
from rnn_core import evaluation
from rnn_core.devices import make_deterministic
from rnn_core.files import read_json, whole_folder, write_json
from rnn_core.params import read_study
from rnn_core.runs import SUMMARY, read_config, read_prepared, seed_folder
from rnn_core.tasks import get_task
from rnn_core.tasks.base import Data, Meta


def evaluate(layout: Layout, dataset: str, cell: str) -> None:
    """Fill `evaluations/<dataset>/<cell>` from `runs/<dataset>/<cell>`."""
    seeds = read_study(layout.folder).seeds
    make_deterministic()
    data, meta = read_prepared(layout.prepared(dataset))
    run = layout.run(dataset, cell)
    config, cost = read_config(seed_folder(run, seeds[0]))
    scratch = layout.scratch / f"evaluate-{dataset}-{cell}"
    with whole_folder(layout.evaluation(dataset, cell), scratch) as folder:
        results = [evaluate_seed(run, seed, data, meta, folder) for seed in seeds]
        scores = {
            "cell": cell,
            "device": config.device,
            "data": config.data,
            "metric": asdict(get_task(config.task).metric),
            "cost": asdict(cost),
            "seeds": results,
        }
        write_json(folder / "scores.json", scores)


def evaluate_seed(run: Path, seed: int, data: Data, meta: Meta, folder: Path) -> dict[str, Any]:
    """Score one seed; its items go into a file of their own."""
    source = seed_folder(run, seed)
    config, _ = read_config(source)
    summary = read_json(source / SUMMARY)
    scores = evaluation.evaluate(source, data, meta, torch.device(config.device))
    if scores is not None:
        evaluation.write_items(folder / f"seed-{seed}.safetensors", scores)
    return {
        "seed": seed,
        "epochs": summary["epochs"],
        "steps": summary["steps"],
        "validation": scores.validation.mean if scores else None,
        "test": scores.test.mean if scores else None,
    }
