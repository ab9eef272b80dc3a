"""The recurrent layer around any cell.

Shapes: T time steps, B sequences, I input features, H hidden size, L layers, D directions
(1 or 2).
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.cells import get_cell
from rnn_core.cells.base import Cell
from rnn_core.direction import InitialState, RecurrentDirection
from rnn_core.errors import ParameterError
from rnn_core.initialisation import DEFAULT, Initialisation

State: TypeAlias = Tensor | tuple[Tensor, ...]
"""(L * D, B, H), or a tuple of these for a cell with several states."""


class Recurrent(nn.Module):
    """A stack of recurrent layers around any cell, called as `torch.nn.GRU` is.

    Args:
        cell: Name of a registered cell, or a cell of one's own.
        input_size: Features of the input, I.
        hidden_size: Features of each state, H.
        num_layers: Layers, each reading the outputs of the one below.
        bidirectional: Whether every layer also reads the sequence from its end; the
            outputs of both directions are concatenated.
        dropout: Share of outputs dropped between layers while training, in [0, 1).
        batch_first: Whether inputs and outputs are (B, T, ...) instead of (T, B, ...).
        initial_state: "zeros"; "learned", a trained vector per layer and direction; or
            "random", drawn from N(0, 0.1^2) at each call while training, else zeros.
        recurrent_dropout: Share of the recurrent matrices' entries dropped while training,
            the same for all steps and sequences of a call, in [0, 1): DropConnect, as in
            Merity et al., arXiv:1708.02182v1.
        zoneout: Share of the units of each state that skip a step while training, in
            [0, 1); see `rnn_core.zoneout`.
        initialisation: How the weights start.
        generator: Source of the initial weights; the global one if None.

    Raises:
        ParameterError: If the cell is unknown or a size is out of range.
    """

    def __init__(
        self,
        cell: str | Cell,
        input_size: int,
        hidden_size: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        batch_first: bool = False,
        initial_state: InitialState = "zeros",
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        initialisation: Initialisation = DEFAULT,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if min(input_size, hidden_size, num_layers) < 1:
            raise ParameterError("input_size, hidden_size and num_layers must be at least 1")
        shares = {"dropout": dropout, "recurrent_dropout": recurrent_dropout, "zoneout": zoneout}
        for name, share in shares.items():
            if not 0 <= share < 1:
                raise ParameterError(f"{name} must be in [0, 1), not {share}")
        self.cell = get_cell(cell) if isinstance(cell, str) else cell
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.batch_first = batch_first
        self.initialisation = initialisation
        self.reversals = (False, True) if bidirectional else (False,)
        self.output_size = hidden_size * len(self.reversals)
        sizes = [input_size] + [self.output_size] * (num_layers - 1)
        self.directions = nn.ModuleList(
            RecurrentDirection(
                self.cell,
                size,
                hidden_size,
                reverse=reverse,
                initial_state=initial_state,
                recurrent_dropout=recurrent_dropout,
                zoneout=zoneout,
            )
            for size in sizes
            for reverse in self.reversals
        )
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all weights anew."""
        for direction in self.directions:
            assert isinstance(direction, RecurrentDirection)
            direction.reset_parameters(self.initialisation, generator)

    @property
    def recurrent_parameters(self) -> int:
        """Number of recurrent weights, over all layers and directions."""
        return len(self.directions) * self.cell.recurrent_parameters(self.hidden_size)

    @property
    def multiply_accumulates(self) -> int:
        """Multiply-accumulates of one time step of one sequence, over all layers."""
        sizes = [self.input_size] + [self.output_size] * (self.num_layers - 1)
        per_layer = (self.cell.multiply_accumulates(i, self.hidden_size) for i in sizes)
        return sum(per_layer) * len(self.reversals)

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Read a batch of sequences.

        Args:
            x: (T, B, I), or (B, T, I) if `batch_first`.
            state: Initial state as returned by an earlier call; None starts anew.
            lengths: Steps of each sequence, int (B,); what lies beyond is ignored: the
                state stands still there and the output is 0. None: all T.

        Returns:
            Outputs (T, B, D * H), or (B, T, D * H), and the final state.

        Raises:
            ParameterError: If there is no step, T = 0.
        """
        (outputs,), final = self._run(x, state, lengths, every_state=False)
        return outputs, final

    def every_state(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[tuple[Tensor, ...], State]:
        """Read a batch as `forward` does, and return all states of the last layer.

        Returns:
            One tensor per state of the cell, the first of which is the outputs; and the
            final state.
        """
        return self._run(x, state, lengths, every_state=True)

    def _run(
        self, x: Tensor, state: State | None, lengths: Tensor | None, *, every_state: bool
    ) -> tuple[tuple[Tensor, ...], State]:
        x = x.transpose(0, 1) if self.batch_first else x
        if x.shape[0] == 0:
            raise ParameterError("a sequence must have at least one step")
        present = None if lengths is None else presence(lengths, x.shape[0])
        states = self._split(state)
        finals: list[tuple[Tensor, ...]] = []
        top: tuple[Tensor, ...] = ()
        for layer in range(self.num_layers):
            if layer > 0:
                x = functional.dropout(x, self.dropout, self.training)
            every = []
            for index in range(layer * len(self.reversals), (layer + 1) * len(self.reversals)):
                of_direction, final = self.directions[index](x, states[index], present, every_state)
                every.append(of_direction)
                finals.append(final)
            top = tuple(
                torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]
                for parts in zip(*every, strict=True)
            )
            x = top[0]
        if self.batch_first:
            top = tuple(part.transpose(0, 1) for part in top)
        return top, self._join(finals)

    def _split(self, state: State | None) -> Sequence[tuple[Tensor, ...] | None]:
        if state is None:
            return [None] * len(self.directions)
        parts = (state,) if isinstance(state, Tensor) else state
        return list(zip(*(part.unbind(0) for part in parts), strict=True))

    def _join(self, finals: list[tuple[Tensor, ...]]) -> State:
        parts = tuple(torch.stack(part) for part in zip(*finals, strict=True))
        return parts if len(parts) > 1 else parts[0]


class MakeCell(Protocol):
    """Makes the recurrent layer of a model, which knows its input and not its cell."""

    def __call__(self, input_size: int, *, bidirectional: bool = False) -> Recurrent:
        """Make a layer that reads (B, T, input_size)."""


def presence(lengths: Tensor, num_steps: int) -> Tensor:
    """Where sequences of the given lengths (B,) still go on: bool (T, B, 1)."""
    steps = torch.arange(num_steps, device=lengths.device)
    return (steps[:, None] < lengths[None, :]).unsqueeze(-1)
