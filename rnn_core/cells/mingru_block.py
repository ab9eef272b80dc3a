"""The residual block that the minimal GRU's paper puts around it, as one cell."""

from collections.abc import Mapping

import torch
from torch import Generator, Tensor, sigmoid, where
from torch.nn.functional import gelu, layer_norm

from rnn_core.cells.base import Cell, Fields


class MinGRUBlock(Cell):
    """A residual block: a causal convolution, the minimal GRU, and a network of two layers.

    Equations, with x_t of size I and all else of size H; LN(a; s) = s * (a - mean(a)) /
    sqrt(var(a) + 1e-5) over the H units, s and the k trained vectors, g that of `mingru`:
        p_t = W x_t + b
        a_t = LN(p_t; s_a)
        u_t = k_0 * a_t + k_1 * a_{t-1} + k_2 * a_{t-2} + k_3 * a_{t-3}
        z_t = sigmoid(U_z u_t + b_z)
        n_t = g(U_n u_t + b_n)
        r_t = (1 - z_t) * r_{t-1} + z_t * n_t
        q_t = p_t + U_o r_t
        h_t = q_t + U_2 gelu(U_1 LN(q_t; s_q) + b_1) + b_2

    The matrices U are applied to what was made in the same step, never to an earlier state:
    the only recurrence is that of r. `num_layers` of these blocks are the paper's language
    model without its embedding, which W stands for, and its last layer. The exact variant:
    states of the width of the block, where the paper has wider ones, two layers of the same
    width, and a W in every block. b_z starts at -1, the side of keeping.

    Use it for text, where the paper's results are those of this block and not of `mingru` by
    itself; a step has a chain of four products.

    Reference:
        Feng et al., "Were RNNs all we needed?", arXiv:2410.01201v3, section 4 and appendix;
        the order, norm, convolution, minimal GRU and network, as its first author gives it in
        https://github.com/lucidrains/minGRU-pytorch/issues/1.
    """

    gates = ("p",)
    weights = {
        "sa": ("H",),
        "k0": ("H",),
        "k1": ("H",),
        "k2": ("H",),
        "k3": ("H",),
        "z": ("H", "H"),
        "bz": ("H",),
        "n": ("H", "H"),
        "bn": ("H",),
        "o": ("H", "H"),
        "sq": ("H",),
        "m1": ("H", "H"),
        "b1": ("H",),
        "m2": ("H", "H"),
        "b2": ("H",),
    }
    states = ("h", "r", "a1", "a2", "a3")
    weight_start = {"sa": 1.0, "sq": 1.0, "bz": -1.0}
    biases = ("bz", "bn", "b1", "b2")

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        _, r, a1, a2, a3 = state
        size = w.sa.shape
        a = layer_norm(x.p, size, w.sa)
        u = w.k0 * a + w.k1 * a1 + w.k2 * a2 + w.k3 * a3
        z = sigmoid(u @ w.z + w.bz)
        n = u @ w.n + w.bn
        r = (1 - z) * r + z * where(n >= 0, n + 0.5, sigmoid(n))
        q = x.p + r @ w.o
        inner = gelu(layer_norm(q, size, w.sq) @ w.m1 + w.b1)
        return q + inner @ w.m2 + w.b2, r, a, a1, a2

    def vector_start(self, hidden_size: int, generator: Generator | None) -> Mapping[str, Tensor]:
        """A kernel as `torch.nn.Conv1d` draws one of width 4 for each channel."""
        device = None if generator is None else generator.device
        kernel = torch.rand(4, hidden_size, generator=generator, device=device, dtype=torch.float64)
        return dict(zip(("k0", "k1", "k2", "k3"), kernel - 0.5, strict=True))
