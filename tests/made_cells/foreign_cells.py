"""Cells that nobody foresaw: what no shipped cell computes."""

import torch
from torch import sigmoid, tanh
from torch.nn import functional

from rnn_core.cells.base import Cell

MATRIX, VECTOR = ("H", "H"), ("H",)


class TwoStates(Cell):
    """Two states, the smaller of them the output, a vector weight, a constant."""

    gates = ("a", "b")
    weights = {"a": MATRIX, "b": MATRIX, "scale": VECTOR}
    states = ("h", "slow")

    def step(self, x, state, w):
        h, slow = state
        a = sigmoid(x.a + h @ w.a)
        b = tanh(x.b + (a * slow) @ w.b)
        slow = 0.9 * slow + 0.1 * b
        return torch.maximum(b, w.scale * slow), slow


class Softplus(Cell):
    """Softplus, absolute values and a bound on both sides."""

    gates = ("a",)
    weights = {"a": MATRIX}

    def step(self, x, state, w):
        (h,) = state
        a = functional.softplus(x.a + h @ w.a)
        return (torch.clamp(0.5 * a - h.abs(), -0.7, 0.8),)


class Extremes(Cell):
    """Minimum and maximum of two products, and one bound each."""

    gates = ("a", "b")
    weights = {"a": MATRIX, "b": MATRIX}

    def step(self, x, state, w):
        (h,) = state
        a, b = x.a + h @ w.a, x.b + h @ w.b
        return (tanh(torch.minimum(a, b).clamp(min=-0.4) - torch.maximum(a, b).clamp(max=0.6)),)


class Chain(Cell):
    """Three products, each of what the one before yields."""

    gates = ("a",)
    weights = {"a": MATRIX, "b": MATRIX, "c": MATRIX}

    def step(self, x, state, w):
        (h,) = state
        first = tanh(x.a + h @ w.a)
        second = sigmoid(first @ w.b + h)
        return (tanh(second @ w.c - first),)


class Twice(Cell):
    """One matrix in two products, one of them by its transpose."""

    gates = ("a",)
    weights = {"a": MATRIX}

    def step(self, x, state, w):
        (h,) = state
        first = tanh(x.a + h @ w.a)
        return (tanh(first @ w.a.T + 0.5 * h),)


class Attention(Cell):
    """A softmax over hidden units, and a gate that every unit of a sequence shares."""

    gates = ("a", "b")
    weights = {"a": MATRIX, "v": VECTOR}

    def step(self, x, state, w):
        (h,) = state
        share = torch.softmax(x.a + h @ w.a, dim=-1)
        common = sigmoid((h * w.v).mean(-1, keepdim=True))
        return (common * h + (1 - common) * share * tanh(x.b),)


class Spread(Cell):
    """The largest and smallest hidden unit, and the sum of all."""

    gates = ("a",)
    weights = {"a": MATRIX}

    def step(self, x, state, w):
        (h,) = state
        a = tanh(x.a + h @ w.a)
        width = a.amax(-1, keepdim=True) - a.amin(-1, keepdim=True)
        return (a / (1 + width) + 0.1 * sigmoid(a.sum(-1, keepdim=True)),)


class Unread(Cell):
    """A state that no output reads, a constant one, and weights of both kinds without use."""

    gates = ("a", "unused")
    weights = {"a": MATRIX, "never": MATRIX, "idle": VECTOR}
    states = ("h", "count", "fixed")

    def step(self, x, state, w):
        h, count, _ = state
        return tanh(x.a + h @ w.a), count + h * h, torch.full_like(h, 0.25)


class Elementary(Cell):
    """Functions that no shipped cell uses."""

    gates = ("a", "b")
    weights = {"v": VECTOR}

    def step(self, x, state, w):
        (h,) = state
        a = torch.log1p(x.a * x.a) + torch.sqrt(1 + h * h) + torch.exp(-x.b.abs())
        b = torch.sin(x.b) * torch.cos(h) + torch.erf(w.v * x.a) + torch.expm1(-h * h)
        return (0.3 * a * b / (1 + a.square()) + torch.rsqrt(2 + h * h) - 0.5,)


class Choice(Cell):
    """A cell with conditions on the state, and powers."""

    gates = ("a", "b")
    weights = {"a": MATRIX}

    def step(self, x, state, w):
        (h,) = state
        a = x.a + h @ w.a
        large = (a > 0.1) & (h <= 0.2) | (x.b > 1)
        return (torch.where(large, functional.leaky_relu(x.b, 0.1), tanh(a) ** 3),)


class Given(Cell):
    """A cell that reads more than its gates."""

    gates = ("a",)
    given = ("mask", "shift")
    weights = {"a": MATRIX}

    def step(self, x, state, w):
        (h,) = state
        return (torch.where(x.mask > 0, tanh(x.a + (x.shift * h) @ w.a), h),)


class Ratio(Cell):
    """ReLU, GELU and SiLU, normalised by their own length."""

    gates = ("a",)
    weights = {"a": MATRIX}

    def step(self, x, state, w):
        (h,) = state
        a = functional.gelu(x.a + h @ w.a) + torch.relu(x.a) - functional.silu(h)
        return (a / (0.5 + (a * a).sum(-1, keepdim=True)).sqrt(),)


FOREIGN = (
    TwoStates,
    Softplus,
    Extremes,
    Chain,
    Twice,
    Attention,
    Spread,
    Unread,
    Elementary,
    Choice,
    Given,
    Ratio,
)
