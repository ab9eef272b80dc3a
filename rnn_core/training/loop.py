"""Training of one seed: the same bits each time, interrupted or not."""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from rnn_core.files import remove_half_written, write_bytes, write_text
from rnn_core.layers.recurrent import State
from rnn_core.metric import Metric, Reached
from rnn_core.records import write_record
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.task import Task
from rnn_core.training.adamw import AdamW
from rnn_core.training.models import build_model, count_cost, save_weights, stream
from rnn_core.training.run_folder import (
    METRICS,
    MODEL,
    SUMMARY,
    RunConfig,
    Summary,
    write_config,
)

CHECKPOINT = "checkpoint.safetensors"

CHECKPOINT_SECONDS = 10.0
"""A checkpoint is written at the first end of an epoch after so much time."""

Record: TypeAlias = dict[str, float]
OnEpoch: TypeAlias = Callable[[Record], None]


@dataclass(frozen=True, kw_only=True)
class TrainingParameters:
    """Settings of training; the same for every cell of a dataset.

    Attributes:
        epochs: Most passes over the training split.
        patience: Epochs without a better validation score, or an equal one at a lower loss,
            after which it stops; null: it does not. A cosine schedule, whose learning rate is
            low only at its end, has none.
        batch_size: Sequences in a step of the optimiser.
        learning_rate: Highest learning rate of the optimiser, Adam.
        weight_decay: Weight decay, decoupled as in AdamW (arXiv:1711.05101v3).
        schedule: Whether the learning rate stays, or falls to 0 along a half cosine
            over all epochs.
        warmup_steps: Steps over which the learning rate rises from 0.
        clip_norm: Gradients with a larger norm are scaled down to it.
    """

    epochs: int = 20
    patience: int | None = None
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = 0
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        patience = 1 if self.patience is None else self.patience
        if min(self.epochs, patience, self.batch_size) < 1:
            raise ValueError("epochs, patience and batch_size must be at least 1")
        if self.patience is not None and self.schedule == "cosine":
            raise ValueError(
                "patience would end a cosine schedule while its learning rate is still high; "
                "remove patience, or set schedule to constant"
            )
        if min(self.learning_rate, self.clip_norm) <= 0:
            raise ValueError("learning_rate and clip_norm must be above 0")
        if min(self.weight_decay, self.warmup_steps) < 0:
            raise ValueError("weight_decay and warmup_steps must not be negative")


@dataclass(kw_only=True)
class Progress:
    """State of a training at the end of an epoch.

    Attributes:
        epoch: Epochs done.
        step: Optimiser steps done.
        records: A record per epoch.
        best_epoch: Epoch of the best validation score, 0 before the first; of equal scores the
            one with the lower loss, and of equals in both the later. Without a validation set it
            is the last.
        best_score: That score; NaN where there is none.
        best_loss: What training lowers, on the validation set at that epoch; None where the
            metric is that.
        best_weights: The weights of that epoch.
        stale: Epochs since one was better.
        diverged: Whether the loss or the score is no longer a number.
    """

    epoch: int = 0
    step: int = 0
    records: list[Record] = field(default_factory=list)
    best_epoch: int = 0
    best_score: float = math.nan
    best_loss: float | None = None
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    stale: int = 0
    diverged: bool = False

    def ended(self, parameters: TrainingParameters) -> bool:
        """Return whether there is nothing more to train."""
        stale = parameters.patience is not None and self.stale >= parameters.patience
        return self.diverged or stale or self.epoch >= parameters.epochs

    def add(
        self, record: Record, reached: Reached | None, metric: Metric, model: nn.Module
    ) -> None:
        """Take in the outcome of an epoch."""
        self.records.append(record)
        if reached is None:
            self.keep(model)
            return
        now, best = metric.rank(reached), metric.rank(Reached(self.best_score, self.best_loss))
        first = self.best_epoch == 0
        self.stale = 0 if first or now < best else self.stale + 1
        if first or now <= best:
            self.keep(model)
            self.best_score, self.best_loss = reached.score, reached.loss

    def keep(self, model: nn.Module) -> None:
        """Take the weights of this epoch."""
        self.best_epoch = self.epoch
        self.best_weights = {n: w.detach().clone() for n, w in model.state_dict().items()}


