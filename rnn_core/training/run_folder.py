"""The run folder of one seed: what is in it, and how a model comes back out of it.

config.json         everything that determines the seed, and its counted cost
metrics.jsonl       a line per epoch; grows while training
model.safetensors   weights of the best epoch; absent if the training diverged
summary.json        how it ended; written last, so its presence means "finished"

The run of a cell has a folder for each hidden size, with rung.json, which says what of the
ladder it is, and a folder for each seed.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from rnn_core.errors import StudyError
from rnn_core.files import read_json, write_bytes, write_json
from rnn_core.layers.initialisation import Initialisation
from rnn_core.layers.recurrent import Recurrent
from rnn_core.tasks import get_task
from rnn_core.tasks.base.task import Data, Meta, Task

CONFIG = "config.json"
METRICS = "metrics.jsonl"
MODEL = "model.safetensors"
SUMMARY = "summary.json"
RUNG = "rung.json"
LEFT_OUT = "left_out.json"


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What determines the training of one seed.

    Attributes:
        dataset: Name of the dataset in the study.
        task: Name of the task.
        cell: Name of the cell.
        seed: Seed of initial weights, order and dropout.
        device: Kind of device, "cpu" or "cuda".
        data: Digest of the prepared data.
        model: Parameters of the model.
        training: Parameters of the training.
    """

    dataset: str
    task: str
    cell: str
    seed: int
    device: str
    data: str
    model: dict[str, Any]
    training: dict[str, Any]

    def identity(self, **more: str) -> str:
        """SHA-256 over all of it, and over more facts that matter."""
        content = json.dumps([asdict(self), more], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Counted cost of a model; the same on every machine.

    Attributes:
        parameters: Trained numbers of the whole model.
        recurrent_parameters: Of these, recurrent weights.
        multiply_accumulates: Of the recurrent layers, for one step of one sequence.
    """

    parameters: int
    recurrent_parameters: int
    multiply_accumulates: int


def seed_name(seed: int) -> str:
    """What the folder of a seed is called."""
    return f"seed-{seed}"


def seed_folder(run: Path, hidden_size: int, seed: int) -> Path:
    """Where the run of a cell keeps one seed of one size."""
    return run / str(hidden_size) / seed_name(seed)


def sizes_in(folder: Path) -> list[int]:
    """The hidden sizes that the run, or the evaluation, of a cell has."""
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def leave_out(folder: Path) -> None:
    """Say in the folder of a cell that the dataset does not try it.

    DVC makes a stage of every dataset and cell, and each must have its output.
    """
    write_json(folder / LEFT_OUT, {"left_out": True})


def is_left_out(folder: Path) -> bool:
    """Whether a cell's folder says that the dataset does not try the cell."""
    return (folder / LEFT_OUT).exists()


def stream(seed: int, purpose: str, index: int = 0) -> int:
    """A seed for one purpose; streams of different purposes do not touch.

    A larger cell draws more numbers for its own weights and none of the others', so all
    cells of a seed see the same order, dropout seeds and wrapper weights.
    """
    digest = hashlib.sha256(f"{seed}/{purpose}/{index}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def build_model(task: Task, cell: str, seed: int = 0) -> nn.Module:
    """Make a task's model around a cell, with the initial weights of a seed."""
    start = Initialisation(
        recurrent=task.model.recurrent_init,
        forget_bias=task.model.forget_bias,
        longest_memory=task.model.longest_memory,
    )
    make_cell = partial(
        Recurrent,
        cell,
        hidden_size=task.model.hidden_size,
        num_layers=task.model.num_layers,
        dropout=task.model.dropout if task.model.num_layers > 1 else 0.0,
        recurrent_dropout=task.model.recurrent_dropout,
        zoneout=task.model.zoneout,
        initialisation=start,
        initial_state=task.model.initial_state,
        batch_first=True,
        generator=torch.Generator().manual_seed(stream(seed, "cell")),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, "wrapper"))
        return task.build_model(make_cell)


def count_cost(model: nn.Module) -> Cost:
    """Count what a model costs."""
    layers = [module for module in model.modules() if isinstance(module, Recurrent)]
    return Cost(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        recurrent_parameters=sum(layer.recurrent_parameters for layer in layers),
        multiply_accumulates=sum(layer.multiply_accumulates for layer in layers),
    )


def write_prepared(folder: Path, data: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Write a prepared dataset."""
    write_bytes(folder / "data.safetensors", save(data))
    write_json(folder / "meta.json", meta)


def read_prepared(folder: Path) -> tuple[Data, Meta]:
    """Read a prepared dataset."""
    meta = read_json(folder / "meta.json")
    return load_file(folder / "data.safetensors"), meta


def write_config(folder: Path, config: RunConfig, cost: Cost) -> None:
    """Write what a seed is, before it trains."""
    write_json(folder / CONFIG, {**asdict(config), "cost": asdict(cost)})


def read_config(folder: Path) -> tuple[RunConfig, Cost]:
    """Read what a seed is."""
    content = read_json(folder / CONFIG)
    cost = Cost(**content.pop("cost"))
    return RunConfig(**content), cost


def save_weights(weights: dict[str, Tensor]) -> bytes:
    """Weights as safetensors; the same weights give the same bytes."""
    return save({name: tensor.contiguous().cpu() for name, tensor in weights.items()})


def restore(folder: Path, meta: Meta) -> tuple[Task, nn.Module]:
    """Rebuild the trained model of a seed, on the CPU and in evaluation mode.

    Args:
        folder: A finished seed.
        meta: Of the dataset that it was trained on.

    Raises:
        StudyError: If the seed diverged.
    """
    config, _ = read_config(folder)
    if not (folder / MODEL).exists():
        raise StudyError(f"{folder} holds no model: its training diverged")
    task_class = get_task(config.task)
    task = task_class(meta, task_class.ModelParameters(**config.model), config.seed)
    model = build_model(task, config.cell)
    model.load_state_dict(load_file(folder / MODEL))
    return task, model.eval()
