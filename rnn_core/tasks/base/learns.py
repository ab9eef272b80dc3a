"""The role of a task that a model is trained and scored by."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, TypeAlias

import torch
from torch import Tensor, nn

from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.metric import Metric, Split
from rnn_core.tasks.base import model_parameters
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.role import Role
from rnn_core.tasks.base.scores import Scores

Batch: TypeAlias = tuple[Tensor, ...]
"""Tensors that a loss is computed from; each task has its own shapes and dtypes."""


class Learns(Role, ABC):
    """Makes a model, its batches and its loss, and scores it.

    Attributes:
        ModelParameters: Dataclass of the values that `model:` in params.yaml may hold.
    """

    ModelParameters: ClassVar[type[model_parameters.ModelParameters]]

    @property
    @abstractmethod
    def metric(self) -> Metric:
        """Metric that chooses models."""

    @property
    def reach(self) -> int | None:
        """Steps that an output has to look back to see a whole sequence, its own included.

        Layers without recurrence look so far. None if they cannot take the place of a cell.
        """
        return None

    @abstractmethod
    def build_model(self, make_cell: MakeCell) -> nn.Module:
        """Make a model around the recurrent layer that `make_cell` makes."""

    @abstractmethod
    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        """One epoch of the training set, in an order drawn from the generator."""

    def num_batches(self, data: Data, batch_size: int) -> int:
        """Number of batches of an epoch."""
        return -(-self.meta.items["train"] // batch_size)

    @abstractmethod
    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        """Mean training loss of a batch, and the state to carry to the next batch."""

    def settle(self, model: nn.Module, data: Data) -> None:
        """Set what no gradient trains, once the weights are those that are kept.

        The model is in evaluation mode. Where the validation set is empty, there is nothing to
        set it by that the model has not been trained on.
        """

    @abstractmethod
    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """The metric of each item of a split, whatever items are read at once."""
