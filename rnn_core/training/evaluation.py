"""Scoring of finished seeds on the splits that are scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from rnn_core.metric import SCORED, ScoredSplit
from rnn_core.tasks import get_task
from rnn_core.tasks.base.divides import SCORED_ON, divide, scored_by
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.base.task import Task
from rnn_core.training.illustration import Illustration, illustration_of
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.models import restore, restore_together
from rnn_core.training.run_folder import MODEL, read_config


@dataclass(frozen=True)
class SeedScores:
    """The scores of one seed on both splits that are scored."""

    validation: Scores
    test: Scores

    def items(self) -> dict[ScoredSplit, ItemScores]:
        """Results to keep for the items of both splits."""
        return {"validation": item_scores(self.validation), "test": item_scores(self.test)}


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
    found = scored(*restore(folder, meta), data, device, SCORED)
    return SeedScores(found["validation"], found["test"])


def evaluate_together(
    folders: Sequence[Path], data: Data, meta: Meta, device: torch.device
) -> dict[ScoredSplit, Scores]:
    """Score finished seeds as one model, on what they have not seen and no more than that.

    See `rnn_core.models.ensemble`.

    Args:
        folders: The run folders of the seeds, all on one division, none of which diverged.
        data: The prepared data.
        meta: Its meta.
        device: As for `evaluate`.
    """
    config, _ = read_config(folders[0])
    _, divided = divide(get_task(config.task), data, meta, config.division)
    together = restore_together(folders, scored_by(meta, divided))
    return scored(*together, data, device, SCORED_ON[config.division])


def scored(
    task: Task, model: nn.Module, data: Data, device: torch.device, splits: Sequence[ScoredSplit]
) -> dict[ScoredSplit, Scores]:
    """The scores of a model on some splits, and on no other."""
    model = model.to(device)
    data = {name: tensor.to(device) for name, tensor in data.items()}
    with torch.inference_mode():
        return {split: task.scores(model, data, split) for split in splits}


def illustrate(folder: Path, data: Data, meta: Meta, split: ScoredSplit) -> Illustration:
    """Show what the model of a finished seed does on a split.

    Args:
        folder: The run folder of the seed, which did not diverge.
        data: The prepared data that it was trained on, on the CPU.
        meta: Its meta.
        split: The split.
    """
    task, model = restore(folder, meta)
    with torch.inference_mode():
        shown = task.illustrate(model, data, split)
    return illustration_of({"seed": task.seed, "split": split, **shown})


def item_scores(scores: Scores) -> ItemScores:
    """Results to keep for the items of a split."""
    return ItemScores(
        values=scores.values.numpy(force=True),
        weights=scores.weights.numpy(force=True),
        clusters=None if scores.clusters is None else scores.clusters.numpy(force=True),
        own_to_seed=scores.own_to_seed,
    )
