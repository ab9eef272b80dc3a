"""The recurrent layer around any cell, and the one loop over time.

Shapes: T time steps, B sequences, I input features, H hidden size, G gates of the cell,
L layers, D directions (1 or 2).
"""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.cells import get_cell
from rnn_core.cells.base import Cell, named
from rnn_core.errors import ParameterError
from rnn_core.fused.choice import path_for
from rnn_core.initialisation import DEFAULT, Initialisation
from rnn_core.zoneout import Zoneout, keep_masks

State: TypeAlias = Tensor | tuple[Tensor, ...]
"""(L * D, B, H), or a tuple of these for a cell with several states."""

InitialState: TypeAlias = Literal["zeros", "learned", "random"]


def unroll(
    cell: Cell,
    projected_TBG: Tensor,
    state: tuple[Tensor, ...],
    weights: Iterable[Tensor],
    given_TBH: Sequence[Tensor] = (),
    present_TB1: Tensor | None = None,
    reverse: bool = False,
    every_state: bool = False,
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """Run a cell over time, step by step; what has a kernel runs on that instead.

    `unbind` yields all time steps at once; indexing step by step would make the
    backward pass quadratic in T.

    Args:
        cell: The cell to run.
        projected_TBG: `W x + b` of all steps, (T, B, G * H).
        state: Initial states, each (B, H).
        weights: Recurrent weights in the order of `cell.weights`.
        given_TBH: What the cell reads besides gates, (T, B, H) each, in the order of
            `cell.given`.
        present_TB1: Where a sequence still goes on, bool (T, B, 1); elsewhere the
            state stands still. None: everywhere.
        reverse: Run from the last step to the first.
        every_state: Whether all states are wanted at all steps, not only the output.

    Returns:
        The states at all steps, (T, B, H) each, in the order of the input: the output
        alone or all of them; and the final states.
    """
    gates = projected_TBG.chunk(len(cell.gates), dim=-1)
    fields = named((*cell.gates, *cell.given))
    steps = [
        fields(*step) for step in zip(*(g.unbind(0) for g in (*gates, *given_TBH)), strict=True)
    ]
    w = named(tuple(cell.weights))(*weights)
    present = present_TB1.unbind(0) if present_TB1 is not None else None
    order = range(len(steps))
    passed: list[tuple[Tensor, ...]] = []
    for t in reversed(order) if reverse else order:
        new = cell.step(steps[t], state, w)
        if present is not None:
            pairs = zip(new, state, strict=True)
            new = tuple(torch.where(present[t], after, before) for after, before in pairs)
        state = new
        passed.append(state if every_state else state[:1])
    if reverse:
        passed.reverse()
    return [torch.stack(states) for states in zip(*passed, strict=True)], state


class RecurrentDirection(nn.Module):
    """The weights of one layer in one direction.

    Args:
        cell: The cell to run.
        input_size: Features of the input, I.
        hidden_size: Features of the state, H.
        reverse: Whether it reads the sequence from its end.
        initial_state: See `Recurrent`.
        recurrent_dropout: See `Recurrent`.
        zoneout: See `Recurrent`.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        *,
        reverse: bool = False,
        initial_state: InitialState = "zeros",
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cell = Zoneout(cell) if zoneout else cell
        self.hidden_size = hidden_size
        self.reverse = reverse
        self.initial_state = initial_state
        self.recurrent_dropout = recurrent_dropout
        self.zoneout = zoneout
        rows = len(cell.gates) * hidden_size
        self.input_weight = nn.Parameter(torch.empty(rows, input_size))
        self.input_bias = nn.Parameter(torch.empty(rows))
        self.weights = nn.ParameterDict(
            {name: torch.empty(cell.shape(name, hidden_size)) for name in cell.weights}
        )
        if initial_state == "learned":
            self.start = nn.Parameter(torch.zeros(len(cell.states), hidden_size))

    def reset_parameters(
        self, initialisation: Initialisation, generator: torch.Generator | None
    ) -> None:
        """Draw all weights."""
        weights = {name: self.weights[name] for name in self.cell.weights}
        initialisation.draw(self.cell, self.input_weight, self.input_bias, weights, generator)

    def first_state(self, like: Tensor) -> tuple[Tensor, ...]:
        """Initial states, each (B, H), for an input (T, B, I)."""
        shape = (like.shape[1], self.hidden_size)
        if self.initial_state == "learned":
            return tuple(row.expand(shape) for row in self.start)
        draw = self.initial_state == "random" and self.training
        zeros = tuple(like.new_zeros(shape) for _ in self.cell.states)
        return tuple(0.1 * torch.randn_like(z) for z in zeros) if draw else zeros

    def recurrent_weights(self) -> list[Tensor]:
        """Recurrent weights in the order of the cell, matrices with dropout while training."""
        weights = [self.weights[name] for name in self.cell.weights]
        if not self.recurrent_dropout:
            return weights
        share, training = self.recurrent_dropout, self.training
        return [functional.dropout(w, share, training) if w.ndim == 2 else w for w in weights]

    def given(self, x: Tensor) -> tuple[Tensor, ...]:
        """What the cell reads besides gates, (T, B, H) each, for an input (T, B, I)."""
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

        `present` is bool (T, B, 1); where it is false, the states at all steps are 0.
        """
        state = self.first_state(x) if state is None else state
        weights, given = self.recurrent_weights(), self.given(x)
        tensors = (x, self.input_weight, self.input_bias, *state, *weights)
        path = path_for(self.cell, tensors, every_state)
        if path is None:
            projected = functional.linear(x, self.input_weight, self.input_bias)
            every, final = unroll(
                self.cell, projected, state, weights, given, present, self.reverse, every_state
            )
        else:
            mask = None if present is None else present.squeeze(-1)
            every, last = path(
                x, self.input_weight, self.input_bias, state, weights, given, mask, self.reverse
            )
            every, final = every if every_state else every[:1], tuple(last)
        return every if present is None else [part * present for part in every], final


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
