"""The LSTM with layer normalisation."""

from torch import Tensor, sigmoid, tanh
from torch.nn.functional import layer_norm

from rnn_core.cells.base import Cell, Fields


class LSTMLayerNorm(Cell):
    """The LSTM that normalises each gate's recurrent term, and the cell state it shows.

    Equations, with x_t of size I and all else of size H; LN(a; s) = s * (a - mean(a)) /
    sqrt(var(a) + 1e-5) over the H hidden units, s a trained vector:
        i_t = sigmoid(W_i x_t + LN(U_i h_{t-1}; s_i) + b_i)
        f_t = sigmoid(W_f x_t + LN(U_f h_{t-1}; s_f) + b_f)
        g_t = tanh(W_g x_t + LN(U_g h_{t-1}; s_g) + b_g)
        o_t = sigmoid(W_o x_t + LN(U_o h_{t-1}; s_o) + b_o)
        c_t = f_t * c_{t-1} + i_t * g_t
        h_t = o_t * tanh(LN(c_t; s_c) + d_c)

    The exact variant: each gate is normalised by itself, not all four together, and the
    input's term is not normalised, since it is projected for all steps at once. That is
    equations 20 to 22 of the paper except for these two points. Public implementations differ
    from one another in the same places. Gains start at 1, b_f at 1, d_c at 0.

    Use it where training is unstable or the learning rate is hard to find; each step costs
    five normalisations over the hidden units more than `lstm`.

    Reference:
        Ba, Kiros and Hinton, "Layer normalization", arXiv:1607.06450v1, appendix.
    """

    gates = ("i", "f", "g", "o")
    weights = {
        "i": ("H", "H"),
        "f": ("H", "H"),
        "g": ("H", "H"),
        "o": ("H", "H"),
        "si": ("H",),
        "sf": ("H",),
        "sg": ("H",),
        "so": ("H",),
        "sc": ("H",),
        "dc": ("H",),
    }
    states = ("h", "c")
    memory_gates = {"f": 1}
    opposite_gates = {"i": "f"}
    weight_start = {"si": 1.0, "sf": 1.0, "sg": 1.0, "so": 1.0, "sc": 1.0}
    biases = ("dc",)

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        h, c = state
        size = w.sc.shape
        i = sigmoid(x.i + layer_norm(h @ w.i, size, w.si))
        f = sigmoid(x.f + layer_norm(h @ w.f, size, w.sf))
        g = tanh(x.g + layer_norm(h @ w.g, size, w.sg))
        o = sigmoid(x.o + layer_norm(h @ w.o, size, w.so))
        c = f * c + i * g
        return o * tanh(layer_norm(c, size, w.sc, w.dc)), c
