"""What a task is: everything about a kind of problem except the recurrent cell."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn

from rnn_core.errors import DataError
from rnn_core.layers.direction import InitialState
from rnn_core.layers.initialisation import RecurrentInit
from rnn_core.layers.recurrent import MakeCell, State

if TYPE_CHECKING:
    import pandas as pd  # only answering needs it, and it takes long to import

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Data: TypeAlias = Mapping[str, Tensor]
"""Prepared tensors of all splits by name."""

Meta: TypeAlias = Mapping[str, Any]
"""What a model needs to read raw input and write its answer; plain JSON."""

Batch: TypeAlias = tuple[Tensor, ...]

Illustration: TypeAlias = dict[str, Any]
"""What a model does on a side, for a person; plain JSON. `kind` says which form it has:

- text: `texts` are a `prompt` and the `text` that a model writes from it, prompt included;
- forecast: `series` have the `name` of a column, its values in the `past`, and the `truth`
  and the `forecast` of what follows, in the units of the raw data;
- confusion: `counts` say how many items of each class (row) were taken for each (column),
  in the order of `labels`;
- pairs: `pairs` are a `source`, the `reference` that answers it, and a model's `output`.
"""

Suggestion: TypeAlias = dict[str, dict[str, Any]]
"""The parts of a section of params.yaml by name."""


@dataclass(frozen=True)
class Metric:
    """How the quality of a model is measured.

    Attributes:
        name: A word for keys and columns, such as "accuracy".
        unit: What one of it is, for a person.
        direction: Which values are better.
        definition: How exactly it is computed where its name leaves that open, such as
            the signature of sacreBLEU.
    """

    name: str
    unit: str
    direction: Literal["lower", "higher"]
    definition: str = ""


@dataclass(frozen=True)
class Scores:
    """The metric of each item of a split.

    Attributes:
        values: float64 (N,).
        weights: How much each item counts, float64 (N,).
        corpus: The metric of the split where it is not the weighted mean of its items,
            as for BLEU.
        others: Further metrics of the split by name, for a reader; nothing is chosen by
            them.
        clusters: Items of the same number do not vary independently, such as recordings of
            one speaker, int64 (N,); None: all do.
        own_to_seed: Whether each seed has items of its own.
    """

    values: Tensor
    weights: Tensor
    corpus: float | None = None
    others: Mapping[str, float] = field(default_factory=dict)
    clusters: Tensor | None = None
    own_to_seed: bool = False

    @property
    def overall(self) -> float:
        """The metric of the split."""
        if self.corpus is not None:
            return self.corpus
        return float((self.values * self.weights).sum() / self.weights.sum())


@dataclass(frozen=True, kw_only=True)
class ModelParameters:
    """Parameters that every model has.

    Attributes:
        hidden_size: Features of the recurrent state.
        num_layers: Recurrent layers.
        dropout: Share of activations dropped while training, in [0, 1).
        recurrent_dropout: Share of recurrent weights dropped while training; as `zoneout`,
            see `rnn_core.layers.recurrent.Recurrent`.
        zoneout: Share of the state's units that skip a step while training.
        recurrent_init: How recurrent matrices start; as the next two, see
            `rnn_core.layers.initialisation.Initialisation`.
        forget_bias: Where the biases of gates that keep the state start.
        longest_memory: Steps that the longest memories span at the start; null: not drawn.
        initial_state: How a sequence starts; see `rnn_core.layers.recurrent.Recurrent`.
    """

    hidden_size: int = 64
    num_layers: int = 1
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    recurrent_init: RecurrentInit = "orthogonal"
    forget_bias: float = 1.0
    longest_memory: int | None = None
    initial_state: InitialState = "zeros"

    def __post_init__(self) -> None:
        if min(self.hidden_size, self.num_layers) < 1:
            raise ValueError("hidden_size and num_layers must be at least 1")
        for name in ("dropout", "recurrent_dropout", "zoneout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), not {getattr(self, name)}")
        if self.longest_memory is not None and self.longest_memory < 3:
            raise ValueError("longest_memory must be at least 3")


@dataclass(frozen=True, kw_only=True)
class AnswerParameters:
    """What a person may ask of an answer; this task leaves no choice.

    Fields of subclasses are int, float, str or bool, since they go into the signature of
    the registered model.
    """


def required_column(table: "pd.DataFrame", column: str) -> "pd.Series[Any]":
    """A column of raw input.

    Raises:
        DataError: If it is not there.
    """
    if column not in table.columns:
        raise DataError(f"the input has no column {column!r}, only {list(table.columns)}")
    return table[column]


class Task(ABC):
    """A kind of problem, for one prepared dataset.

    Args:
        meta: What `prepare` found out about the dataset.
        model: Parameters of the model, of the class's own `ModelParameters`.
        seed: Seed of the training; it decides which fold is the test side where sides
            take turns.
    """

    metric: ClassVar[Metric]
    margin: ClassVar[float]
    """The largest difference of the metric that does not matter, if params.yaml has none."""
    DataParameters: ClassVar[type[Any]]
    ModelParameters: ClassVar[type[ModelParameters]]
    AnswerParameters: ClassVar[type[Any]] = AnswerParameters
    requirements: ClassVar[tuple[str, ...]] = ()
    """Packages that `answer` needs beside numpy, pandas, safetensors and torch."""

    def __init__(self, meta: Meta, model: Any, seed: int = 0) -> None:
        self.meta = meta
        self.model = model
        self.seed = seed
        self.check()

    def check(self) -> None:
        """Refuse model parameters that do not fit the dataset.

        Raises:
            ParameterError: If they do not.
        """

    @classmethod
    @abstractmethod
    def prepare(cls, raw: Path, parameters: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Turn raw files into tensors, and note what a model will need.

        Args:
            raw: The folder that the dataset's source filled.
            parameters: The class's own `DataParameters`.

        Returns:
            Data and meta; `meta["items"]` counts the items of each split.

        Raises:
            DataError: If a file cannot be used; names file and row.
        """

    @abstractmethod
    def build_model(self, make_cell: MakeCell) -> nn.Module:
        """Make a model around the recurrent layer that `make_cell` makes."""

    @abstractmethod
    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        """One epoch of the training side, in an order drawn from the generator."""

    @abstractmethod
    def num_batches(self, data: Data, batch_size: int) -> int:
        """How many batches an epoch has."""

    @abstractmethod
    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        """Mean training loss of a batch, and the state to carry to the next batch."""

    @abstractmethod
    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """The metric of each item of a split; a score depends on its own item only."""

    @abstractmethod
    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """Show what a model does on a side; the same model gives the same bytes.

        Args:
            model: A model of this task, on the CPU and in evaluation mode.
            data: Prepared data, on the CPU.
            split: The side.
        """

    @abstractmethod
    def baselines(self, data: Data) -> dict[str, float]:
        """The metric on the test side of simple predictors without a recurrent cell."""

    @classmethod
    @abstractmethod
    def suggest(cls, raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
        """Parameters to start from, for a person's own data.

        Args:
            raw: A folder with the data, as `ingest` fills it.
            wanted: What the person asked for, as parameters of `DataParameters`.

        Returns:
            The parts `data`, `model` and `training` of a section of params.yaml; what
            they leave out has a default.

        Raises:
            DataError: If a file cannot be used; names file and row.
            ParameterError: If what is wanted is not possible.
        """

    @classmethod
    @abstractmethod
    def read_input(cls, path: Path) -> "pd.DataFrame":
        """Read a file or folder of raw input into a table for `answer`.

        Raises:
            DataError: If it cannot be read; names file and row.
        """

    @abstractmethod
    def answer(self, model: nn.Module, table: "pd.DataFrame", parameters: Any) -> "pd.DataFrame":
        """Answer raw input, as a person has it.

        Args:
            model: A model of this task, on the CPU and in evaluation mode.
            table: The input; the task says which columns.
            parameters: What is asked of the answer, of the class's own
                `AnswerParameters`.

        Raises:
            DataError: If the input is not of the form that the task needs.
        """

    @abstractmethod
    def example(self, raw: Path) -> "pd.DataFrame":
        """A small input for `answer`, taken from the raw files of the dataset."""

    def optimum(self) -> float | None:
        """The best metric that is possible on the test side, where it is known."""
        return None
