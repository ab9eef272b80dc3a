"""The hidden sizes of the ladder, against weights counted by hand."""

from functools import cache

import depth
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.cells import REGISTRY as CELLS
from rnn_core.errors import ParameterError
from rnn_core.layers.recurrent import Recurrent
from rnn_core.references import REGISTRY as REFERENCES
from rnn_core.references.tcn import WIDTH, blocks_for
from rnn_core.references.transformer import HEADS
from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.copy_memory.parameters import CopyData, CopyMeta
from rnn_core.tasks.copy_memory.task import CopyMemory
from rnn_core.training.models import build_model, count_cost
from rnn_core.training.rung import Rung
from rnn_core.training.sizes import BUDGET_CELL, at_size, beside, ladder, nearest

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
    return task_of(3)


@cache
def task_of(lag):
    meta = CopyMeta(
        parameters=CopyData(lag=lag), symbols=list("abcdefgh"), num_recalled=2, items={}
    )
    return CopyMemory(meta, ModelParameters(hidden_size=UNITS))


def by_hand(cell, units, layers=1):
    """Weights that a step multiplies with; the layers above the first read its units."""
    of_input, of_state = BLOCKS[cell]
    inputs = [SYMBOLS] + [units] * (layers - 1)
    return sum(units * (of_input * size + of_state * units) for size in inputs)


def best_units(cell, budget, layers=1):
    """The units nearest to a budget, by trying all."""
    return min(range(1, 400), key=lambda units: abs(by_hand(cell, units, layers) - budget))


@pytest.mark.parametrize("cell", sorted(BLOCKS))
@pytest.mark.parametrize("size", [0.25, 1.0, 3.0])
def test_hidden_size_is_the_one_nearest_to_the_budget(task, cell, size):
    (rung,) = ladder(task, cell, [size], [1])
    budget = size * by_hand(BUDGET_CELL, UNITS)
    assert rung.hidden_size == best_units(cell, budget)
    expected = by_hand(cell, rung.hidden_size) / budget - 1
    assert rung.deviations == {f"{size:g}": pytest.approx(expected)}


def test_gru_has_the_hidden_size_of_params_at_size_1(task):
    assert [rung.hidden_size for rung in ladder(task, "gru", [1.0], [1])] == [UNITS]


def test_equal_size_stands_beside_the_budgets(task):
    rungs = ladder(task, "lstm", [1.0, "equal", 0.25], [1])
    assert [rung.sizes for rung in rungs] == [("0.25",), ("1",), ("equal",)]
    assert rungs[-1].hidden_size == UNITS
    assert rungs[-1].deviations == {}


def test_sizes_that_lead_to_the_same_units_are_one_candidate(task):
    (rung,) = ladder(task, "gru", ["equal", 1.0], [1])
    assert rung.sizes == ("equal", "1")
    assert rung.deviations == {"1": 0.0}


@settings(
    max_examples=depth.number(quick=12, whole=40), deadline=None, derandomize=True, database=None
)
@given(
    cell=st.sampled_from(sorted(BLOCKS)),
    sizes=st.lists(st.sampled_from(["equal", 0.1, 0.25, 0.5, 1.0, 2.0]), min_size=1, unique=True),
    depths=st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True),
)
def test_layers_share_the_budget_of_one(cell, sizes, depths):
    """No other number of units comes nearer, and no two rungs are called alike."""
    rungs = ladder(task_of(3), cell, sizes, depths)
    names = [rung.size for rung in rungs]
    assert len(set(names)) == len(names)
    for layers in depths:
        there = [rung for rung in rungs if rung.num_layers == layers]
        assert sorted(name for rung in there for name in rung.sizes) == sorted(
            size if size == "equal" else f"{size:g}" for size in sizes
        )
        assert [rung.hidden_size for rung in there] == sorted({r.hidden_size for r in there})
        for rung in there:
            assert rung.hidden_size == UNITS or "equal" not in rung.sizes
            for size, deviation in rung.deviations.items():
                budget = float(size) * by_hand(BUDGET_CELL, UNITS)
                assert rung.hidden_size == best_units(cell, budget, layers)
                found = by_hand(cell, rung.hidden_size, layers) / budget - 1
                assert deviation == pytest.approx(found)


