"""The simple recurrent network with a rectified linear activation."""

from torch import Tensor, relu

from rnn_core.cells.base import Cell, Fields


class RNNRelu(Cell):
    """The simple recurrent network (Elman network), rectified linear variant.

    Equation, with x_t of size I and h_t of size H:
        h_t = max(0, W x_t + U h_{t-1} + b)

    It equals `torch.nn.RNN(nonlinearity="relu")` with that module's two biases summed. The
    paper starts U as the identity; here it starts as in all cells.

    Use it where sums or counts over many steps matter, which nothing here saturates; the state
    has no upper bound, so that it wants a small learning rate and clipped gradients.

    Reference:
        Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of rectified
        linear units", arXiv:1504.00941v2.
    """

    gates = ("h",)
    weights = {"h": ("H", "H")}

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        (h,) = state
        return (relu(x.h + h @ w.h),)