def train(
    task: Task,
    data: Data,
    config: RunConfig,
    parameters: TrainingParameters,
    folder: Path,
    on_epoch: OnEpoch = lambda record: None,
) -> None:
    """Train one seed in a folder, from its checkpoint if there is one.

    The outcome is a function of the arguments alone: the order of the data and the
    dropout of each epoch are drawn from the seed and the number of the epoch, so that an
    interrupted training ends as an uninterrupted one.

    Args:
        task: The task, with its model's parameters.
        data: Prepared tensors.
        config: What determines the seed; must agree with the other arguments.
        parameters: How to train.
        folder: Where the run folder grows; see `rnn_core.training.run_folder`.
        on_epoch: Called with the record of each epoch.
    """
    device = torch.device(config.device)
    data = {name: tensor.to(device) for name, tensor in data.items()}
    model = build_model(task, config.cell, config.seed).to(device)
    optimizer = AdamW(model.parameters(), parameters.learning_rate, parameters.weight_decay)
    folder.mkdir(parents=True, exist_ok=True)
    remove_half_written(folder)
    write_config(folder, config, count_cost(model))
    progress = load_checkpoint(folder, model, optimizer) or Progress()
    write_text(folder / METRICS, "".join(map(record_line, progress.records)))
    saved = time.monotonic()
    while not progress.ended(parameters):
        on_epoch(train_epoch(task, data, config, parameters, model, optimizer, progress))
        append_record(folder, progress.records[-1])
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save_checkpoint(folder, model, optimizer, progress)
            saved = time.monotonic()
    settle(task, model, data, progress)
    finish(folder, progress)


def train_epoch(
    task: Task,
    data: Data,
    config: RunConfig,
    parameters: TrainingParameters,
    model: nn.Module,
    optimizer: AdamW,
    progress: Progress,
) -> Record:
    """Train one epoch and score the validation split, if there is one; returns the record."""
    epoch = progress.epoch + 1
    torch.manual_seed(stream(config.seed, "dropout", epoch))
    order = torch.Generator().manual_seed(stream(config.seed, "order", epoch))
    batches = task.training_batches(data, parameters.batch_size, order)
    total_steps = parameters.epochs * task.num_batches(data, parameters.batch_size)
    rates = (learning_rate(parameters, s, total_steps) for s in range(progress.step, total_steps))
    model.train()
    losses, norms = zip(*steps(task, model, optimizer, batches, rates, parameters), strict=True)
    reached = chosen_by(task, model, data)
    norm = torch.stack(norms)
    record = {
        "epoch": epoch,
        "step": progress.step + len(losses),
        "train_loss": float(torch.stack(losses).mean()),
        **validation_record(reached, task.metric),
        "learning_rate": optimizer.learning_rate,
        "gradient_norm": float(norm.mean()),
        "clipped_share": float((norm > parameters.clip_norm).double().mean()),
    }
    progress.epoch, progress.step = epoch, progress.step + len(losses)
    progress.diverged = not all(math.isfinite(value) for value in record.values())
    progress.add(finite(record), reached, task.metric, model)
    return progress.records[-1]


def chosen_by(task: Task, model: nn.Module, data: Data) -> Reached | None:
    """Scores of a model on the validation set; None where that is empty and nothing chooses."""
    model.eval()
    if not task.meta.items["validation"]:
        return None
    with torch.inference_mode():
        scores = task.scores(model, data, "validation")
    return Reached(scores.overall, scores.loss)


def validation_record(reached: Reached | None, metric: Metric) -> Record:
    """Record of an epoch about the validation set."""
    if reached is None:
        return {}
    loss = {} if reached.loss is None else {"validation_loss": reached.loss}
    return {f"validation_{metric.name}": reached.score, **loss}


