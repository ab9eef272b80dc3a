"""The trainings of a study as a plain PyTorch script, which `study.py` times Gatewise against.

    python benchmarks/plain_pytorch.py STUDY [--processes 1] [--threads 2] [--json FILE]

Data preparation, batches, losses, metrics and the model around the recurrent layer are those
of the tasks. The recurrent layers are `torch.nn`'s where it has the cell, else a loop over time
with all that can be hoisted out of it; the loop over epochs is a plain one, and nothing is
tracked. The initial weights are Gatewise's, so that what differs is how they are trained.
`torch.nn` has a second bias, which starts at 0 and is trained as one would leave it.

Padded batches are read whole and masked afterwards, backwards ones turned around first. That
gives what `pack_padded_sequence` gives and was measured to take half of its time; only an LSTM
whose last cell state is wanted is packed.
"""

import argparse
import json
import math
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from plain_cells import LOOPS, Loop, at_end, turned
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnn_core.errors import GatewiseError, ParameterError
from rnn_core.layers.direction import RecurrentDirection
from rnn_core.layers.initialisation import Initialisation
from rnn_core.layers.recurrent import Recurrent, State
from rnn_core.metric import Split
from rnn_core.sources import get_source
from rnn_core.study import Study, own_source, read_study
from rnn_core.tasks import get_task
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.task import Task
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.models import stream
from rnn_core.training.prepared import read_prepared, write_prepared

TORCH: dict[str, Callable[..., nn.RNNBase]] = {
    "rnn_tanh": nn.RNN,
    "rnn_relu": partial(nn.RNN, nonlinearity="relu"),
    "lstm": nn.LSTM,
    "gru_reset_after": nn.GRU,
}
"""The cells that torch.nn has; it stacks their gates in our order."""

UNSUPPORTED = {"zoneout": 0.0, "recurrent_dropout": 0.0, "initial_state": "zeros"}
"""Options that these layers do not support, and the value that turns each off."""

NEVER_READ_CELL_STATE = {"SpeechRecognition", "SpeechTranscription", "Sentiment"}
"""Tasks whose models read outputs and at most the last h, so that an LSTM need not be packed."""


def torch_layer(kind: Callable[..., nn.RNNBase], source: RecurrentDirection) -> nn.RNNBase:
    """One direction of one layer of torch.nn, with the weights of one of Gatewise."""
    cell, hidden = source.cell, source.hidden_size
    # No weights are drawn, so that the model around it starts from the same ones.
    weight = source.input_weight
    options: dict[str, Any] = {"batch_first": True, "device": "meta", "dtype": weight.dtype}
    layer: nn.RNNBase = kind(weight.shape[1], hidden, **options).to_empty(device="cpu")
    second_bias = torch.zeros_like(source.input_bias)
    if "c" in source.weights:  # the recurrent bias of the GRU's n
        second_bias[-hidden:] = source.weights["c"].detach()
    matrices = [source.weights[gate].T for gate in cell.gates]
    layer.load_state_dict(
        {
            "weight_ih_l0": weight,
            "weight_hh_l0": torch.cat(matrices),
            "bias_ih_l0": source.input_bias,
            "bias_hh_l0": second_bias,
        }
    )
    return layer


