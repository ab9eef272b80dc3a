"""The LSTM that forgets as much as it takes in."""

from torch import Tensor, sigmoid, tanh

from rnn_core.cells.base import Cell, Fields


class LSTMCoupled(Cell):
    """The LSTM with coupled input and forget gate (CIFG).

    Equations, with x_t of size I and all else of size H:
        f_t = sigmoid(W_f x_t + U_f h_{t-1} + b_f)
        o_t = sigmoid(W_o x_t + U_o h_{t-1} + b_o)
        g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)
        c_t = f_t * c_{t-1} + (1 - f_t) * g_t
        h_t = o_t * tanh(c_t)

    The input gate is 1 - f_t; no peepholes. b_f starts at 1.

    Use it for an LSTM at three quarters of the cost; it does as well on most tasks
    (arXiv:1503.04069v2, section V).

    Reference:
        The variant CIFG of Greff et al., "LSTM: a search space odyssey",
        arXiv:1503.04069v2, here without peepholes.
    """

    gates = ("f", "g", "o")
    weights = {"f": ("H", "H"), "g": ("H", "H"), "o": ("H", "H")}
    states = ("h", "c")
    memory_gates = {"f": 1}
    projectable = True

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        h, c = state
        f = sigmoid(x.f + h @ w.f)
        g = tanh(x.g + h @ w.g)
        o = sigmoid(x.o + h @ w.o)
        c = f * c + (1 - f) * g
        return o * tanh(c), c
