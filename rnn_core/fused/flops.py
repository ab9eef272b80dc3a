"""How many floating-point operations a kernel's products take, for PyTorch's counter of them.

Counted is what the counter counts of `torch.nn`: products, two operations for each multiplication
that is added to a sum. Shapes: T steps, B sequences, I inputs, H hidden units, G gates.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch.utils.flop_counter import register_flop_formula

from rnn_core.fused import operators

assert operators.unroll is not None  # it makes the operators that the formulas are for


@register_flop_formula(torch.ops.gatewise.unroll)
def forward_flops(
    x: Sequence[int],
    input_weight: Sequence[int],
    input_bias: Sequence[int],
    first: Sequence[Sequence[int]],
    weights: Sequence[Sequence[int]],
    *others: Any,
    **options: Any,
) -> int:
    """Operations of `operators.run_forward`, whose arguments these are, tensors as shapes."""
    return 2 * prod(x[:2]) * (prod(input_weight) + recurrent(weights))


@register_flop_formula(torch.ops.gatewise.unroll_backward)
def backward_flops(
    seen: Sequence[Any],
    last: Sequence[Any],
    x: Sequence[int],
    input_weight: Sequence[int],
    first: Sequence[Sequence[int]],
    weights: Sequence[Sequence[int]],
    given: Sequence[Any],
    present: Any,
    every: Sequence[Any],
    saved: Any,
    reverse: bool,
    with_input: bool,
    *others: Any,
    **options: Any,
) -> int:
    """Operations of `operators.run_backward`: a product of each for weights and for inputs."""
    of_input = prod(input_weight) * (2 if with_input else 1)
    return 2 * prod(x[:2]) * (of_input + 2 * recurrent(weights))


def recurrent(weights: Sequence[Sequence[int]]) -> int:
    """Multiplications of a step of one sequence by the recurrent matrices, once each."""
    return sum(prod(shape) for shape in weights if len(shape) == 2)
