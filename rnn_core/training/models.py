"""The model of a training: built from its seed, counted, written, and restored."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from rnn_core.errors import ParameterError, StudyError
from rnn_core.layers.initialisation import Initialisation
from rnn_core.layers.recurrent import MakeCell, Recurrent
from rnn_core.models.ensemble import ensemble
from rnn_core.references import REGISTRY as REFERENCES
from rnn_core.references import get_reference
from rnn_core.tasks import get_task
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.task import Task
from rnn_core.training.prepared import read_meta
from rnn_core.training.run_folder import MODEL, SEEDS, Cost, RunConfig, read_config


def stream(seed: int, purpose: str, index: int = 0) -> int:
    """A seed for one purpose; streams of different purposes do not touch.

    A larger cell draws more numbers for its own weights and none of the others', so all
    cells of a seed see the same order, dropout seeds and wrapper weights.
    """
    digest = hashlib.sha256(f"{seed}/{purpose}/{index}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def build_model(task: Task, cell: str, seed: int = 0) -> nn.Module:
    """Make a task's model around a cell, with the initial weights of a seed.

    Args:
        task: The task.
        cell: Name of the cell, or of a reference network, which then takes its place.
        seed: Random seed.

    Raises:
        ParameterError: If a reference network cannot take its place.
    """
    make = around_reference if cell in REFERENCES else around_cell
    make_cell = make(task, cell, torch.Generator().manual_seed(stream(seed, "cell")))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, "wrapper"))
        return task.build_model(make_cell)


def around_cell(task: Task, cell: str, generator: torch.Generator) -> MakeCell:
    """Build the factory of the recurrent layers of a task's model."""
    start = Initialisation(
        recurrent=task.model.recurrent_init,
        forget_bias=task.model.forget_bias,
        longest_memory=task.model.longest_memory,
    )
    return partial(
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
        generator=generator,
    )


def around_reference(task: Task, name: str, generator: torch.Generator) -> MakeCell:
    """Build the factory of a reference network's layers, in the place of the recurrent ones.

    Their depth is their own, and what is dropped between their blocks is what is dropped
    elsewhere in the model.
    """
    if task.reach is None:
        raise ParameterError(f"{name} cannot take the place of the cell of a {type(task).__name__}")
    make = partial(
        get_reference(name),
        hidden_size=task.model.hidden_size,
        dropout=task.model.dropout,
        reach=task.reach,
        generator=generator,
    )
    # It is called as a recurrent layer is; a model that asks for more has no reach.
    return cast("MakeCell", make)


@runtime_checkable
class Counted(Protocol):
    """A layer whose cost is counted: a recurrent one, or its replacement."""

    @property
    def recurrent_parameters(self) -> int:
        """Number of recurrent weights."""

    @property
    def multiply_accumulates(self) -> int:
        """Weights that one step of one sequence is multiplied with."""


def count_cost(model: nn.Module) -> Cost:
    """Count what a model costs."""
    layers = [module for module in model.modules() if isinstance(module, Counted)]
    return Cost(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        recurrent_parameters=sum(layer.recurrent_parameters for layer in layers),
        multiply_accumulates=sum(layer.multiply_accumulates for layer in layers),
    )


def save_weights(weights: dict[str, Tensor]) -> bytes:
    """Weights as safetensors; the same weights give the same bytes."""
    return save({name: tensor.contiguous().cpu() for name, tensor in weights.items()})


def task_of(config: RunConfig, meta: Meta) -> Task:
    """The task of a seed, as it was trained."""
    kind = get_task(config.task)
    return kind(meta, kind.ModelParameters(**config.model), config.seed)


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
    task = task_of(config, meta)
    model = build_model(task, config.cell)
    model.load_state_dict(load_file(folder / MODEL))
    return task, model.eval()


def restore_together(folders: Sequence[Path], meta: Meta) -> tuple[Task, nn.Module]:
    """Rebuild the trained models of several seeds as one; see `restore`.

    Args:
        folders: Finished seeds of one candidate.
        meta: Of the dataset that they were trained on.

    Raises:
        StudyError: If a seed diverged.
    """
    restored = [restore(folder, meta) for folder in folders]
    return restored[0][0], ensemble([model for _, model in restored])


def registered_seeds(folder: Path) -> list[Path]:
    """The finished seeds in a folder that is registered: itself, or several in it."""
    together = sorted(path for path in folder.glob(SEEDS) if path.is_dir())
    return together or [folder]


def restore_registered(folder: Path) -> tuple[Task, nn.Module]:
    """Rebuild the model of a folder that is registered, with its `meta.json`.

    The folder is a finished seed, or holds several in folders of their own.

    Raises:
        StudyError: If a seed diverged.
    """
    seeds = registered_seeds(folder)
    config, _ = read_config(seeds[0])
    return restore_together(seeds, read_meta(folder, get_task(config.task)))
