"""The minimal gated unit."""

from torch import Tensor, sigmoid, tanh

from rnn_core.cells.base import Cell, Fields


class MGU(Cell):
    """The GRU with one gate, which both resets and updates.

    Equations, with x_t of size I and all else of size H:
        f_t = sigmoid(W_f x_t + U_f h_{t-1} + b_f)
        n_t = tanh(W_n x_t + U_n (f_t * h_{t-1}) + b_n)
        h_t = (1 - f_t) * h_{t-1} + f_t * n_t

    It resets before the product, as its paper does; implementations that reset after it
    are another cell.

    Use it for a GRU at two thirds of the cost.

    Reference:
        Zhou et al., "Minimal gated unit for recurrent neural networks",
        arXiv:1603.09420v1, equations 7 to 9.
    """

    gates = ("f", "n")
    weights = {"f": ("H", "H"), "n": ("H", "H")}
    memory_gates = {"f": -1}

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        (h,) = state
        f = sigmoid(x.f + h @ w.f)
        n = tanh(x.n + (f * h) @ w.n)
        return ((1 - f) * h + f * n,)
