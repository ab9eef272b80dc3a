"""Projection: a cell whose output, which is also what it reads back, is made smaller."""

from collections.abc import Sequence
from math import prod

from torch import Tensor
from torch.nn.functional import pad

from rnn_core.cells import name_of
from rnn_core.cells.base import Cell, Fields
from rnn_core.errors import ParameterError

NAME = "projection"
"""Name of the weight of the projection."""


class Projected(Cell):
    """A cell around another one, whose first state is projected to fewer features.

    Equation, with h' the first state that the inner cell makes and P < H features of h_t:
        h_t = h'_t V

    V is (H, P), and the inner cell's matrices, which are applied to h_{t-1}, are (P, H).
    `step` sees all of them as (H, H), with zeros where nothing is: see `square`.

    It equals `torch.nn.LSTM(proj_size=P)`, where the inner cell is `lstm`.

    Reference:
        Sak, Senior and Beaufays, "Long short-term memory based recurrent neural network
        architectures for large vocabulary speech recognition", arXiv:1402.1128v1; without
        their second, non-recurrent projection.

    Args:
        inner: The cell; it says by `projectable` that it can be projected.
        size: P.

    Raises:
        ParameterError: If the cell reads its output otherwise than in products.
    """

    def __init__(self, inner: Cell, size: int) -> None:
        if not inner.projectable or NAME in inner.weights:
            raise ParameterError(
                f"{name_of(inner)} cannot be projected; leave out proj_size, or take lstm, "
                "lstm_coupled or lstm_peephole"
            )
        self.inner = inner
        self.size = size
        self.gates = inner.gates  # type: ignore[misc]
        self.weights = {**inner.weights, NAME: ("H", "H")}  # type: ignore[misc]
        self.states = inner.states  # type: ignore[misc]
        self.given = inner.given  # type: ignore[misc]
        self.memory_gates = inner.memory_gates  # type: ignore[misc]
        self.opposite_gates = inner.opposite_gates  # type: ignore[misc]
        self.weight_start = inner.weight_start  # type: ignore[misc]
        self.biases = inner.biases  # type: ignore[misc]

    def stored_shape(self, weight: str, hidden_size: int) -> tuple[int, ...]:
        """Shape of a recurrent weight as it is stored; `step` sees that of `shape`."""
        if weight == NAME:
            return hidden_size, self.size
        shape = self.shape(weight, hidden_size)
        return (self.size, hidden_size) if len(shape) == 2 else shape

    def multiply_accumulates(self, input_size: int, hidden_size: int) -> int:
        """Multiply-accumulates of one step for one sequence, those by zeros aside."""
        shapes = (self.stored_shape(name, hidden_size) for name in self.weights)
        recurrent = sum(prod(shape) for shape in shapes if len(shape) == 2)
        return len(self.gates) * input_size * hidden_size + recurrent

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        """Advance by one time step; see `Cell.step`."""
        output, *others = self.inner.step(x, state, w)
        return output @ getattr(w, NAME), *others

    def square(self, weights: Sequence[Tensor], hidden_size: int) -> list[Tensor]:
        """Recurrent weights as `step` reads them, in the order of the cell.

        Zeros take the place of the features that the output does not have, and its products by
        zeros add nothing.
        """
        rest = hidden_size - self.size
        *inner, projection = weights
        squares = [pad(w, (0, 0, 0, rest)) if w.ndim == 2 else w for w in inner]
        return [*squares, pad(projection, (0, rest))]

    def widened(self, state: tuple[Tensor, ...], hidden_size: int) -> tuple[Tensor, ...]:
        """States as `step` reads them, (B, H) each; the first one is (B, P)."""
        return pad(state[0], (0, hidden_size - self.size)), *state[1:]

    def narrowed(self, states: Sequence[Tensor]) -> list[Tensor]:
        """States that `step` made, the first one of P features again."""
        return [states[0][..., : self.size], *states[1:]]
