"""The sizes that cells are compared at: equal budgets of weights, and equal hidden sizes.

At equal hidden size an lstm has four times the weights of an rnn_tanh, so that a comparison
there says as much of the size as of the cell. A budget gives each cell the hidden size that
comes nearest to the same number of weights. It is shared among layers where there are several:
a stack has no more weights than one layer. Reference networks are at one size: that which
multiplies with as many weights as the candidate with the most.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rnn_core.study import Size
from rnn_core.tasks.base.task import Task
from rnn_core.training.models import build_model, count_cost
from rnn_core.training.run_folder import Cost, candidate_name
from rnn_core.training.rung import Rung

BUDGET_CELL = "gru"
"""The cell whose weights, in one layer of `hidden_size` units, are the budget of size 1."""

LARGEST = 2**16
"""A hidden size that no budget reaches; a cell without recurrent weights grows slowest."""


def ladder(task: Task, cell: str, sizes: Sequence[Size], depths: Sequence[int]) -> list[Rung]:
    """The rungs of a cell: those with the fewest layers first, and of these the smallest.

    Weights are those of the recurrent layers that a step multiplies with, of the input and
    of the state: cells such as mingru have no others.

    Args:
        task: The task, whose model has the hidden size of size 1.
        cell: Name of the cell.
        sizes: As in params.yaml.
        depths: As in params.yaml.
    """
    return [rung for depth in sorted(depths) for rung in rungs_at(task, cell, sizes, depth)]


def rungs_at(task: Task, cell: str, sizes: Sequence[Size], num_layers: int) -> list[Rung]:
    """The rungs of a cell with a number of layers, from the smallest; see `ladder`."""
    base = task.model.hidden_size
    rungs: dict[int, Rung] = {}
    for size in sizes:
        units, deviations = base, dict[str, float]()
        if size != "equal":
            budget = size * weights(task, BUDGET_CELL, base)
            units = nearest(lambda units: weights(task, cell, units, num_layers), budget)
            deviations = {f"{size:g}": weights(task, cell, units, num_layers) / budget - 1}
        name = size if isinstance(size, str) else f"{size:g}"
        new = Rung(hidden_size=units, num_layers=num_layers, sizes=(), deviations={})
        there = rungs.get(units, new)
        rungs[units] = replace(
            there, sizes=(*there.sizes, name), deviations=there.deviations | deviations
        )
    return sorted(rungs.values(), key=lambda rung: rung.hidden_size)


def beside(
    task: Task, names: Sequence[str], rungs: Mapping[str, Sequence[Rung]]
) -> dict[str, Rung]:
    """The size of each reference network beside candidates.

    Args:
        task: The task.
        names: Of the networks.
        rungs: Those of each cell.

    Returns:
        By network, one that is named after the candidate whose multiply-accumulates it comes
        nearest to.
    """
    if not names:
        return {}
    counts = {
        candidate_name(cell, *size): weights(task, cell, *size)
        for cell, several in rungs.items()
        for size in ((rung.hidden_size, rung.num_layers) for rung in several)
    }
    largest = max(counts, key=lambda candidate: counts[candidate])
    return {name: at_budget(task, name, largest, counts[largest]) for name in names}


def at_budget(task: Task, name: str, candidate: str, budget: int) -> Rung:
    """The size of a reference network that comes nearest to the weights of a candidate."""
    hidden_size = nearest(lambda units: weights(task, name, units), budget)
    apart = weights(task, name, hidden_size) / budget - 1
    return Rung(hidden_size=hidden_size, sizes=(candidate,), deviations={candidate: apart})


def weights(task: Task, cell: str, hidden_size: int, num_layers: int = 1) -> int:
    """Weights that a step of the recurrent layers multiplies with."""
    return cost_at(task, cell, hidden_size, num_layers).multiply_accumulates


def cost_at(task: Task, cell: str, hidden_size: int, num_layers: int = 1) -> Cost:
    """Counted cost of a task's model around a cell of some size."""
    return count_cost(build_model(at_size(task, hidden_size, num_layers), cell))


def at_size(task: Task, hidden_size: int, num_layers: int = 1) -> Task:
    """The task with a model of another size."""
    model = replace(task.model, hidden_size=hidden_size, num_layers=num_layers)
    return type(task)(task.meta, model, task.seed)


def nearest(count: Callable[[int], int], budget: float) -> int:
    """The number of units whose weights come nearest to a budget; fewer of equals.

    Args:
        count: Weights of a number of units. They grow with it, but where there are as many units
            as inputs, so that some network needs no projection between them.
        budget: Weights to come near to.
    """
    low, high = 1, 1
    while count(high) < budget and high < LARGEST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < budget else (low, middle)
    around = range(max(low - 1, 1), high + 2)
    return min(around, key=lambda units: (abs(count(units) - budget), units))
