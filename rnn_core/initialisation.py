"""How the weights of a recurrent layer start."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from rnn_core.cells.base import Cell
from rnn_core.errors import ParameterError

RecurrentInit: TypeAlias = Literal["orthogonal", "uniform"]


@dataclass(frozen=True, kw_only=True)
class Initialisation:
    """What is drawn, and how; the same for every cell.

    Input weights are Glorot uniform per gate, vectors start where the cell says.

    Attributes:
        recurrent: Recurrent matrices: orthogonal (Saxe et al., arXiv:1312.6120v3), or
            uniform in +-1/sqrt(H), as `torch.nn` draws them.
        forget_bias: Bias of the gates that keep the state, on the side of keeping it
            (Gers et al., 2000; Jozefowicz et al., ICML 2015). 0: none.
        longest_memory: Steps that the longest-remembering units should span; instead of
            `forget_bias`, biases are then drawn as the logarithm of uniform numbers between
            1 and this - 1, and gates that let new input in start at the opposite ("chrono",
            Tallec and Ollivier, arXiv:1804.11188v1). None: not drawn.

    Raises:
        ParameterError: If the longest memory spans fewer than 3 steps.
    """

    recurrent: RecurrentInit = "orthogonal"
    forget_bias: float = 1.0
    longest_memory: int | None = None

    def __post_init__(self) -> None:
        if self.recurrent not in ("orthogonal", "uniform"):
            raise ParameterError(
                f"recurrent weights start 'orthogonal' or 'uniform', not {self.recurrent!r}"
            )
        if self.longest_memory is not None and self.longest_memory < 3:
            raise ParameterError(f"longest_memory must be at least 3, not {self.longest_memory}")

    def draw(
        self,
        cell: Cell,
        input_weight: Tensor,
        input_bias: Tensor,
        weights: Mapping[str, Tensor],
        generator: torch.Generator | None,
    ) -> None:
        """Draw all weights of one direction in place.

        Args:
            cell: The cell that they belong to.
            input_weight: (G * H, I).
            input_bias: (G * H,).
            weights: Recurrent weights by name, (H, H) or (H,) each.
            generator: Source of randomness; the global one if None.
        """
        hidden = input_bias.shape[0] // len(cell.gates)
        for rows in input_weight.split(hidden):
            nn.init.xavier_uniform_(rows, generator=generator)
        for name, weight in weights.items():
            if weight.ndim == 2:
                self.draw_matrix(weight, generator)
            else:
                nn.init.constant_(weight, cell.weight_start.get(name, 0.0))
        biases = dict(zip(cell.gates, input_bias.split(hidden), strict=True))
        for bias in biases.values():
            nn.init.zeros_(bias)
        for gate, side in cell.memory_gates.items():
            self.draw_memory(biases[gate], side, generator)
        if self.longest_memory is not None:
            for gate, other in cell.opposite_gates.items():
                with torch.no_grad():
                    biases[gate].copy_(-biases[other])

    def draw_matrix(self, weight: Tensor, generator: torch.Generator | None) -> None:
        """Draw a recurrent matrix (H, H)."""
        if self.recurrent == "orthogonal":
            nn.init.orthogonal_(weight, generator=generator)
        else:
            bound = 1 / math.sqrt(weight.shape[0])
            nn.init.uniform_(weight, -bound, bound, generator=generator)

    def draw_memory(self, bias: Tensor, side: int, generator: torch.Generator | None) -> None:
        """Draw the bias (H,) of a gate that keeps the state when open (side 1) or shut (-1)."""
        if self.longest_memory is None:
            nn.init.constant_(bias, side * self.forget_bias)
            return
        with torch.no_grad():
            steps = torch.empty_like(bias).uniform_(1, self.longest_memory - 1, generator=generator)
            bias.copy_(side * steps.log())


DEFAULT = Initialisation()
