"""The hidden sizes of the ladder, against weights counted by hand."""

import pytest

from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.copy_memory import CopyData, CopyMemory, CopyMeta
from rnn_core.training.sizes import BUDGET_CELL, ladder, nearest

SYMBOLS = 10
UNITS = 16
BLOCKS = {
    "rnn_tanh": (1, 1),
    "mgu": (2, 2),
    "gru": (3, 3),
    "lstm": (4, 4),
    "slstm": (4, 4),
    "lru": (3, 2),
    "mingru_block": (1, 5),
}
"""Matrices of the input, and of the state."""


@pytest.fixture
def task():
    meta = CopyMeta(parameters=CopyData(lag=3), symbols=list("abcdefgh"), num_recalled=2, items={})
    return CopyMemory(meta, ModelParameters(hidden_size=UNITS))


def by_hand(cell, units):
    """Weights that a step multiplies with."""
    of_input, of_state = BLOCKS[cell]
    return units * (of_input * SYMBOLS + of_state * units)


def best_units(cell, budget):
    """The units nearest to a budget, by trying all."""
    return min(range(1, 200), key=lambda units: abs(by_hand(cell, units) - budget))


@pytest.mark.parametrize("cell", sorted(BLOCKS))
@pytest.mark.parametrize("size", [0.25, 1.0, 3.0])
def test_hidden_size_is_the_one_nearest_to_the_budget(task, cell, size):
    (rung,) = ladder(task, cell, [size])
    budget = size * by_hand(BUDGET_CELL, UNITS)
    assert rung.hidden_size == best_units(cell, budget)
    expected = by_hand(cell, rung.hidden_size) / budget - 1
    assert rung.deviations == {f"{size:g}": pytest.approx(expected)}


def test_gru_has_the_hidden_size_of_params_at_size_1(task):
    assert [rung.hidden_size for rung in ladder(task, "gru", [1.0])] == [UNITS]


def test_equal_size_stands_beside_the_budgets(task):
    rungs = ladder(task, "lstm", [1.0, "equal", 0.25])
    assert [rung.sizes for rung in rungs] == [("0.25",), ("1",), ("equal",)]
    assert rungs[-1].hidden_size == UNITS
    assert rungs[-1].deviations == {}


def test_sizes_that_lead_to_the_same_units_are_one_candidate(task):
    (rung,) = ladder(task, "gru", ["equal", 1.0])
    assert rung.sizes == ("equal", "1")
    assert rung.deviations == {"1": 0.0}


@pytest.mark.parametrize(("budget", "units"), [(0.1, 1), (10, 10), (10.5, 10), (10.6, 11)])
def test_fewer_units_of_equally_near_ones(budget, units):
    assert nearest(lambda count: count, budget) == units
