"""The minimal GRU, whose gates do not look at the state."""

from torch import Tensor, log, relu, sigmoid, where
from torch.nn.functional import logsigmoid

from rnn_core.cells.base import Cell, Fields


class MinGRU(Cell):
    """The minimal GRU: no recurrent weights, so that it can be trained by a parallel scan.

    Equations, with x_t of size I and all else of size H:
        z_t = sigmoid(W_z x_t + b_z)
        n_t = g(W_n x_t + b_n)
        h_t = (1 - z_t) * h_{t-1} + z_t * n_t
        g(a) = a + 0.5 if a >= 0, else sigmoid(a)

    g keeps the state positive, which the paper's log-space scan needs; this is the cell of
    its appendix B, by itself, without the convolution and MLP that its blocks put around it.

    Use it for long sequences: a step costs no matrix product beyond the input's. What a gate
    does cannot depend on what was read before, except through a layer below.

    Reference:
        Feng et al., "Were RNNs all we needed?", arXiv:2410.01201v3, section 3.1 and
        appendix B.
    """

    gates = ("z", "n")
    weights = {}
    memory_gates = {"z": -1}

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        (h,) = state
        z = sigmoid(x.z)
        n = where(x.n >= 0, x.n + 0.5, sigmoid(x.n))
        return ((1 - z) * h + z * n,)

    def log_coefficients(self, x: Fields) -> tuple[Tensor, Tensor]:
        log_n = where(x.n >= 0, log(relu(x.n) + 0.5), logsigmoid(x.n))
        return logsigmoid(-x.z), logsigmoid(x.z) + log_n
