"""Scoring of finished seeds on the validation and test sides."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from rnn_core.files import write_bytes
from rnn_core.tasks.base.task import Data, Illustration, Meta, Metric, Scores, Split
from rnn_core.training.run_folder import MODEL, restore

SCORED: tuple[Split, ...] = ("validation", "test")


@dataclass(frozen=True)
class SeedScores:
    """The scores of one seed on both sides."""

    validation: Scores
    test: Scores


def evaluate(folder: Path, data: Data, meta: Meta, device: torch.device) -> SeedScores | None:
    """Score a finished seed; None if its training diverged.

    Args:
        folder: The run folder of the seed.
        data: The prepared data that it was trained on.
        meta: Its meta.
        device: Where to compute.
    """
    if not (folder / MODEL).exists():
        return None
    task, model = restore(folder, meta)
    model = model.to(device)
    data = {name: tensor.to(device) for name, tensor in data.items()}
    with torch.inference_mode():
        validation, test = (task.scores(model, data, split) for split in SCORED)
    return SeedScores(validation, test)


def best_seed(scores: Mapping[int, float], metric: Metric) -> int:
    """The seed with the best score, the lowest of equals."""
    sign = 1 if metric.direction == "lower" else -1
    return min(scores, key=lambda seed: (sign * scores[seed], seed))


def illustrate(folder: Path, data: Data, meta: Meta, split: Split) -> Illustration:
    """Show what the model of a finished seed does on a side.

    Args:
        folder: The run folder of the seed, which did not diverge.
        data: The prepared data that it was trained on, on the CPU.
        meta: Its meta.
        split: The side.
    """
    task, model = restore(folder, meta)
    with torch.inference_mode():
        return task.illustrate(model, data, split)


def write_items(path: Path, scores: SeedScores) -> None:
    """Write the score, weight and cluster of every item."""
    tensors: dict[str, Tensor] = {}
    for split in SCORED:
        side: Scores = getattr(scores, split)
        tensors[f"{split}/values"] = side.values
        tensors[f"{split}/weights"] = side.weights
        if side.clusters is not None:
            tensors[f"{split}/clusters"] = side.clusters
        if side.own_to_seed:
            tensors[f"{split}/own_to_seed"] = torch.ones(())
    write_bytes(path, save(tensors))


def read_items(path: Path, split: Split) -> Scores:
    """Read the score, weight and cluster of every item of a side."""
    tensors = load_file(path)
    return Scores(
        tensors[f"{split}/values"],
        tensors[f"{split}/weights"],
        clusters=tensors.get(f"{split}/clusters"),
        own_to_seed=f"{split}/own_to_seed" in tensors,
    )
