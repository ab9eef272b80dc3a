"""Initial weights of a recurrent layer."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from rnn_core.cells.base import Cell
from rnn_core.compiler.inspection.declarations import finite
from rnn_core.errors import KindError
from rnn_core.layers import arguments

RecurrentInit: TypeAlias = Literal["orthogonal", "uniform"]


@dataclass(frozen=True, kw_only=True)
class Initialisation:
    """Distributions of initial weights; the same for every cell.

    Input weights are Glorot uniform per gate, vectors start where or as the cell says.

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
        ParameterError: If a value has the wrong kind, or the longest memory spans fewer than 3
            steps.
    """

    recurrent: RecurrentInit = "orthogonal"
    forget_bias: float = 1.0
    longest_memory: int | None = None

    def __post_init__(self) -> None:
        arguments.one_of("recurrent", self.recurrent, RecurrentInit)
        finite("forget_bias", self.forget_bias)
        if self.longest_memory is not None:
            arguments.whole("longest_memory", self.longest_memory, 3)

    def draw(
        self,
        cell: Cell,
        input_weight: Tensor,
        input_bias: Tensor | None,
        weights: Mapping[str, Tensor],
        generator: torch.Generator | None,
    ) -> None:
        """Draw all weights of one direction in place.

        Args:
            cell: The cell that they belong to.
            input_weight: (G * H, I).
            input_bias: (G * H,); None if the layer has no biases.
            weights: Recurrent weights by name, (), (H,) or (H, H).
            generator: Source of randomness; the global one if None.

        Raises:
            ParameterError: If the generator is none, such as a random seed.
        """
        if generator is not None and not isinstance(generator, torch.Generator):
            raise KindError(
                f"generator must be a torch.Generator, such as "
                f"torch.Generator().manual_seed(0), not {generator!r}"
            )
        hidden = input_weight.shape[0] // len(cell.gates)
        if input_weight.is_meta:
            return  # it has no numbers, so that none are drawn
        for rows in input_weight.split(hidden):
            fill(rows, nn.init.xavier_uniform_, generator)
        drawn = cell.vector_start(hidden, generator)
        for name, weight in weights.items():
            if weight.ndim >= 2:
                self.draw_matrix(weight, hidden, generator)
            elif name in drawn:
                with torch.no_grad():
                    weight.copy_(drawn[name])
            else:
                nn.init.constant_(weight, cell.weight_start.get(name, 0.0))
        if input_bias is not None:
            self.draw_biases(
                cell, dict(zip(cell.gates, input_bias.split(hidden), strict=True)), generator
            )

    def draw_matrix(
        self, weight: Tensor, hidden_size: int, generator: torch.Generator | None
    ) -> None:
        """Draw a recurrent matrix in place.

        Args:
            weight: (H, H).
            hidden_size: H.
            generator: Source of randomness; the global one if None.
        """
        if self.recurrent == "orthogonal":
            fill(weight, nn.init.orthogonal_, generator)
        else:
            bound = 1 / math.sqrt(hidden_size)
            fill(weight, partial(nn.init.uniform_, a=-bound, b=bound), generator)

    def draw_biases(
        self, cell: Cell, biases: Mapping[str, Tensor], generator: torch.Generator | None
    ) -> None:
        """Draw the biases of a cell's gates in place.

        Args:
            cell: The cell that they belong to.
            biases: (H,) each, by gate.
            generator: Source of randomness; the global one if None.
        """
        for bias in biases.values():
            nn.init.zeros_(bias)
        for gate, side in cell.memory_gates.items():
            self.draw_memory(biases[gate], side, generator)
        if self.longest_memory is not None:
            for gate, other in cell.opposite_gates.items():
                with torch.no_grad():
                    biases[gate].copy_(-biases[other])

    def draw_memory(self, bias: Tensor, side: int, generator: torch.Generator | None) -> None:
        """Draw the bias of a gate that keeps the state, in place.

        Args:
            bias: (H,).
            side: 1 if the open gate keeps the state, -1 if the shut gate does.
            generator: Source of randomness; the global one if None.
        """
        if self.longest_memory is None:
            nn.init.constant_(bias, side * self.forget_bias)
            return
        fill(bias, partial(nn.init.uniform_, a=1, b=self.longest_memory - 1), generator)
        with torch.no_grad():
            bias.log_().mul_(side)


def fill(weight: Tensor, draw: Callable[..., Any], generator: torch.Generator | None) -> None:
    """Draw a weight in place.

    Where PyTorch cannot draw, in 16 bits or on another device than the generator's, the numbers
    are drawn where it can, in float32, and copied.

    Args:
        weight: The weight.
        draw: A function of `torch.nn.init`.
        generator: Source of randomness; the global one if None.
    """
    device = weight.device if generator is None else generator.device
    dtype = torch.float32 if weight.dtype.itemsize < 4 else weight.dtype
    if (device, dtype) == (weight.device, weight.dtype):
        draw(weight, generator=generator)
        return
    source = torch.empty_like(weight, device=device, dtype=dtype, requires_grad=False)
    draw(source, generator=generator)
    with torch.no_grad():
        weight.copy_(source)


DEFAULT = Initialisation()
