"""The LSTM whose gates look at the cell state."""

from torch import Tensor, sigmoid, tanh

from rnn_core.cells.base import Cell, Fields


class LSTMPeephole(Cell):
    """The LSTM with peephole connections.

    Equations, with x_t of size I and all else of size H; p_i, p_f and p_o are vectors:
        i_t = sigmoid(W_i x_t + U_i h_{t-1} + p_i * c_{t-1} + b_i)
        f_t = sigmoid(W_f x_t + U_f h_{t-1} + p_f * c_{t-1} + b_f)
        g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)
        c_t = f_t * c_{t-1} + i_t * g_t
        o_t = sigmoid(W_o x_t + U_o h_{t-1} + p_o * c_t + b_o)
        h_t = o_t * tanh(c_t)

    The output gate looks at the new cell state, the others at the old one, as in ONNX's
    LSTM with its input P. The peepholes start at 0, b_f at 1.

    Use it where the exact distance between events matters; on most tasks it does not differ
    from `lstm` (arXiv:1503.04069v2, section V).

    Reference:
        Gers, Schraudolph and Schmidhuber, "Learning precise timing with LSTM recurrent
        networks", JMLR 3 (2002); the "vanilla LSTM" of arXiv:1503.04069v2.
    """

    gates = ("i", "f", "g", "o")
    weights = {
        "i": ("H", "H"),
        "f": ("H", "H"),
        "g": ("H", "H"),
        "o": ("H", "H"),
        "pi": ("H",),
        "pf": ("H",),
        "po": ("H",),
    }
    states = ("h", "c")
    memory_gates = {"f": 1}
    opposite_gates = {"i": "f"}
    projectable = True

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        h, c = state
        i = sigmoid(x.i + h @ w.i + w.pi * c)
        f = sigmoid(x.f + h @ w.f + w.pf * c)
        g = tanh(x.g + h @ w.g)
        c = f * c + i * g
        o = sigmoid(x.o + h @ w.o + w.po * c)
        return o * tanh(c), c
