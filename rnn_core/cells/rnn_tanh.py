"""The simple recurrent network with a tanh activation."""

from torch import Tensor, tanh

from rnn_core.cells.base import Cell, Fields


class RNNTanh(Cell):
    """The simple recurrent network (Elman network), tanh variant.

    Equation, with x_t of size I and h_t of size H:
        h_t = tanh(W x_t + U h_{t-1} + b)

    It equals `torch.nn.RNN(nonlinearity="tanh")` with that module's two biases summed.

    Use it where what matters lies a few steps back and cost counts, a quarter of `lstm`;
    over longer spans its gradient vanishes or explodes (Bengio et al., IEEE Transactions on
    Neural Networks 5 (1994), doi:10.1109/72.279181).

    Reference:
        Elman, "Finding structure in time", Cognitive Science 14 (1990),
        doi:10.1207/s15516709cog1402_1 (there with the logistic function).
    """

    gates = ("h",)
    weights = {"h": ("H", "H")}

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        (h,) = state
        return (tanh(x.h + h @ w.h),)
