"""A cell of your own: write one step, and get a layer with compiled code and gradients."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from rnn_core import Cell, Recurrent


class LeakyCell(Cell):
    """Each unit forgets at a rate of its own, which is learned.

    Equations, with x_t of size I and all else of size H:
        n_t = tanh(W x_t + U h_{t-1} + b)
        h_t = h_{t-1} + sigmoid(rate) * (n_t - h_{t-1})
    """

    gates = ("n",)
    weights = {"n": ("H", "H"), "rate": ("H",)}

    def step(self, x: Any, state: tuple[Tensor, ...], w: Any) -> tuple[Tensor, ...]:
        """Advance by one time step; every tensor is (B, H)."""
        (h,) = state
        n = torch.tanh(x.n + h @ w.n)
        return (h + torch.sigmoid(w.rate) * (n - h),)


def by_hand(layer: Recurrent, x: Tensor) -> Tensor:
    """The outputs for an input (T, B, I), from the equations alone."""
    (direction,) = layer.directions
    weight = dict(direction.named_parameters())
    inputs = x @ weight["input_weight"].T + weight["input_bias"]
    h = torch.zeros(x.shape[1], layer.hidden_size, dtype=x.dtype)
    outputs: list[Tensor] = []
    for row in inputs:
        n = torch.tanh(row + h @ weight["weights.n"])
        h = h + torch.sigmoid(weight["weights.rate"]) * (n - h)
        outputs.append(h)
    return torch.stack(outputs)


def gradients(outputs: Tensor, layer: Recurrent) -> Sequence[Tensor]:
    """Of the sum of squares, for every weight."""
    return torch.autograd.grad(outputs.square().sum(), list(layer.parameters()))


def main() -> None:
    """Compare outputs and gradients of the layer with those of a loop written by hand."""
    torch.manual_seed(0)
    layer = Recurrent(LeakyCell(), input_size=4, hidden_size=16, dtype=torch.float64)
    x = torch.randn(30, 8, 4, dtype=torch.float64)
    outputs, expected = layer(x)[0], by_hand(layer, x)
    pairs = zip(gradients(outputs, layer), gradients(expected, layer), strict=True)
    print("outputs agree:", torch.allclose(outputs, expected))
    print("gradients agree:", all(torch.allclose(ours, theirs) for ours, theirs in pairs))


if __name__ == "__main__":
    main()
