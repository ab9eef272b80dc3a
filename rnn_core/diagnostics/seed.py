"""All diagnostics of one seed, before and after its training."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from rnn_core.diagnostics.findings import (
    GradientByLag,
    LayerFindings,
    SaturatedShare,
    SeedFindings,
)
from rnn_core.diagnostics.gradients import gradient_by_lag, spectral_radius
from rnn_core.diagnostics.passage import record
from rnn_core.diagnostics.saturation import saturated_share
from rnn_core.files import read_json_lines, rounded
from rnn_core.tasks import get_task
from rnn_core.tasks.base.learns import Batch
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.task import Task
from rnn_core.training.models import build_model, restore, stream
from rnn_core.training.run_folder import METRICS, MODEL, read_config

MOST_SEQUENCES = 32
"""Sequences of the batch that is looked at, as the task counts them."""


def clipped_share(folder: Path) -> list[float]:
    """Share of each epoch's steps whose gradient was scaled down to `clip_norm`.

    Clipping is the remedy for exploding gradients of Pascanu et al., arXiv:1211.5063v2,
    section 3.2.

    Args:
        folder: The run folder of a seed.
    """
    return [record["clipped_share"] for record in read_json_lines(folder / METRICS)]


def diagnose(folder: Path, data: Data, meta: Meta, device: torch.device) -> SeedFindings:
    """Everything above for one seed, with its initial and with its trained weights.

    The batch is one of the training split; all seeds and cells of a dataset get the same.

    Args:
        folder: The run folder of the seed.
        data: The prepared data that it was trained on.
        meta: Its meta.
        device: Where to compute.

    Returns:
        Rounded numbers.
    """
    config, _ = read_config(folder)
    kind = get_task(config.task)
    task = kind(meta, kind.ModelParameters(**config.model), config.seed)
    batch = training_batch(task, data, config.training["batch_size"], device)
    before = build_model(task, config.cell, config.seed).eval()
    after = restore(folder, meta)[1] if (folder / MODEL).exists() else None
    return SeedFindings(
        before=findings(task, before.to(device), batch),
        after=None if after is None else findings(task, after.to(device), batch),
        clipped_share=tuple(rounded(value) for value in clipped_share(folder)),
    )


def training_batch(task: Task, data: Data, batch_size: int, device: torch.device) -> Batch:
    """A batch of the training split, of at most `MOST_SEQUENCES` sequences; always the same."""
    data = {name: tensor.to(device) for name, tensor in data.items()}
    order = torch.Generator().manual_seed(stream(0, "diagnosis"))
    return next(task.training_batches(data, min(batch_size, MOST_SEQUENCES), order))


def findings(task: Task, model: nn.Module, batch: Batch) -> dict[str, LayerFindings]:
    """Diagnose each recurrent layer of a model."""
    return {
        name: LayerFindings(
            gradient_by_lag=by_lag(gradient_by_lag(passage)),
            spectral_radius=rounded_values(spectral_radius(passage.direction)),
            saturated_share=SaturatedShare(**rounded_values(vars(saturated_share(passage)))),
        )
        for name, passage in record(task, model, batch).items()
    }


def by_lag(norms: Tensor) -> GradientByLag:
    """Norms by lag, themselves and relative to that of lag 0."""
    relative = norms / norms[:1]
    return GradientByLag(
        norm=tuple(rounded(value) for value in norms.tolist()),
        relative=tuple(rounded(value) for value in relative.tolist()),
    )


def rounded_values(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """The same with rounded numbers."""
    return {name: rounded(value) for name, value in values.items()}