class PlainRecurrent(nn.Module):
    """A recurrent layer of plain PyTorch, called as `Recurrent` is, with the same weights.

    Args:
        name: Name of the cell.
        source: The layer whose weights it starts from; batch first.
        wants_cell: Whether the last cell state of an LSTM is wanted for given lengths.
    """

    def __init__(self, name: str, source: Recurrent, *, wants_cell: bool = True) -> None:
        super().__init__()
        kind = TORCH.get(name)
        make = partial(torch_layer, kind) if kind else LOOPS[name]
        self.directions = nn.ModuleList(make(direction) for direction in source.directions)
        self.input_size, self.hidden_size = source.input_size, source.hidden_size
        self.output_size, self.num_layers = source.output_size, source.num_layers
        self.reversals, self.dropout = source.reversals, source.dropout
        self.cell = source.cell  # a model may ask it how many states there are
        self.wants_cell = wants_cell

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Read (B, T, I); as `Recurrent.forward`."""
        firsts: list[Any] = [None] * len(self.directions)
        if state is not None:
            parts = (state,) if isinstance(state, Tensor) else state
            firsts = list(zip(*(part.unbind(0) for part in parts), strict=True))
        finals = []
        runs = iter(zip(self.directions, firsts, strict=True))
        for layer in range(self.num_layers):
            if layer:
                x = functional.dropout(x, self.dropout, self.training)
            outputs = []
            for reverse in self.reversals:
                output, final = self.read(*next(runs), x, lengths, reverse)
                outputs.append(output)
                finals.append(final)
            x = torch.cat(outputs, dim=-1) if len(outputs) > 1 else outputs[0]
        joined = tuple(torch.stack(part) for part in zip(*finals, strict=True))
        return x, joined if len(joined) > 1 else joined[0]

    def step(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read one step, (B, I)."""
        outputs, state = self(x.unsqueeze(1), state)
        return outputs[:, 0], state

    def read(
        self,
        direction: nn.Module,
        first: tuple[Tensor, ...] | None,
        x: Tensor,
        lengths: Tensor | None,
        reverse: bool,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read a batch in one direction; outputs in the order of the input."""
        x = turned(x, lengths) if reverse else x
        if isinstance(direction, Loop):
            every, final = direction(x, first)
            outputs = every[0] if isinstance(every[0], Tensor) else torch.stack(every[0], dim=1)
            if lengths is not None:
                final = tuple(
                    at_end(outputs if i == 0 else s, lengths) for i, s in enumerate(every)
                )
        elif isinstance(direction, nn.LSTM) and lengths is not None and self.wants_cell:
            outputs, final = read_packed(direction, x, first, lengths)
        else:
            outputs, final = read_whole(direction, x, first)
            if lengths is not None:
                final = (at_end(outputs, lengths), *final[1:])
        if lengths is not None:
            present = torch.arange(x.shape[1]) < lengths[:, None]
            outputs = outputs * present.unsqueeze(-1)
        return (turned(outputs, lengths) if reverse else outputs), final


def read_whole(
    layer: nn.Module, x: Tensor, first: tuple[Tensor, ...] | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run a layer of torch.nn over all steps."""
    outputs, final = layer(x, torch_state(layer, first))
    parts = final if isinstance(final, tuple) else (final,)
    return outputs, tuple(part[0] for part in parts)


def read_packed(
    layer: nn.Module, x: Tensor, first: tuple[Tensor, ...] | None, lengths: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run an LSTM over each sequence up to its length."""
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    outputs, (h, c) = layer(packed, torch_state(layer, first))
    whole, _ = pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])
    return whole, (h[0], c[0])


def torch_state(layer: nn.Module, first: tuple[Tensor, ...] | None) -> State | None:
    """Initial states (B, H) as a layer of torch.nn takes them."""
    if first is None:
        return None
    parts = tuple(part[None].contiguous() for part in first)
    return parts if isinstance(layer, nn.LSTM) else parts[0]


class Job(NamedTuple):
    """One training."""

    dataset: str
    cell: str
    seed: int


def build_model(task: Task, cell: str, seed: int) -> nn.Module:
    """A task's model around plain layers, with the initial weights that Gatewise draws."""
    model = task.model
    for name, nothing in UNSUPPORTED.items():
        if getattr(model, name) != nothing:
            raise ParameterError(
                f"model.{name} {getattr(model, name)!r}: the plain script has no code for it; "
                f"leave it {nothing!r}"
            )
    start = Initialisation(
        recurrent=model.recurrent_init,
        forget_bias=model.forget_bias,
        longest_memory=model.longest_memory,
    )
    generator = torch.Generator().manual_seed(stream(seed, "cell"))
    wants_cell = type(task).__name__ not in NEVER_READ_CELL_STATE

    def make_cell(input_size: int, **options: Any) -> PlainRecurrent:
        source = Recurrent(
            cell,
            input_size,
            model.hidden_size,
            num_layers=model.num_layers,
            dropout=model.dropout if model.num_layers > 1 else 0.0,
            batch_first=True,
            initialisation=start,
            generator=generator,
            **options,
        )
        return PlainRecurrent(cell, source, wants_cell=wants_cell)

    torch.manual_seed(stream(seed, "wrapper"))
    return task.build_model(make_cell)


def score(task: Task, model: nn.Module, data: Data, split: Split) -> tuple[float, float]:
    """The metric of a split, and the loss there, which tells equals apart; 0 where it is that."""
    model.eval()
    with torch.inference_mode():
        scores = task.scores(model, data, split)
    return scores.overall, 0.0 if scores.loss is None else scores.loss


def train_epoch(
    task: Task,
    model: nn.Module,
    batches: Iterable[tuple[Tensor, ...]],
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    clip_norm: float,
) -> float:
    """One pass over the training set; returns the mean loss."""
    model.train()
    state, losses = None, []
    for batch in batches:
        loss, state = task.loss(model, batch, state)
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


def rate_factor(parameters: TrainingParameters, total_steps: int, step: int) -> float:
    """The learning rate of a step, counted from 0, as a share of the highest."""
    warm = min(1.0, (step + 1) / (parameters.warmup_steps + 1))
    if parameters.schedule == "cosine":
        warm *= 0.5 * (1 + math.cos(math.pi * step / total_steps))
    return warm


def train(
    task: Task, model: nn.Module, data: Data, parameters: TrainingParameters, seed: int
) -> dict[str, float | None]:
    """Train a model, score validation after each epoch, and the test set at the best one.

    Scores are None if the loss or a score is no longer a number.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), parameters.learning_rate, weight_decay=parameters.weight_decay
    )
    total_steps = parameters.epochs * task.num_batches(data, parameters.batch_size)
    factor = partial(rate_factor, parameters, total_steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    sign = -1 if task.metric.direction == "higher" else 1
    best, reached, better_epoch, weights = (math.inf, math.inf), math.nan, 0, model.state_dict()
    for epoch in range(1, parameters.epochs + 1):
        torch.manual_seed(stream(seed, "dropout", epoch))
        order = torch.Generator().manual_seed(stream(seed, "order", epoch))
        batches = task.training_batches(data, parameters.batch_size, order)
        loss = train_epoch(task, model, batches, optimizer, schedule, parameters.clip_norm)
        now, held_out = score(task, model, data, "validation")
        if not (math.isfinite(loss) and math.isfinite(now) and math.isfinite(held_out)):
            return {"epochs": epoch, "validation": None, "test": None}
        better_epoch = epoch if (sign * now, held_out) < best else better_epoch
        if (sign * now, held_out) <= best:
            best, reached = (sign * now, held_out), now
            weights = {name: w.detach().clone() for name, w in model.state_dict().items()}
        if parameters.patience and epoch - better_epoch >= parameters.patience:
            break
    model.load_state_dict(weights)
    test, _ = score(task, model, data, "test")
    return {"epochs": epoch, "validation": reached, "test": test}


def run_job(folder: Path, work: Path, job: Job) -> dict[str, Any]:
    """One training of the study, with its scores and seconds."""
    start = time.perf_counter()
    study = read_study(folder)
    kind = get_task(study.section(job.dataset).task)
    parameters = study.parameters(job.dataset, "training", TrainingParameters)
    data, meta = read_prepared(work / job.dataset / "prepared", kind)
    task = kind(meta, study.parameters(job.dataset, "model", kind.ModelParameters), job.seed)
    model = build_model(task, job.cell, job.seed)
    found = train(task, model, data, parameters, job.seed)
    return {**job._asdict(), **found, "seconds": time.perf_counter() - start}


def prepare(folder: Path, work: Path, dataset: str) -> None:
    """Fetch a dataset and turn it into tensors."""
    study = read_study(folder)
    section = study.section(dataset)
    raw, prepared = work / dataset / "raw", work / dataset / "prepared"
    own = own_source(folder, section.source)
    raw.mkdir(parents=True)
    if own is None:
        get_source(Path(section.source).stem).fetch(raw)
    elif own.is_dir():
        shutil.copytree(own, raw, dirs_exist_ok=True)
    else:
        shutil.copy(own, raw)
    kind = get_task(section.task)
    parameters = study.parameters(dataset, "data", kind.DataParameters)
    prepared.mkdir()
    write_prepared(prepared, *kind.prepare(raw, parameters))


def jobs_of(study: Study) -> list[Job]:
    """All trainings of a study."""
    return [
        Job(dataset, cell, seed)
        for dataset in study.datasets
        for cell in study.cells_of(dataset)
        for seed in range(study.seeds_of(dataset).first)
    ]


def run_study(folder: Path, work: Path, processes: int, threads: int) -> list[dict[str, Any]]:
    """Prepare all datasets of a study and make all of its trainings."""
    study = read_study(folder)
    torch.set_num_threads(threads)
    preparing, training = partial(prepare, folder, work), partial(run_job, folder, work)
    if processes == 1:
        for dataset in study.datasets:
            preparing(dataset)
        return list(map(training, jobs_of(study)))
    # A child starts with all that is imported here, and takes the next job when it is free.
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        pool.map(preparing, study.datasets, chunksize=1)
        return pool.map(training, jobs_of(study), chunksize=1)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("study", type=Path, help="a folder with a params.yaml")
    parser.add_argument("--processes", type=int, default=1, help="trainings at the same time")
    parser.add_argument("--threads", type=int, default=2, help="of each training")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write all scores")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as work:
            done = run_study(arguments.study, Path(work), arguments.processes, arguments.threads)
    except GatewiseError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    if arguments.json:
        arguments.json.write_text(json.dumps(done))
    for key in dict.fromkeys((found["dataset"], found["cell"]) for found in done):
        own = [found for found in done if (found["dataset"], found["cell"]) == key]
        tests = ", ".join("diverged" if f["test"] is None else f"{f['test']:.4g}" for f in own)
        seconds = statistics.fmean(f["seconds"] for f in own)
        print(f"{key[0]:20} {key[1]:16} test {tests}; {seconds:.1f} s a seed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
