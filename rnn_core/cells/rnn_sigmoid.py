"""The simple recurrent network with a sigmoid activation."""

from torch import Tensor, sigmoid

from rnn_core.cells.base import Cell, Fields


class RNNSigmoid(Cell):
    """The simple recurrent network (Elman network), sigmoid variant.

    Equation, with x_t of size I and h_t of size H:
        h_t = sigmoid(W x_t + U h_{t-1} + b)

    `torch.nn.RNN` has no counterpart: it offers tanh and relu only. The derivative of
    the logistic function is at most 1/4, so gradients vanish sooner than with tanh.

    Use it to compare with texts that define the network so; otherwise take `rnn_tanh`, at
    the same cost.

    Reference:
        Elman, "Finding structure in time", Cognitive Science 14 (1990),
        doi:10.1207/s15516709cog1402_1.
    """

    gates = ("h",)
    weights = {"h": ("H", "H")}

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        (h,) = state
        return (sigmoid(x.h + h @ w.h),)
