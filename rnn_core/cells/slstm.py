"""The sLSTM, an LSTM whose input gate has no upper bound."""

import math

from torch import Tensor, exp, maximum, sigmoid, tanh, where
from torch.nn.functional import logsigmoid

from rnn_core.cells.base import Cell, Fields


class SLSTM(Cell):
    """The LSTM with an exponential input gate, and what that needs: a normaliser, a stabiliser.

    Equations, with x_t of size I and all else of size H:
        a_t = W_i x_t + U_i h_{t-1} + b_i
        f_t = sigmoid(W_f x_t + U_f h_{t-1} + b_f)
        z_t = tanh(W_z x_t + U_z h_{t-1} + b_z)
        o_t = sigmoid(W_o x_t + U_o h_{t-1} + b_o)
        m_t = max(log(f_t) + m_{t-1}, a_t)
        c_t = exp(log(f_t) + m_{t-1} - m_t) * c_{t-1} + exp(a_t - m_t) * z_t
        n_t = exp(log(f_t) + m_{t-1} - m_t) * n_{t-1} + exp(a_t - m_t)
        h_t = o_t * c_t / n_t

    That is the cell state of an LSTM with the input gate exp(a_t), as a mean over what was
    read instead of a sum: c_t / n_t. m only keeps numbers from overflowing, and cancels out.
    Of the paper's two forget gates it is the sigmoid one. Where n is 0, as at the start,
    nothing was read yet, and m_t is a_t. The exact variant: one head, so that the recurrent
    matrices are full, and no normalisation of the output. b_f starts at 1.

    Use it where one input has to outweigh all that was read before, which a gate that ends at 1
    cannot express; it costs what `lstm` does, and four states instead of two.

    Reference:
        Beck et al., "xLSTM: extended long short-term memory", arXiv:2405.04517v2, section 2.2.
    """

    gates = ("i", "f", "z", "o")
    weights = {"i": ("H", "H"), "f": ("H", "H"), "z": ("H", "H"), "o": ("H", "H")}
    states = ("h", "c", "n", "m")
    memory_gates = {"f": 1}
    together = ("c", "n", "m")

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        h, c, n, m = state
        a = x.i + h @ w.i
        log_f = logsigmoid(x.f + h @ w.f)
        z = tanh(x.z + h @ w.z)
        o = sigmoid(x.o + h @ w.o)
        past = where(n > 0, log_f + m, -math.inf)
        m = maximum(past, a)
        kept, new = exp(past - m), exp(a - m)
        c, n = kept * c + new * z, kept * n + new
        return o * c / n, c, n, m
