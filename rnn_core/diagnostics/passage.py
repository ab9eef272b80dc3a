"""Recording of the values in the recurrent layers of a model while it reads a real batch.

It is looked at in evaluation mode, without dropout, and in the last layer's forward direction:
there, the way back from the loss leads through time alone.

Shapes: T time steps, B sequences, I input features, H hidden size, N steps of any sequences.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.cells.base import named
from rnn_core.layers.direction import RecurrentDirection
from rnn_core.layers.recurrent import Recurrent
from rnn_core.tasks.base.learns import Batch
from rnn_core.tasks.base.task import Task

MOST_STEPS = 256
"""Steps of a sequence that are looked at, counted back from its last one."""

States: TypeAlias = tuple[Tensor, ...]
"""The states of a cell, in the order of `cell.states`."""

Steps: TypeAlias = Callable[[Tensor, Tensor, States], States]
"""Takes steps (N,) of sequences (N,) from the states before them, (N, H) each."""


@dataclass(frozen=True)
class Call:
    """One call of a direction as a hook sees it; attributes as `RecurrentDirection.forward`."""

    direction: RecurrentDirection
    x: Tensor
    state: States | None
    present: Tensor | None
    every: States
    final: States


@dataclass(frozen=True)
class Passage:
    """Values and gradients of one direction of a layer during a batch.

    Attributes:
        direction: The direction, in evaluation mode.
        x: Its input, (T, B, I).
        before: The states before each step, (T, B, H) each.
        present: Where a sequence still goes on, bool (T, B).
        by_every: Gradient of the loss by the states that the model around saw of each
            step, (T, B, H) each: the output, or all of them.
        by_final: Gradient of the loss by the final states, (B, H) each.
    """

    direction: RecurrentDirection
    x: Tensor
    before: States
    present: Tensor
    by_every: States
    by_final: States

    def steps(self, dtype: torch.dtype) -> Steps:
        """The cell's equations, to take single steps again in a type of one's choice."""
        direction, cell = self.direction, self.direction.cell
        parameters = direction.input_weight, direction.bias(), *direction.recurrent_weights()
        weight, bias, *recurrent = (p.detach().to(dtype) for p in parameters)
        w = named(tuple(cell.weights))(*recurrent)
        fields = named((*cell.gates, *cell.given))
        given = direction.given(self.x)

        def take(at: Tensor, sequences: Tensor, states: States) -> States:
            x = self.x[at, sequences].detach().to(dtype)
            gates = functional.linear(x, weight, bias).chunk(len(cell.gates), dim=-1)
            extra = (part[at, sequences].to(dtype) for part in given)
            return cell.step(fields(*gates, *extra), states, w)

        return take


def layers(model: nn.Module) -> dict[str, Recurrent]:
    """The recurrent layers of a model, by their place in it."""
    return {name: part for name, part in model.named_modules() if isinstance(part, Recurrent)}


def topmost(layer: Recurrent) -> RecurrentDirection:
    """The forward direction of the last layer of a stack."""
    direction = layer.directions[-len(layer.reversals)]
    assert isinstance(direction, RecurrentDirection)
    return direction


def record(task: Task, model: nn.Module, batch: Batch) -> dict[str, Passage]:
    """Compute the loss of a batch, and see what passes through each recurrent layer.

    Nothing about the model changes: hooks look on, on whatever the layers run. Of a layer
    that is called more than once, the last call counts.

    Args:
        task: The task of the model.
        model: A model of it, in evaluation mode.
        batch: One of its batches, on the device of the model.

    Returns:
        The passage of `topmost` of each layer that was called, by the name of the layer.
    """
    calls: dict[str, Call] = {}
    with ExitStack() as hooks, torch.enable_grad():
        for name, layer in layers(model).items():
            handle = topmost(layer).register_forward_hook(partial(note_call, calls, name))
            hooks.callback(handle.remove)
        loss, _ = task.loss(model, batch, None)
        return {name: passage_of(call, loss) for name, call in calls.items()}


def note_call(
    calls: dict[str, Call], name: str, direction: nn.Module, arguments: Any, output: Any
) -> tuple[list[Tensor], States]:
    """Keep a call, and hand on what it returned.

    It is handed on as views, which are nodes of their own in the graph: a kernel may return
    as final state a part of its outputs, but the gradient by each is wanted apart.
    """
    assert isinstance(direction, RecurrentDirection)
    every, final = (tuple(part.view_as(part) for part in parts) for parts in output)
    x, state, present, *_ = arguments
    calls[name] = Call(direction, x, state, present, every, final)
    return list(every), final


def passage_of(call: Call, loss: Tensor) -> Passage:
    """Complete a call by the states in its course, and by the gradient of a loss."""
    direction, x = call.direction, call.x.detach()
    seen = (*call.every, *call.final)
    gradients = torch.autograd.grad(loss, seen, retain_graph=True, materialize_grads=True)
    with torch.no_grad():
        start = direction.first_state(x) if call.state is None else call.state
        every, _ = direction.forward(x, call.state, call.present, every_state=True)
        before = [torch.cat([s[None], e[:-1]]) for s, e in zip(start, every, strict=True)]
    everywhere = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
    return Passage(
        direction,
        x,
        tuple(part.detach() for part in before),
        everywhere if call.present is None else call.present.squeeze(-1),
        gradients[: len(call.every)],
        gradients[len(call.every) :],
    )
