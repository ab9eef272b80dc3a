"""Everything that determines a training, and its identity. Imports no PyTorch."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.layout import Layout
from flows.trainings.planner import Asked, Sizing
from rnn_core.metric import Division, Metric
from rnn_core.study import is_for_tuning
from rnn_core.training.run_folder import RunConfig, size_of
from rnn_core.training.rung import Rung

DTYPE = "float32"
"""The type of numbers that all models are trained with."""

DIVISIONS: Mapping[Division, str] = {
    "prepared": "",
    "moved_back": "moved back",
    "moved_back_refit": "moved back, refit",
    "refit": "refit",
}
"""Words for a division of the data in the progress display."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Properties that all trainings of a prepared dataset share.

    Attributes:
        dataset: Name of the dataset.
        task: Name of its task.
        device: Kind of device, "cpu" or "cuda".
        data: Digest of the prepared data.
        metric: The metric of all scores.
        margin: The task's default: the largest difference that does not matter.
        items: Items of the validation set.
        model: Parameters of the model.
        training: Parameters of the training.
        rungs: Sizes of each cell.
        references: Size of each reference network.
        torch: PyTorch's version.
        threads: Threads of a worker.
    """

    dataset: str
    task: str
    device: str
    data: str
    metric: Metric
    margin: float
    items: int
    model: dict[str, Any]
    training: dict[str, Any]
    rungs: Mapping[str, tuple[Rung, ...]]
    references: Mapping[str, Rung]
    torch: str
    threads: int

    @property
    def candidates(self) -> tuple[Sizing, ...]:
        """All cells with their sizes."""
        return tuple(
            Sizing(cell, rung.hidden_size, rung.num_layers)
            for cell, rungs in self.rungs.items()
            for rung in rungs
        )

    def epochs_of(self, asked: Asked) -> int:
        """Epochs of a training that is asked for, unless it stops early."""
        whole: int = self.training["epochs"]
        return asked.epochs or max(1, round(asked.share * whole))

    def config(self, asked: Asked, code: str) -> RunConfig:
        """Collect what determines a training that is asked for.

        Args:
            asked: The training.
            code: Fingerprint of the code that trains.
        """
        values = dict(asked.values)
        changes = {k: v for k, v in values.items() if k in self.training}
        size = {"hidden_size": asked.hidden_size, "num_layers": asked.num_layers}
        model = {k: v for k, v in values.items() if k in self.model}
        return RunConfig(
            dataset=self.dataset,
            task=self.task,
            cell=asked.cell,
            seed=asked.seed,
            device=self.device,
            data=self.data,
            model={**self.model, **size, **model},
            training={**self.training, **changes, "epochs": self.epochs_of(asked)},
            environment={
                "code": code,
                "torch": self.torch,
                "threads": str(self.threads),
                "dtype": DTYPE,
            },
            division=asked.division,
        )


@dataclass(frozen=True, kw_only=True)
class Work:
    """A training to be done, and what a worker needs to do it.

    Attributes:
        layout: Of the study.
        config: What determines the training.
        evaluates: Fingerprint of the code that evaluates; None: it is not to be evaluated.
    """

    layout: Layout
    config: RunConfig
    evaluates: str | None


@dataclass(frozen=True, kw_only=True)
class Together:
    """Trainings that answer together, and what a worker needs to evaluate them.

    Attributes:
        layout: Of the study.
        configs: What determined each of them.
        evaluates: Fingerprint of the code that evaluates.
    """

    layout: Layout
    configs: tuple[RunConfig, ...]
    evaluates: str

    @property
    def identity(self) -> str:
        """The identity of their evaluation."""
        return together_identity(self.configs, self.evaluates)


def together_identity(configs: Sequence[RunConfig], code: str) -> str:
    """The identity of the evaluation of several trainings together; see `evaluation_identity`."""
    return evaluation_identity(" ".join(config.identity for config in configs), code)


def evaluation_identity(training: str, code: str) -> str:
    """The identity of the evaluation of a training.

    Args:
        training: Identity of the training, or of several, with spaces between.
        code: Fingerprint of the code that evaluates.
    """
    return hashlib.sha256(f"{training} {code}".encode()).hexdigest()


def public_version(version: str) -> str:
    """A version without its local part, such as `+cu128`: the device is recorded separately."""
    return version.partition("+")[0]


def title(config: RunConfig) -> str:
    """The name of a training in the progress display."""
    name = f"{config.dataset} {config.cell}-{size_of(config)}"
    seed = f"seed {config.seed}"
    parts = ["trial"] if is_for_tuning(config.seed) else [DIVISIONS[config.division], seed]
    return " ".join(part for part in (name, *parts) if part)
