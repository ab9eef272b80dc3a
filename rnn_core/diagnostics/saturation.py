"""Gates that are stuck open or shut, and states that are stuck at their bounds."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from rnn_core.diagnostics.findings import SaturatedShare
from rnn_core.diagnostics.passage import MOST_STEPS, Passage

SHUT, OPEN, FLAT = 0.1, 0.9, 0.9
"""A sigmoid below the first or above the second is saturated, a tanh beyond +- the third."""

ACTIVATIONS = {
    "sigmoid": "sigmoid",
    "sigmoid_": "sigmoid",
    "special_expit": "sigmoid",
    "tanh": "tanh",
    "tanh_": "tanh",
}
"""PyTorch's names of the functions whose results are counted."""


class Activations(TorchFunctionMode):
    """Collects the results of sigmoid and tanh that are computed in its context."""

    def __init__(self) -> None:
        super().__init__()
        self.results: defaultdict[str, list[Tensor]] = defaultdict(list)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in ACTIVATIONS:
            self.results[ACTIVATIONS[name]].append(result)
        return result


def saturated_share(passage: Passage, most_steps: int = MOST_STEPS) -> SaturatedShare:
    """Share of saturated activations of a cell, over all units and real steps of a batch.

    Every sigmoid of the cell's step counts, of `rnn_sigmoid` and of the candidates of
    `mingru` and `minlstm` too.

    Args:
        passage: A batch that passed through a layer.
        most_steps: Steps of each sequence that count, its last ones.

    Reference:
        Karpathy, Johnson and Fei-Fei, "Visualizing and understanding recurrent networks",
        arXiv:1506.02078v2, section 4.2: a gate is left or right saturated if its activation
        is below 0.1 or above 0.9. The bound for tanh is ours.
    """
    steps = torch.arange(len(passage.x), device=passage.x.device)[:, None]
    counts = passage.present & (steps >= passage.present.sum(0) - most_steps)
    at, sequences = counts.nonzero(as_tuple=True)
    states = tuple(part[at, sequences] for part in passage.before)
    with torch.no_grad(), Activations() as seen:
        passage.steps(states[0].dtype)(at, sequences, states)
    return SaturatedShare(
        left=share(result < SHUT for result in seen.results["sigmoid"]),
        right=share(result > OPEN for result in seen.results["sigmoid"]),
        tanh=share(result.abs() > FLAT for result in seen.results["tanh"]),
    )


def share(hits: Iterable[Tensor]) -> float | None:
    """Mean of bool tensors, every entry counting alike; None without entries."""
    parts = [hit.flatten() for hit in hits]
    return float(torch.cat(parts).double().mean()) if parts else None
