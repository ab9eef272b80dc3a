"""The minimal LSTM, whose gates do not look at the state."""

from torch import Tensor, sigmoid, where

from rnn_core.cells.base import Cell, Fields


class MinLSTM(Cell):
    """The minimal LSTM: no recurrent weights, so that it can be trained by a parallel scan.

    Equations, with x_t of size I and all else of size H:
        f_t = sigmoid(W_f x_t + b_f)
        i_t = sigmoid(W_i x_t + b_i)
        n_t = g(W_n x_t + b_n)
        h_t = (f_t * h_{t-1} + i_t * n_t) / (f_t + i_t)
        g(a) = a + 0.5 if a >= 0, else sigmoid(a)

    The two gates are normalised to a sum of 1. b_f starts at 1: the paper finds that a
    larger forget bias trains faster. g as in `mingru`.

    Use it as `mingru`; it has half as many weights again, and the paper finds it slower to
    train.

    Reference:
        Feng et al., "Were RNNs all we needed?", arXiv:2410.01201v3, section 3.2 and
        appendix B.
    """

    gates = ("f", "i", "n")
    weights = {}
    bias_start = {"f": 1.0}

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        (h,) = state
        f, i = sigmoid(x.f), sigmoid(x.i)
        n = where(x.n >= 0, x.n + 0.5, sigmoid(x.n))
        return ((f * h + i * n) / (f + i),)