def steps(
    task: Task,
    model: nn.Module,
    optimizer: AdamW,
    batches: Iterator[tuple[Tensor, ...]],
    rates: Iterator[float],
    parameters: TrainingParameters,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Take an optimiser step per batch; yields its loss and the norm of its gradient."""
    state: State | None = None
    for batch, rate in zip(batches, rates, strict=False):
        optimizer.learning_rate = rate
        loss, state = task.loss(model, batch, state)
        optimizer.zero_grad()
        loss.backward()
        norm = clip_grad_norm_(model.parameters(), parameters.clip_norm)
        optimizer.step()
        yield loss.detach(), norm


def learning_rate(parameters: TrainingParameters, step: int, total_steps: int) -> float:
    """Learning rate of a step, counted from 0."""
    warm = min(1.0, (step + 1) / (parameters.warmup_steps + 1))
    if parameters.schedule == "cosine":
        warm *= 0.5 * (1 + math.cos(math.pi * step / total_steps))
    return parameters.learning_rate * warm


def finite(record: Record) -> Record:
    """The record without what JSON cannot hold."""
    return {name: value for name, value in record.items() if math.isfinite(value)}


def record_line(record: Record) -> str:
    """A record as a line of metrics.jsonl."""
    return json.dumps(record, sort_keys=True, allow_nan=False) + "\n"


def append_record(folder: Path, record: Record) -> None:
    """Add a line to metrics.jsonl for whoever follows it."""
    with (folder / METRICS).open("a") as file:
        file.write(record_line(record))


def settle(task: Task, model: nn.Module, data: Data, progress: Progress) -> None:
    """Have the task set what no gradient trains in the model that is kept."""
    if progress.diverged:
        return
    model.load_state_dict(progress.best_weights)
    model.eval()
    with torch.inference_mode():
        task.settle(model, data)
    progress.best_weights = model.state_dict()


def finish(folder: Path, progress: Progress) -> None:
    """Write how the training ended, and the weights that are kept."""
    if not progress.diverged:
        write_bytes(folder / MODEL, save_weights(progress.best_weights))
    (folder / CHECKPOINT).unlink(missing_ok=True)
    write_record(folder / SUMMARY, summary_of(progress))


def summary_of(progress: Progress) -> Summary:
    """The end of a training."""
    if progress.diverged:
        return Summary(status="diverged", epochs=progress.epoch, steps=progress.step)
    return Summary(
        status="finished",
        epochs=progress.epoch,
        steps=progress.step,
        best_epoch=progress.best_epoch,
        best_score=progress.best_score if math.isfinite(progress.best_score) else None,
        best_loss=progress.best_loss,
    )


def save_checkpoint(folder: Path, model: nn.Module, optimizer: AdamW, progress: Progress) -> None:
    """Write all that the next epoch depends on, without pickle."""
    tensors = {f"model/{name}": weight for name, weight in model.state_dict().items()}
    tensors |= {f"best/{name}": weight for name, weight in progress.best_weights.items()}
    tensors |= {f"adam/{name}": value for name, value in optimizer.state().items()}
    facts = {k: v for k, v in asdict(progress).items() if k != "best_weights"}
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(folder / CHECKPOINT, save(content, {"progress": json.dumps(facts)}))


def load_checkpoint(folder: Path, model: nn.Module, optimizer: AdamW) -> Progress | None:
    """Go back to the checkpoint of a folder, if it has one."""
    if not (folder / CHECKPOINT).exists():
        return None
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "adam": {}}
    with safe_open(folder / CHECKPOINT, "pt") as file:
        facts = json.loads(file.metadata()["progress"])
        for key in file.keys():  # noqa: SIM118 - the file is no mapping
            part, _, name = key.partition("/")
            parts[part][name] = file.get_tensor(key)
    model.load_state_dict(parts["model"])
    optimizer.restore(parts["adam"])
    device = next(model.parameters()).device
    best = {name: weight.to(device) for name, weight in parts["best"].items()}
    return Progress(**facts, best_weights=best)
