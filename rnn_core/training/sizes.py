"""The sizes that cells are compared at: equal budgets of weights, and equal hidden sizes.

At equal hidden size an lstm has four times the weights of an rnn_tanh, so that a comparison
there says as much of the size as of the cell. A budget gives each cell the hidden size that
comes nearest to the same number of weights. Reference networks are at one size: that which
multiplies with as many weights as the candidate with the most.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rnn_core.study import Size
from rnn_core.tasks.base.task import Task
from rnn_core.training.models import build_model, count_cost
from rnn_core.training.run_folder import Cost
from rnn_core.training.rung import Rung

BUDGET_CELL = "gru"
"""The cell whose weights, with `hidden_size` units, are the budget of size 1."""

LARGEST = 2**16
"""A hidden size that no budget reaches; a cell without recurrent weights grows slowest."""


def ladder(task: Task, cell: str, sizes: Sequence[Size]) -> list[Rung]:
    """The rungs of a cell, from the smallest.

    Weights are those of the recurrent layers that a step multiplies with, of the input and
    of the state: cells such as mingru have no others.

    Args:
        task: The task, whose model has the hidden size of size 1.
        cell: Name of the cell.
        sizes: As in params.yaml.
    """
    base = task.model.hidden_size
    rungs: dict[int, Rung] = {}
    for size in sizes:
        hidden_size, deviations = base, dict[str, float]()
        if size != "equal":
            budget = size * weights(task, BUDGET_CELL, base)
            hidden_size = nearest(lambda units: weights(task, cell, units), budget)
            deviations = {f"{size:g}": weights(task, cell, hidden_size) / budget - 1}
        name = size if isinstance(size, str) else f"{size:g}"
        there = rungs.get(hidden_size, Rung(hidden_size=hidden_size, sizes=(), deviations={}))
        rungs[hidden_size] = replace(
            there, sizes=(*there.sizes, name), deviations=there.deviations | deviations
        )
    return sorted(rungs.values(), key=lambda rung: rung.hidden_size)


def beside(task: Task, name: str, rungs: Mapping[str, Sequence[Rung]]) -> Rung:
    """The size of a reference network beside candidates.

    Args:
        task: The task.
        name: Name of the network.
        rungs: Those of each cell.

    Returns:
        One that is named after the candidate whose multiply-accumulates it comes nearest to.
    """
    counts = {
        f"{cell}-{rung.hidden_size}": weights(task, cell, rung.hidden_size)
        for cell, several in rungs.items()
        for rung in several
    }
    largest = max(counts, key=lambda candidate: counts[candidate])
    budget = counts[largest]
    hidden_size = nearest(lambda units: weights(task, name, units), budget)
    apart = weights(task, name, hidden_size) / budget - 1
    return Rung(hidden_size=hidden_size, sizes=(largest,), deviations={largest: apart})


def weights(task: Task, cell: str, hidden_size: int) -> int:
    """Weights that a step of the recurrent layers multiplies with."""
    return cost_at(task, cell, hidden_size).multiply_accumulates


def cost_at(task: Task, cell: str, hidden_size: int) -> Cost:
    """Counted cost of a task's model around a cell of some hidden size."""
    return count_cost(build_model(at_size(task, hidden_size), cell))


def at_size(task: Task, hidden_size: int) -> Task:
    """The task with a model of another hidden size."""
    return type(task)(task.meta, replace(task.model, hidden_size=hidden_size), task.seed)


def nearest(count: Callable[[int], int], budget: float) -> int:
    """The number of units whose weights come nearest to a budget; fewer of equals.

    Args:
        count: Weights of a number of units; grows with it.
        budget: Weights to come near to.
    """
    low, high = 1, 1
    while count(high) < budget and high < LARGEST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < budget else (low, middle)
    return min(low, high, key=lambda units: (abs(count(units) - budget), units))
