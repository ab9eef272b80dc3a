"""The minimal LSTM, whose gates do not look at the state."""

from torch import Tensor, log, relu, sigmoid, where
from torch.nn.functional import logsigmoid

from rnn_core.cells.base import Cell, Fields


class MinLSTM(Cell):
    """The minimal LSTM: no recurrent weights, so that it can be trained by a parallel scan.

    Equations, with x_t of size I and all else of size H:
        f_t = sigmoid(W_f x_t + b_f)
        i_t = sigmoid(W_i x_t + b_i)
        n_t = g(W_n x_t + b_n)
        h_t = (f_t * h_{t-1} + i_t * n_t) / (f_t + i_t)
        g(a) = a + 0.5 if a >= 0, else sigmoid(a)

    The two gates are normalised to a sum of 1. `step` does so by the logarithm of their ratio,
    f_t / (f_t + i_t) = sigmoid(log(f_t / i_t)), since both gates may be shut so far that they
    round to 0. b_f starts at 1: the paper finds that a larger forget bias trains faster. g as
    in `mingru`.

    Use it for long sequences, as `mingru`; it has half as many weights again, and the paper
    finds it slower to train.

    Reference:
        Feng et al., "Were RNNs all we needed?", arXiv:2410.01201v3, section 3.2 and
        appendix B.
    """

    gates = ("f", "i", "n")
    weights = {}
    memory_gates = {"f": 1}
    opposite_gates = {"i": "f"}

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        (h,) = state
        ratio = logsigmoid(x.f) - logsigmoid(x.i)  # the logarithm of f_t / i_t
        n = where(x.n >= 0, x.n + 0.5, sigmoid(x.n))
        return (sigmoid(ratio) * h + sigmoid(-ratio) * n,)

    def log_coefficients(self, x: Fields) -> tuple[Tensor, Tensor]:
        log_n = where(x.n >= 0, log(relu(x.n) + 0.5), logsigmoid(x.n))
        ratio = logsigmoid(x.f) - logsigmoid(x.i)
        return logsigmoid(ratio), logsigmoid(-ratio) + log_n
