"""A recurrent layer that takes the size of its input from the first one."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.rnn import PackedSequence

from rnn_core.cells import name_of
from rnn_core.cells.base import Cell
from rnn_core.errors import TensorError
from rnn_core.layers.arguments import check_steps, input_tensor
from rnn_core.layers.direction import RecurrentDirection
from rnn_core.layers.recurrent import Lengths, Recurrent, State


class LazyRecurrent(Recurrent):
    """A `Recurrent` without `input_size`, as `torch.nn.LazyLinear` is a linear layer without it.

    The first call, or weights that are loaded, make it a `Recurrent`; its weights are drawn then.
    Before, the input weights of its first layer are `nn.UninitializedParameter`, which have no
    shape. Parameters keep their identity, so that an optimizer may hold them already.

    Args:
        cell: See `Recurrent`.
        hidden_size: See `Recurrent`.
        arguments: Further arguments of `Recurrent` by position, from `num_layers` on.
        generator: Source of the initial weights; the global one if None.
        options: Further arguments of `Recurrent` by name.

    Raises:
        ParameterError: See `Recurrent`.
    """

    def __init__(
        self,
        cell: str | Cell,
        hidden_size: int,
        *arguments: Any,
        generator: torch.Generator | None = None,
        **options: Any,
    ) -> None:
        unused = torch.Generator()  # leaves the caller's as they are
        super().__init__(cell, 1, hidden_size, *arguments, generator=unused, **options)
        self.generator = generator
        for direction in self._first_layer():
            like = direction.input_weight
            weight: Any = nn.UninitializedParameter(  # type: ignore[call-arg]
                device=like.device, dtype=like.dtype
            )
            direction.register_parameter("input_weight", weight)

    def materialise(self, input_size: int) -> None:
        """Become a `Recurrent` of a given input size, with weights newly drawn.

        Args:
            input_size: Features of the input, I.
        """
        self.input_size = input_size
        for direction in self._first_layer():
            weight = direction.input_weight
            assert isinstance(weight, nn.UninitializedParameter)
            direction.input_size = input_size
            weight.materialize((len(self.cell.gates) * self.hidden_size, input_size))
        generator = self.generator
        del self.generator
        self.__class__ = Recurrent  # type: ignore[assignment]
        self.reset_parameters(generator)

    def forward(
        self,
        input: Tensor | PackedSequence,  # noqa: A002
        hx: State | None = None,
        lengths: Lengths | None = None,
    ) -> tuple[Tensor | PackedSequence, State]:
        """Become a `Recurrent`, and read a batch as it does.

        Args:
            input: As for `Recurrent.forward`; its last axis decides `input_size`.
            hx: As for `Recurrent.forward`.
            lengths: As for `Recurrent.forward`.

        Returns:
            As `Recurrent.forward`.

        Raises:
            ParameterError: See `Recurrent.forward`.
        """
        self._see(input)
        return self.forward(input, hx, lengths)

    def every_state(
        self,
        input: Tensor | PackedSequence,  # noqa: A002
        hx: State | None = None,
        lengths: Lengths | None = None,
    ) -> tuple[tuple[Tensor | PackedSequence, ...], State]:
        """Become a `Recurrent`, and read a batch as it does.

        Args:
            input: As for `Recurrent.forward`; its last axis decides `input_size`.
            hx: As for `Recurrent.forward`.
            lengths: As for `Recurrent.forward`.

        Returns:
            As `Recurrent.every_state`.

        Raises:
            ParameterError: See `Recurrent.forward`.
        """
        self._see(input)
        return self.every_state(input, hx, lengths)

    def extra_repr(self) -> str:
        """Cell and hidden size, as nothing else is settled."""
        return f"{name_of(self.cell)}, hidden_size={self.hidden_size}, input_size not known yet"

    def _see(self, x: object) -> None:
        read = x.data if isinstance(x, PackedSequence) else x
        tensor = input_tensor(read, next(self._first_layer()).input_weight, self.batch_first)
        size = tensor.shape[-1]
        if size == 0:
            raise TensorError(f"input must have at least one feature: {tuple(tensor.shape)}")
        check_steps(tensor, self.batch_first)
        self.materialise(size)

    def _first_layer(self) -> Iterator[RecurrentDirection]:
        return islice(self._directions(), len(self.reversals))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        weight = state_dict.get(f"{prefix}directions.0.input_weight")
        if isinstance(weight, Tensor) and not is_lazy(weight):
            self.materialise(weight.shape[-1])
        Recurrent._load_from_state_dict(self, state_dict, prefix, *others)
