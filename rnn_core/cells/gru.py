"""The gated recurrent unit as its paper has it: reset before the product."""

from torch import Tensor, sigmoid, tanh

from rnn_core.cells.base import Cell, Fields


class GRU(Cell):
    """The GRU that resets h before the recurrent product.

    Equations, with x_t of size I and all else of size H:
        z_t = sigmoid(W_z x_t + U_z h_{t-1} + b_z)
        r_t = sigmoid(W_r x_t + U_r h_{t-1} + b_r)
        n_t = tanh(W_n x_t + U_n (r_t * h_{t-1}) + b_n)
        h_t = (1 - z_t) * h_{t-1} + z_t * n_t

    This is not `torch.nn.GRU`, which resets after the product and swaps the roles of z
    and 1 - z: see `gru_reset_after`. It is ONNX's GRU with `linear_before_reset=0` and
    Keras' with `reset_after=False`, both with z and 1 - z swapped.

    Use it first, at three quarters of the cost of `lstm`, to which it was found comparable
    (arXiv:1412.3555v1). Its two products a step wait for one another, unlike those of
    `gru_reset_after`.

    Reference:
        Cho et al., "Learning phrase representations using RNN encoder-decoder",
        arXiv:1406.1078v3 (v1 resets after); z as in Chung et al., arXiv:1412.3555v1.
    """

    gates = ("z", "r", "n")
    weights = {"z": ("H", "H"), "r": ("H", "H"), "n": ("H", "H")}
    memory_gates = {"z": -1}

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        (h,) = state
        z = sigmoid(x.z + h @ w.z)
        r = sigmoid(x.r + h @ w.r)
        n = tanh(x.n + (r * h) @ w.n)
        return ((1 - z) * h + z * n,)
