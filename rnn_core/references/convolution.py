"""Causal convolutions over time that are carried on from part to part of a sequence."""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn

from rnn_core.references.base import Reference, drawn_from, turned


class CausalConvolution(nn.Conv1d):
    """A convolution whose output reads its own step and earlier ones only.

    Args:
        input_size: Features of the input, I.
        output_size: Features of the output, O.
        width: Steps that an output reads.
        dilation: Steps from one of these to the next.
    """

    def __init__(self, input_size: int, output_size: int, width: int, dilation: int = 1) -> None:
        super().__init__(input_size, output_size, width, dilation=dilation)
        self.before = (width - 1) * dilation

    def carry(self, x: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """Convolve (B, I, T) after what lay before it.

        Args:
            x: The input.
            past: The steps before it that are read, (B, I, before); None: zeros.

        Returns:
            (B, O, T), and the steps that a next part reads.
        """
        if past is None:
            past = x.new_zeros(*x.shape[:2], self.before)
        whole = torch.cat([past, x], dim=2)
        return self(whole), whole[:, :, whole.shape[2] - self.before :]


class Stack(nn.Module):
    """Layers with causal convolutions in one direction."""

    def carry(self, x: Tensor, past: Sequence[Tensor | None]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read (B, I, T); like several `CausalConvolution.carry` in order."""
        raise NotImplementedError

    def convolutions(self) -> list[CausalConvolution]:
        """All of them, in order."""
        return [part for part in self.modules() if isinstance(part, CausalConvolution)]


class Convolutional(Reference):
    """A stack of causal convolutions, and another one from the end where both ways are read.

    Args:
        input_size: I.
        hidden_size: H.
        make: Makes a stack.
        bidirectional: Whether there are two.
        generator: Source of the initial weights; the global one if None.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        make: Callable[[], Stack],
        *,
        bidirectional: bool,
        generator: Generator | None,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            bidirectional=bidirectional,
            num_directions=1 + bidirectional,
        )
        with drawn_from(generator):
            self.stacks = nn.ModuleList(make() for _ in self.reversals)

    @property
    def multiply_accumulates(self) -> int:
        """Weights that one step of one sequence is multiplied with."""
        kernels = [m for m in self.modules() if isinstance(m, nn.Conv1d)]
        return sum(m.in_channels * m.out_channels * m.kernel_size[0] for m in kernels)

    def read(
        self, x: Tensor, past: tuple[Tensor, ...] | None, lengths: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See `Reference.read`."""
        parts, rest = [], tuple[Tensor, ...]()
        for reverse, stack in zip(self.reversals, self.stacks, strict=True):
            assert isinstance(stack, Stack)
            seen = turned(x, lengths) if reverse else x
            before = past or (None,) * len(stack.convolutions())
            outputs, rest = stack.carry(seen.transpose(1, 2), before)
            outputs = outputs.transpose(1, 2)
            parts.append(turned(outputs, lengths) if reverse else outputs)
        return torch.cat(parts, dim=-1), rest
