"""The gated recurrent unit of cuDNN and PyTorch: reset after the product."""

from torch import Tensor, sigmoid, tanh

from rnn_core.cells.base import Cell, Fields


class GRUResetAfter(Cell):
    """The GRU that resets the result of the recurrent product.

    Equations, with x_t of size I and all else of size H:
        r_t = sigmoid(W_r x_t + U_r h_{t-1} + b_r)
        z_t = sigmoid(W_z x_t + U_z h_{t-1} + b_z)
        n_t = tanh(W_n x_t + b_n + r_t * (U_n h_{t-1} + c_n))
        h_t = (1 - z_t) * n_t + z_t * h_{t-1}

    This is `torch.nn.GRU` (its two biases of r and of z summed) and Keras' default; it
    is not the cell of arXiv:1406.1078v3, which is `gru`. Note that z keeps the old
    state here and the new one there. c_n is a recurrent bias: r multiplies it.

    Use it for a GRU whose recurrent products do not wait for one another, or to exchange
    weights with PyTorch and Keras.

    Reference:
        Cho et al., arXiv:1406.1078v1; cuDNN's form, as documented for `torch.nn.GRU`.
    """

    gates = ("r", "z", "n")
    weights = {"r": ("H", "H"), "z": ("H", "H"), "n": ("H", "H"), "c": ("H",)}
    memory_gates = {"z": 1}
    biases = ("c",)

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        (h,) = state
        r = sigmoid(x.r + h @ w.r)
        z = sigmoid(x.z + h @ w.z)
        n = tanh(x.n + r * (h @ w.n + w.c))
        return ((1 - z) * n + z * h,)
