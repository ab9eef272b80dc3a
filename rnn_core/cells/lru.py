"""The linear recurrent unit, whose states turn and shrink in the complex plane."""

import math
from collections.abc import Mapping

import torch
from torch import Generator, Tensor, cos, exp, sin

from rnn_core.cells.base import Cell, Fields

INNER, OUTER = 0.0, 1.0
"""Radii of the ring that the eigenvalues are drawn from, r_min and r_max of the paper."""

LARGEST_ANGLE = 2 * math.pi
"""Up to which their angles are drawn."""


class LRU(Cell):
    """The linear recurrent unit: a diagonal linear recurrence of complex numbers.

    Equations, with x_t of size I and all else of size H; s_t, lambda, B and C are complex:
        lambda = exp(-exp(nu) + i exp(theta))
        s_t = lambda * s_{t-1} + exp(gamma) * (B x_t + b_B)
        h_t = Re(C s_t) + D x_t + b_D

    nu, theta and gamma are trained; whatever they are, lambda is less than 1 in size, so that
    the state cannot explode. lambda starts uniformly in the unit disk, and exp(gamma) at
    sqrt(1 - abs(lambda)^2), where a state that reads noise has the size of that noise. Real and
    imaginary parts are states of their own, re and im. B and C start as all matrices do, D is
    a full matrix, since I and H may differ, and the biases are ours. It is the paper's recurrent
    layer by itself, without the normalisation and the gated linear unit around it.

    Use it for long sequences where a sum over the past holds what matters, such as waves;
    nothing that it reads changes what it keeps, except through a layer below.

    Reference:
        Orvieto et al., "Resurrecting recurrent neural networks for long sequences",
        arXiv:2303.06349v1, section 3 and appendix A.
    """

    gates = ("re", "im", "d")
    weights = {
        "nu": ("H",),
        "theta": ("H",),
        "gamma": ("H",),
        "re": ("H", "H"),
        "im": ("H", "H"),
    }
    states = ("h", "re", "im")
    together = ("re", "im")

    def step(self, x: Fields, state: tuple[Tensor, ...], w: Fields) -> tuple[Tensor, ...]:
        _, re, im = state
        size, angle, gain = exp(-exp(w.nu)), exp(w.theta), exp(w.gamma)
        a, b = size * cos(angle), size * sin(angle)
        re, im = a * re - b * im + gain * x.re, a * im + b * re + gain * x.im
        return re @ w.re - im @ w.im + x.d, re, im

    def vector_start(self, hidden_size: int, generator: Generator | None) -> Mapping[str, Tensor]:
        device = None if generator is None else generator.device
        area, turn = torch.rand(
            2, hidden_size, generator=generator, device=device, dtype=torch.float64
        )
        log_square = torch.log(INNER**2 + area * (OUTER**2 - INNER**2))  # of |lambda|
        return {
            "nu": torch.log(-0.5 * log_square),
            "theta": torch.log(LARGEST_ANGLE * turn),
            "gamma": 0.5 * torch.log(-torch.expm1(log_square)),
        }
