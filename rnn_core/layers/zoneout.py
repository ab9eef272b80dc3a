"""Zoneout: some hidden units of a cell keep their value for a step, at random."""

from collections.abc import Mapping, Sequence

import torch
from torch import Generator, Tensor

from rnn_core.cells.base import Cell, Fields


class Zoneout(Cell):
    """A cell around another one, that lets units keep their old state at random.

    Equation, for every state s of the inner cell, with k_t of size H from {0, 1}:
        s_t = k_t * s_{t-1} + (1 - k_t) * step(x_t, s_{t-1})

    k is given from outside: drawn again for each state, step and sequence while training,
    and its mean, the rate, otherwise. States that the cell declares as `together` share one.

    Reference:
        Krueger et al., "Zoneout: regularizing RNNs by randomly preserving hidden
        activations", arXiv:1606.01305v4; here with one rate for all states.

    Args:
        inner: The cell.
    """

    def __init__(self, inner: Cell) -> None:
        self.inner = inner
        self.gates = inner.gates  # type: ignore[misc]
        self.weights = inner.weights  # type: ignore[misc]
        self.states = inner.states  # type: ignore[misc]
        self.given = (*inner.given, *(f"keep_{name}" for name in inner.states))  # type: ignore[misc]
        self.memory_gates = inner.memory_gates  # type: ignore[misc]
        self.opposite_gates = inner.opposite_gates  # type: ignore[misc]
        self.weight_start = inner.weight_start  # type: ignore[misc]
        self.biases = inner.biases  # type: ignore[misc]
        self.together = inner.together  # type: ignore[misc]

    def vector_start(self, hidden_size: int, generator: Generator | None) -> Mapping[str, Tensor]:
        """The vector weights of the inner cell that start at random."""
        return self.inner.vector_start(hidden_size, generator)

    def shape(self, weight: str, hidden_size: int) -> tuple[int, ...]:
        """Shape of a recurrent weight of the inner cell."""
        return self.inner.shape(weight, hidden_size)

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        """Advance by one time step; see `Cell.step`."""
        keeps = x[-len(self.states) :]
        new = self.inner.step(x, state, w)
        parts = zip(keeps, state, new, strict=True)
        return tuple(keep * before + (1 - keep) * after for keep, before, after in parts)


def keep_masks(
    cell: Cell, rate: float, shape: Sequence[int], like: Tensor, *, training: bool
) -> tuple[Tensor, ...]:
    """Draw the masks for a `Zoneout` cell: (T, B, H) for each state.

    Args:
        cell: The cell.
        rate: Share of units that skip a step, in [0, 1).
        shape: T, B and H.
        like: A tensor of the type and device that is wanted.
        training: Whether to draw, or to give the rate itself.
    """
    if training:
        shares = [cell.together[0] if s in cell.together else s for s in cell.states]
        # Not in place, and not like `like`: `vmap` refuses the one, or the other.
        size = torch.empty(*shape, dtype=like.dtype, device=like.device)
        drawn = {share: torch.bernoulli(size, rate) for share in dict.fromkeys(shares)}
        return tuple(drawn[share] for share in shares)
    return tuple(like.new_full(shape[-1:], rate).expand(*shape) for _ in cell.states)
