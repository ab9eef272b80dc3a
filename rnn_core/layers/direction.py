"""One recurrent layer in one direction: its weights, and what it runs on.

Shapes: T time steps, B sequences, I input features, H hidden size, G gates of the cell.
"""

from functools import partial
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.cells.base import Cell
from rnn_core.compiler.running.unrolling import unroll
from rnn_core.layers.execution_path import path_for
from rnn_core.layers.initialisation import Initialisation
from rnn_core.layers.projection import Projected
from rnn_core.layers.weights import Weights
from rnn_core.layers.zoneout import Zoneout, keep_masks

InitialState: TypeAlias = Literal["zeros", "learned", "random"]


class RecurrentDirection(nn.Module):
    """The weights of one layer in one direction.

    Args:
        cell: The cell to run.
        input_size: Features of the input, I.
        hidden_size: Features of the state, H.
        reverse: Whether it reads the sequence from its end.
        bias: See `Recurrent`.
        proj_size: See `Recurrent`.
        initial_state: See `Recurrent`.
        recurrent_dropout: See `Recurrent`.
        zoneout: See `Recurrent`.
        device: See `Recurrent`.
        dtype: See `Recurrent`.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        *,
        reverse: bool = False,
        bias: bool = True,
        proj_size: int = 0,
        initial_state: InitialState = "zeros",
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.projected = Projected(cell, proj_size) if proj_size else None
        cell = self.projected or cell
        self.cell = Zoneout(cell) if zoneout else cell
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.sizes = (proj_size or hidden_size, *[hidden_size] * (len(cell.states) - 1))
        self.reverse = reverse
        self.initial_state = initial_state
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = zoneout
        make = partial(torch.empty, device=device, dtype=dtype)
        rows = len(cell.gates) * hidden_size
        self.input_weight = nn.Parameter(make(rows, input_size))
        self.input_bias = nn.Parameter(make(rows)) if bias else None
        left_out = () if bias else cell.biases
        shape = cell.shape if self.projected is None else self.projected.stored_shape
        self.weights = Weights(
            {
                name: None if name in left_out else make(shape(name, hidden_size))
                for name in cell.weights
            }
        )
        if initial_state == "learned":
            self.start = nn.Parameter(make(len(cell.states), hidden_size).zero_())

    def extra_repr(self) -> str:
        """Sizes and direction."""
        sizes = f"{self.input_size}, {self.hidden_size}"
        return f"{sizes}, reverse=True" if self.reverse else sizes

    def reset_parameters(
        self, initialisation: Initialisation, generator: torch.Generator | None
    ) -> None:
        """Draw all weights; a learned initial state starts at 0."""
        weights = dict(self.weights.items())
        initialisation.draw(self.cell, self.input_weight, self.input_bias, weights, generator)
        if self.initial_state == "learned":
            nn.init.zeros_(self.start)

    def first_state(self, like: Tensor) -> tuple[Tensor, ...]:
        """Initial states, each (B, H), the first (B, P) if projected, for an input (T, B, I)."""
        shapes = [(like.shape[1], size) for size in self.sizes]
        if self.initial_state == "learned":
            rows = zip(self.start, self.sizes, strict=True)
            return tuple(row[:size].expand(like.shape[1], size) for row, size in rows)
        draw = self.initial_state == "random" and self.training
        zeros = tuple(like.new_zeros(shape) for shape in shapes)
        return tuple(0.1 * torch.randn_like(z) for z in zeros) if draw else zeros

    def any_weight(self) -> Tensor:
        """A parameter, for its type and device; `input_weight` may be computed when it is read."""
        weight = self._parameters.get("input_weight")
        return next(self.parameters()) if weight is None else weight

    def bias(self) -> Tensor:
        """The bias of the gates, (G * H,); zeros if there is none."""
        if self.input_bias is None:
            return self.input_weight.new_zeros(len(self.cell.gates) * self.hidden_size)
        return self.input_bias

    def recurrent_weights(self) -> list[Tensor]:
        """Recurrent weights in the order of the cell, matrices with dropout while training."""
        like = self.input_weight
        weights = [
            like.new_zeros(self.cell.shape(name, self.hidden_size)) if weight is None else weight
            for name, weight in zip(self.cell.weights, self.weights(), strict=True)
        ]
        if not self.recurrent_dropout:
            return weights
        share, training = self.recurrent_dropout, self.training
        return [functional.dropout(w, share, training) if w.ndim == 2 else w for w in weights]

    def given(self, x: Tensor) -> tuple[Tensor, ...]:
        """Values for the cell besides gates, (T, B, H) each, for an input (T, B, I)."""
        if not self.zoneout:
            return ()
        shape = (*x.shape[:2], self.hidden_size)
        return keep_masks(self.cell, self.zoneout, shape, x, training=self.training)

    def forward(
        self,
        x: Tensor,
        state: tuple[Tensor, ...] | None,
        present: Tensor | None,
        every_state: bool = False,
    ) -> tuple[list[Tensor], tuple[Tensor, ...]]:
        """Read (T, B, I); return states at all steps, (T, B, H) each, and the final ones.

        `present` is bool (T, B, 1); where it is false, x is 0, and so are the states at all
        steps.
        """
        state = self.first_state(x) if state is None else state
        if present is None:
            return self.run(x, state, self.given(x), None, every_state)
        # What belongs to no step is replaced, for a product by 0 would keep NaN and infinity.
        some = present.any(0)
        start = tuple(torch.where(some, part, 0) for part in state)
        given = tuple(torch.where(present, part, 0) for part in self.given(x))
        every, final = self.run(x, start, given, present, every_state)
        pairs = zip(final, state, strict=True)
        final = tuple(torch.where(some, after, before) for after, before in pairs)
        return [torch.where(present, part, 0) for part in every], final

    def run(
        self,
        x: Tensor,
        state: tuple[Tensor, ...],
        given: tuple[Tensor, ...],
        present: Tensor | None,
        every_state: bool,
    ) -> tuple[list[Tensor], tuple[Tensor, ...]]:
        """The states at all steps, whatever they are where no sequence is, and the final ones."""
        weights = self.recurrent_weights()
        input_weight, bias = self.input_weight, self.bias()
        if self.projected is not None:
            state = self.projected.widened(state, self.hidden_size)
            weights = self.projected.square(weights, self.hidden_size)
        tensors = (x, input_weight, bias, *state, *weights)
        path = path_for(self.cell, tensors, every_state, given, present)
        if path is None:
            projected = functional.linear(x, input_weight, bias)
            every, final = unroll(
                self.cell, projected, state, weights, given, present, self.reverse, every_state
            )
        else:
            mask = None if present is None else present.squeeze(-1)
            every, last = path(x, input_weight, bias, state, weights, given, mask, self.reverse)
            every, final = every if every_state else every[:1], tuple(last)
        if self.projected is not None:
            every, final = self.projected.narrowed(every), tuple(self.projected.narrowed(final))
        return every, final
