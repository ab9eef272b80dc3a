"""A linear map of the last steps."""

from collections.abc import Sequence
from functools import partial

from torch import Generator, Tensor

from rnn_core.references.convolution import CausalConvolution, Convolutional, Stack


class LinearFilter(Convolutional):
    """Every output is a linear map of its step and those before it; nothing is nonlinear.

    Equation, with x_t of size I, h_t of size H and K steps of reach:
        h_t = W_0 x_t + W_1 x_{t-1} + ... + W_{K-1} x_{t-K+1} + b

    With a linear layer behind it, and what is linear between, the model as a whole is linear in
    its input: in the mean of word vectors, in a window of the past.

    Args:
        input_size: I.
        hidden_size: H.
        dropout: Taken as the others take it; a single map has no blocks to drop between.
        bidirectional: Whether there is a second map, of the steps that follow.
        reach: K.
        generator: Source of the initial weights; the global one if None.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        dropout: float = 0.0,
        bidirectional: bool = False,
        reach: int = 8,
        generator: Generator | None = None,
    ) -> None:
        make = partial(LinearStack, input_size, hidden_size, reach)
        super().__init__(
            input_size, hidden_size, make, bidirectional=bidirectional, generator=generator
        )


class LinearStack(Stack):
    """One convolution.

    Args:
        input_size: I.
        hidden_size: H.
        reach: Its width, K.
    """

    def __init__(self, input_size: int, hidden_size: int, reach: int) -> None:
        super().__init__()
        self.map = CausalConvolution(input_size, hidden_size, reach)

    def carry(self, x: Tensor, past: Sequence[Tensor | None]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See `Stack.carry`."""
        outputs, rest = self.map.carry(x, past[0])
        return outputs, (rest,)