def test_fewer_layers_come_first_whatever_their_units(task):
    rungs = ladder(task, "gru", [1.0, 0.25], [2, 1])
    assert [rung.size for rung in rungs] == ["6", "16", "2x4", "2x10"]


@pytest.mark.parametrize("cell", ["gru", "lru", "mingru_block"])
@pytest.mark.parametrize("size", [4, 11])
def test_a_model_has_the_layers_and_the_weights_that_were_counted(task, cell, size):
    model = build_model(at_size(task, size, 3), cell)
    (layer,) = (module for module in model.modules() if isinstance(module, Recurrent))
    assert (layer.num_layers, layer.hidden_size) == (3, size)
    assert count_cost(model).multiply_accumulates == by_hand(cell, size, 3)


@pytest.mark.parametrize(("budget", "units"), [(0.1, 1), (10, 10), (10.5, 10), (10.6, 11)])
def test_fewer_units_of_equally_near_ones(budget, units):
    assert nearest(lambda count: count, budget) == units


@pytest.mark.parametrize(("budget", "units"), [(688, 9), (601, 10), (603, 9), (515, 8)])
def test_more_units_may_have_fewer_weights(budget, units):
    """With ten inputs, ten units need no projection."""
    counts = {7: 427, 8: 512, 9: 603, 10: 600, 11: 803, 12: 900}
    assert nearest(lambda count: counts.get(count, 100 * count), budget) == units


def of_network(name, units, lag):
    """Weights that a step of a reference network multiplies with, on two symbols to recall."""
    reach = 2 * 2 + lag + 1
    if name == "linear":
        return reach * SYMBOLS * units
    if name == "tcn":
        around = 0 if units == SYMBOLS else SYMBOLS * units
        convolutions = 2 * blocks_for(reach) - 1
        return WIDTH * units * (SYMBOLS + convolutions * units) + around
    heads = -(-units // HEADS) * HEADS
    return SYMBOLS * units + 2 * (4 * units * heads + 8 * units * units)


def rung(units, layers):
    return Rung(hidden_size=units, num_layers=layers, sizes=("equal",), deviations={})


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(REFERENCES)),
    st.dictionaries(
        st.sampled_from(sorted(BLOCKS)),
        st.lists(st.tuples(st.integers(8, 300), st.integers(1, 3)), min_size=1, max_size=2),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([0, 3, 30]),
)
def test_reference_network_is_as_near_to_the_largest_candidate_as_a_size_of_it_can_be(
    name, candidates, lag
):
    rungs = {cell: [rung(*size) for size in sizes] for cell, sizes in candidates.items()}
    found = beside(task_of(lag), [name], rungs)[name]
    counts = {
        f"{cell}-{units}" if layers == 1 else f"{cell}-{layers}x{units}": by_hand(
            cell, units, layers
        )
        for cell, sizes in candidates.items()
        for units, layers in sizes
    }
    (largest,) = found.sizes
    budget = max(counts.values())
    assert counts[largest] == budget
    own = of_network(name, found.hidden_size, lag)
    assert found.deviations == {largest: pytest.approx(own / budget - 1)}
    others = [of_network(name, units, lag) for units in range(1, 2 * found.hidden_size + 2)]
    assert abs(own - budget) == min(abs(other - budget) for other in others)
    step = of_network(name, found.hidden_size + HEADS, lag) - own
    assert abs(own - budget) <= step
    if budget >= 20 * step:
        assert abs(found.deviations[largest]) <= 0.05


def test_weights_of_a_network_are_those_of_the_model_around_it(task):
    """Counted by hand above, and by what the model holds: no other weight is multiplied with."""
    for name in REFERENCES:
        layer = build_model(task, name).recurrent
        matrices = sum(weight.numel() for weight in layer.parameters() if weight.ndim > 1)
        scales = sum(w.numel() for n, w in layer.named_parameters() if "original0" in n)
        assert of_network(name, UNITS, 3) == matrices - scales == layer.multiply_accumulates


def test_no_reference_network_is_called_as_a_cell_is():
    assert not set(REFERENCES) & {*CELLS, "ensemble"}


def test_model_that_asks_more_of_a_layer_is_not_made_around_a_network(task, monkeypatch):
    monkeypatch.setattr(CopyMemory, "reach", None)
    with pytest.raises(ParameterError, match="tcn cannot take the place of the cell of a CopyMem"):
        build_model(task, "tcn")
