"""A Scan of ONNX around the step of a cell, which runs any step over any number of time steps.

Shapes: T steps, B sequences, I inputs, H hidden units, G gates.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from rnn_core.cells.base import Cell, named
from rnn_core.compiler.running.unrolling import unroll
from rnn_core.compiler.torch_internals import pytree, scan_operator


def run_scan(
    cell: Cell,
    x: Tensor,
    input_weight: Tensor,
    input_bias: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
) -> tuple[list[Tensor], list[Tensor]]:
    """Put a Scan around the cell's step into the graph.

    Args:
        cell: The cell.
        x: Input, (T, B, I).
        input_weight: (G * H, I).
        input_bias: (G * H,).
        first: Initial states, each (B, H).
        weights: Recurrent weights in the order of the cell.
        given: What the cell reads besides gates, each (T, B, H), in its order.
        present: Where sequences still go on, bool (T, B); None: everywhere.
        reverse: Run from the last step to the first.

    Returns:
        All states at all steps, (T, B, H) each, and the final ones, (B, H) each.
    """
    # Without gradients, which ONNX has none of.
    gates = functional.linear(x, input_weight, input_bias).detach().chunk(len(cell.gates), dim=-1)
    read = [*gates, *given] if present is None else [*gates, *given, present.unsqueeze(-1)]
    read = [tensor.flip(0) for tensor in read] if reverse else read
    starts, fixed = apart([s.detach() for s in first]), [w.detach() for w in weights]
    step = partial(scan_step, cell, present is not None)
    held = held_tensors(step, [*starts, *(tensor[0] for tensor in read), *fixed])
    results = scan_operator()(
        partial(run_with, step, held), starts, read, (*fixed, *(t.detach() for t in held))
    )
    final, every = results[: len(first)], results[len(first) :]
    return [states.flip(0) for states in every] if reverse else list(every), list(final)


def run_unrolled(
    cell: Cell,
    x: Tensor,
    input_weight: Tensor,
    input_bias: Tensor,
    first: Sequence[Tensor],
    weights: Sequence[Tensor],
    given: Sequence[Tensor],
    present: Tensor | None,
    reverse: bool,
) -> tuple[list[Tensor], list[Tensor]]:
    """Put the cell's step into the graph once for each time step; all is as for `run_scan`."""
    projected = functional.linear(x, input_weight, input_bias)
    mask = None if present is None else present.unsqueeze(-1)
    with Translatable({}):
        every, final = unroll(
            cell, projected, tuple(first), weights, given, mask, reverse, every_state=True
        )
    return every, list(final)


def scan_step(cell: Cell, masked: bool, *tensors: Tensor) -> list[Tensor]:
    """A cell's step as a scan takes it.

    Args:
        cell: The cell.
        masked: Whether it is also read where a sequence still goes on, bool (B, 1).
        tensors: States, gates, what is given, the mask if there is one, recurrent weights.

    Returns:
        The new states, and again for the scan to collect.
    """
    fields = (*cell.gates, *cell.given)
    remaining = iter(tensors)
    states = tuple(islice(remaining, len(cell.states)))
    x = named(fields)(*islice(remaining, len(fields)))
    present = next(remaining) if masked else None
    new = cell.step(x, states, named(tuple(cell.weights))(*remaining))
    if present is not None:
        pairs = zip(new, states, strict=True)
        new = tuple(torch.where(present, after, before) for after, before in pairs)
    return [*apart(new), *apart(new)]


def apart(states: Sequence[Tensor]) -> list[Tensor]:
    """Copies, as what goes into and out of a scan's step must not share memory."""
    return [state.clone(memory_format=torch.contiguous_format) for state in states]


class Held(TorchFunctionMode):
    """Notes the tensors that a function reads and neither was given nor made.

    Args:
        given: What it was given.
    """

    def __init__(self, given: Sequence[Tensor]) -> None:
        super().__init__()
        self.known = {id(tensor): tensor for tensor in given}
        self.held: dict[int, Tensor] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run an operation, and look at what it reads and makes."""
        for leaf in pytree.tree_leaves((args, kwargs)):
            if isinstance(leaf, Tensor) and id(leaf) not in self.known:
                self.held[id(leaf)] = leaf
        result = func(*args, **(kwargs or {}))
        made = [leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, Tensor)]
        self.known |= {id(leaf): leaf for leaf in made}
        return result


class Translatable(TorchFunctionMode):
    """Runs operations so that what the exporter makes of them is right.

    Args:
        instead: By identity, what stands for a tensor, which the body of a scan cannot hold.
    """

    def __init__(self, instead: dict[int, Tensor]) -> None:
        super().__init__()
        self.instead = instead

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run an operation, or one that equals it."""
        args, kwargs = pytree.tree_map_only(
            Tensor, lambda t: self.instead.get(id(t), t), (args, kwargs or {})
        )
        if func is functional.logsigmoid:
            # It is exported as log(sigmoid(x)), which is -inf where x is below -88.
            return -functional.softplus(-args[0])
        return func(*args, **kwargs)


def held_tensors(step: Callable[..., Any], given: Sequence[Tensor]) -> list[Tensor]:
    """Tensors that a step reads besides its arguments, such as a mask in a cell's attribute."""
    with Held(given) as mode:
        step(*given)
    return list(mode.held.values())


def run_with(
    step: Callable[..., list[Tensor]], held: Sequence[Tensor], *tensors: Tensor
) -> list[Tensor]:
    """Run a step whose last arguments stand for what it holds."""
    given = tensors[: len(tensors) - len(held)]
    instead = {id(t): new for t, new in zip(held, tensors[len(given) :], strict=True)}
    with Translatable(instead):
        return step(*given)
