"""The temporal convolutional network."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from rnn_core.references.base import REACH
from rnn_core.references.convolution import CausalConvolution, Convolutional, Stack

WIDTH = 3
"""Steps that a convolution reads."""


class TCN(Convolutional):
    """Residual blocks of two dilated causal convolutions.

    As the paper's generic network: the dilation doubles from block to block, weights are
    normalised by their length, ReLU and dropout of whole channels follow each convolution, and a
    convolution of width 1 bypasses a block that changes the number of channels. There are
    as many blocks as an output needs to look far enough back; after L blocks of width 3 that is
    1 + 4 (2^L - 1) steps.

    Args:
        input_size: I.
        hidden_size: Channels of all blocks, H.
        dropout: Share of channels dropped while training.
        bidirectional: Whether a second network reads from the end.
        reach: Steps that an output has to look back, itself included.
        generator: Source of the initial weights; the global one if None.

    Reference:
        Bai, Kolter and Koltun, "An empirical evaluation of generic convolutional and recurrent
        networks for sequence modeling", arXiv:1803.01271v2, section 3.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        dropout: float = 0.0,
        bidirectional: bool = False,
        reach: int = REACH,
        generator: Generator | None = None,
    ) -> None:
        make = partial(Blocks, input_size, hidden_size, blocks_for(reach), dropout)
        super().__init__(
            input_size, hidden_size, make, bidirectional=bidirectional, generator=generator
        )


def blocks_for(reach: int) -> int:
    """The fewest blocks by which an output looks `reach` steps back."""
    blocks = 1
    while 1 + 2 * (WIDTH - 1) * (2**blocks - 1) < reach:
        blocks += 1
    return blocks


class Blocks(Stack):
    """All blocks of one direction.

    Args:
        input_size: I.
        hidden_size: H.
        count: How many.
        dropout: See `TCN`.
    """

    def __init__(self, input_size: int, hidden_size: int, count: int, dropout: float) -> None:
        super().__init__()
        sizes = [input_size] + [hidden_size] * (count - 1)
        self.blocks = nn.ModuleList(
            Block(size, hidden_size, 2**level, dropout) for level, size in enumerate(sizes)
        )

    def carry(self, x: Tensor, past: Sequence[Tensor | None]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See `Stack.carry`."""
        rest = []
        for block, first, second in zip(self.blocks, past[::2], past[1::2], strict=True):
            assert isinstance(block, Block)
            x, *carried = block.carry(x, first, second)
            rest += carried
        return x, tuple(rest)


class Block(nn.Module):
    """Two convolutions and a way around them.

    Args:
        input_size: Channels of its input.
        hidden_size: H.
        dilation: Of both convolutions.
        dropout: See `TCN`.
    """

    def __init__(self, input_size: int, hidden_size: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.first = weight_norm(CausalConvolution(input_size, hidden_size, WIDTH, dilation))
        self.second = weight_norm(CausalConvolution(hidden_size, hidden_size, WIDTH, dilation))
        same = input_size == hidden_size
        self.around = nn.Identity() if same else nn.Conv1d(input_size, hidden_size, 1)
        self.dropout = nn.Dropout1d(dropout)

    def carry(
        self, x: Tensor, first: Tensor | None, second: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Read (B, I, T) after what either convolution read before; return that of a next part."""
        inner, first = self.first.carry(x, first)
        inner, second = self.second.carry(self.dropout(torch.relu(inner)), second)
        outputs = torch.relu(self.dropout(torch.relu(inner)) + self.around(x))
        return outputs, first, second
