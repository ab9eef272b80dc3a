"""Gradients that vanish or explode with the distance from the loss, and what makes them do so."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from rnn_core.diagnostics.passage import MOST_STEPS, Passage, States
from rnn_core.layers.direction import RecurrentDirection


def gradient_by_lag(passage: Passage, most_steps: int = MOST_STEPS) -> Tensor:
    """Norm of the gradient of the loss by the state, by number of steps before the loss.

    Of the loss's gradient only what enters at the last step of a sequence, by its output and
    by its final state, is followed back: with all of it, what entered a moment ago would hide
    what came a long way. A step back multiplies the gradient by the transposed Jacobian of
    the cell's step at the states that the layer went through. That is done in float64, as
    float32 ends at 1e-45.

    A sequence's last step is the last one where the loss looks at the layer. So it is with
    sequences of different lengths too, whether the model tells the layer of lengths or leaves
    what lies beyond out of its loss. Sequences that the loss does not look at are left out.

    Args:
        passage: A batch that passed through a layer.
        most_steps: Longest list that is wanted.

    Returns:
        float64 (lags,), for 0, 1, ... steps before the last one: the norm over the features
        of all states of the cell, root mean square over the sequences that are as long. The
        unit is that of the loss by that of the state. Empty if the loss looks nowhere.

    Reference:
        Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
        networks", arXiv:1211.5063v2, section 2: d E_t / d x_k, of one t.
    """
    last, gradient = entry(passage)
    sequences = (last >= 0).nonzero().squeeze(-1)
    gradient = tuple(part[sequences].double() for part in gradient)
    take, norms = passage.steps(torch.float64), []
    for lag in range(min(int(last.max()) + 1, most_steps)):
        if lag > 0:
            at = last[sequences] - lag + 1
            gradient = tuple(part[at > 0] for part in gradient)
            sequences, at = sequences[at > 0], at[at > 0]
            before = tuple(part[at, sequences].double() for part in passage.before)
            gradient = pulled_back(partial(take, at, sequences), before, gradient)
        norms.append(torch.stack([part.square().sum(-1) for part in gradient]).sum(0).mean().sqrt())
    return torch.stack(norms) if norms else torch.empty(0, dtype=torch.float64)


def pulled_back(step: Callable[[States], States], before: States, gradient: States) -> States:
    """Gradient by the states before a step, from that by the states after it, (N, H) each."""
    with torch.enable_grad():
        inputs = tuple(part.detach().requires_grad_() for part in before)
        after = step(inputs)
    given = [(part, by) for part, by in zip(after, gradient, strict=True) if part.requires_grad]
    if not given:  # a cell without memory
        return tuple(torch.zeros_like(part) for part in before)
    outputs, by_outputs = zip(*given, strict=True)
    return torch.autograd.grad(outputs, inputs, by_outputs, materialize_grads=True)


def entry(passage: Passage) -> tuple[Tensor, States]:
    """Where the gradient of the loss last enters each sequence, and what enters there.

    Returns:
        The step, int (B,), or -1 where the loss does not look at a sequence; and the gradient
        by the states after that step, (B, H) each.
    """
    steps = torch.arange(len(passage.x), device=passage.x.device)
    sequences = torch.arange(passage.x.shape[1], device=passage.x.device)
    looked_at = torch.stack([part.ne(0).any(-1) for part in passage.by_every]).any(0)
    looked_at &= passage.present  # what a layer puts out beyond a sequence is no state of it
    at_end = torch.stack([part.ne(0).any(-1) for part in passage.by_final]).any(0)
    last = torch.where(looked_at, steps[:, None], -1).amax(0)
    last = torch.where(at_end, passage.present.sum(0) - 1, last)
    gradient = list(passage.by_final)
    for i, part in enumerate(passage.by_every):
        gradient[i] = gradient[i] + part[last.clamp(min=0), sequences]
    return last, tuple(gradient)


def spectral_radius(direction: RecurrentDirection) -> dict[str, float]:
    """Largest absolute eigenvalue of each recurrent matrix (H, H), by its name in the cell.

    Of the linear h_t = W h_{t-1}, gradients vanish below 1 and explode above; a tanh around it
    only shrinks them, so that above 1 they can explode and need not (Pascanu et al.,
    arXiv:1211.5063v2, section 2.1). For gated cells there is no such rule. Empty for a cell
    without recurrent matrices.
    """
    matrices = {name: w for name, w in direction.weights.items() if w.ndim == 2}
    return {
        name: float(torch.linalg.eigvals(w.detach().double().cpu()).abs().max())
        for name, w in matrices.items()
    }
