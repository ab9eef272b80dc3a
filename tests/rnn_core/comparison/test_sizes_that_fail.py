"""Sizes that are worse than a smaller one of their cell, and the report about them."""

from dataclasses import dataclass, replace
from math import inf
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.report.advice import failures as told_failures
from flows.report.tables import finalists, rounds
from rnn_core.comparison.outcome import CandidateResult, Failure, SplitResult
from rnn_core.comparison.race import Trained
from rnn_core.comparison.standings import Sized, failures
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.run_folder import Cost
from rnn_core.training.tuning import Finalist, Round, Tuned

ITEMS = 50


def sized(cell, hidden_size, losses, tuned=None, items=1e-6, seed=None, num_layers=1):
    """A candidate with these losses; None for a seed that diverged."""
    drawn = np.random.default_rng(hidden_size if seed is None else seed)
    trained = [
        Trained(
            loss=loss,
            items=None
            if loss is None
            else ItemScores(
                values=loss + centred(drawn.normal(0, items, ITEMS)), weights=np.ones(ITEMS)
            ),
        )
        for loss in losses
    ]
    size = {"hidden_size": hidden_size, "num_layers": num_layers}
    return Sized(cell=cell, **size, trained=trained, tuned=tuned)


def centred(values):
    return values - values.mean()


SMALL = sized("gru", 8, [0.50, 0.51, 0.49])


def test_larger_size_that_is_worse_beyond_chance_is_a_failure():
    larger = sized("gru", 32, [0.90, 0.92, 0.91])
    found = failures([SMALL, larger], margin=0.1)
    assert set(found) == {"gru-32"}
    assert (found["gru-32"].than, found["gru-32"].worse_by) == ("gru-8", pytest.approx(0.41))
    apart = [b.loss - a.loss for a, b in zip(SMALL.trained, larger.trained, strict=True)]
    assert found["gru-32"].error == pytest.approx(np.std(apart, ddof=1) / 3**0.5, rel=1e-6)


@pytest.mark.parametrize(
    "other",
    [
        sized("gru", 4, [0.90, 0.92, 0.91]),  # smaller
        sized("lstm", 32, [0.90, 0.92, 0.91]),  # another cell
        sized("gru", 32, [0.90, 0.92, 0.91], num_layers=2),  # of more layers
        sized("gru", 32, [0.20, 0.22, 0.21]),  # better
        sized("gru", 32, [0.45, 1.40, 0.55]),  # by chance
        sized("gru", 32, [0.58, 0.59, 0.58]),  # within the margin
    ],
)
def test_what_is_no_failure(other):
    assert not failures([SMALL, other], margin=0.1)


def test_sizes_of_as_many_layers_are_compared():
    deep = sized("gru", 4, [0.6, 0.61, 0.59], num_layers=2)
    larger = sized("gru", 32, [0.90, 0.92, 0.91], num_layers=2)
    found = failures([SMALL, larger, deep], margin=0.1)
    assert {name: one.than for name, one in found.items()} == {"gru-2x32": "gru-2x4"}


def test_items_that_tell_little_leave_it_open():
    """The same losses of seeds, by items that would differ as much by chance."""
    larger = [0.90, 0.92, 0.91]
    few = sized("gru", 32, larger, items=3.0, seed=1), sized("gru", 8, [0.50, 0.51, 0.49])
    assert not failures(few, margin=0.1)
    bare = sized("gru", 32, larger), sized("gru", 8, [0.50, 0.51, 0.49])
    many = sized("gru", 32, larger, items=0.3, seed=1), sized("gru", 8, [0.50, 0.51, 0.49])
    (found,), (by_seeds,) = (failures(pair, 0.1).values() for pair in (many, bare))
    assert found.worse_by == pytest.approx(by_seeds.worse_by)
    assert found.error > 3 * by_seeds.error


def test_of_several_smaller_sizes_the_best_is_named():
    sizes = [sized("gru", n, [x, x + 0.01, x - 0.01]) for n, x in ((4, 0.6), (8, 0.3), (16, 0.5))]
    found = failures([*sizes, sized("gru", 32, [0.9, 0.91, 0.89])], margin=0.1)
    assert {name: one.than for name, one in found.items()} == {"gru-16": "gru-8", "gru-32": "gru-8"}


def test_size_that_diverges_is_a_failure_unless_the_smaller_ones_do_too():
    lost = sized("gru", 32, [0.5, None, None])
    assert failures([SMALL, lost], margin=0.1)["gru-32"] == Failure(
        than="gru-8", worse_by=None, error=None
    )
    assert not failures([sized("gru", 8, [None, None, 0.5]), lost], margin=0.1)
    assert not failures([SMALL, sized("gru", 32, [0.5, 0.51, None])], margin=0.1)


@pytest.mark.parametrize(
    ("smaller", "larger", "expected"),
    [
        (0.5, 0.7, Failure(than="gru-8", worse_by=pytest.approx(0.2), error=None)),
        (0.5, inf, Failure(than="gru-8", worse_by=None, error=None)),
        (0.5, 0.55, None),
        (0.7, 0.5, None),
        (inf, inf, None),
        (None, None, None),
    ],
)
def test_where_one_seed_tells_nothing_tuning_does(smaller, larger, expected):
    pair = [sized("gru", 8, [0.5], tuned=smaller), sized("gru", 32, [9.0], tuned=larger)]
    assert failures(pair, margin=0.1).get("gru-32") == expected


@settings(deadline=None, derandomize=True, database=None, max_examples=10)
@given(st.integers(0, 10**6), st.sampled_from([3, 5]))
def test_order_of_candidates_changes_nothing(salt, seeds):
    random = np.random.default_rng(salt)
    drawn = [
        sized(cell, n, random.normal(0.02 * n, 0.1, seeds).tolist())
        for cell in ("gru", "lstm")
        for n in (4, 8, 16)
    ]
    expected = failures(drawn, margin=0.05)
    random.shuffle(drawn)
    found = failures(drawn, margin=0.05)
    assert {n: o.than for n, o in found.items()} == {n: o.than for n, o in expected.items()}
    for name, one in found.items():
        assert one.worse_by == pytest.approx(expected[name].worse_by)


def test_equal_sizes_are_seldom_called_failures():
    """Of a pair of sizes that are truly equal one in fifty is, at most, except for chance."""
    drawn, false = np.random.default_rng(5), 0
    number = 100
    for _ in range(number):
        each = [drawn.normal(0, 1, 3).tolist() for _ in range(2)]
        false += bool(failures([sized("gru", 8, each[0]), sized("gru", 16, each[1])], 1e-9))
    most = 0.02 * number + NormalDist().inv_cdf(0.999) * (0.02 * 0.98 * number) ** 0.5
    assert false <= most


@dataclass
class Compared:
    """As much of a comparison as the words need."""

    candidates: dict
    margin: float = 0.1


def result_with(failure, searches=0):
    scores = SplitResult(mean=0.5, std=None, standing=None, risk=None)
    tuning = Tuned(
        rounds=(Round(values=8, share=0.25, seeds=1), Round(values=3, share=1.0, seeds=2)),
        trials=14,
        steps=100,
        searches=searches,
        finalists=(
            Finalist(values={"dropout": 0.1}, mean=0.51234, std=0.0123),
            Finalist(values={"dropout": 0.2}, mean=None, std=None),
        ),
        chosen={"dropout": 0.1},
        score=0.51234,
    )
    return CandidateResult(
        cell="lstm",
        hidden_size=133,
        sizes=(),
        deviations={},
        cost=Cost(parameters=1, recurrent_parameters=1, multiply_accumulates=1),
        tuning=tuning if searches else None,
        failure=failure,
        seeds=(),
        validation=scores,
        test=scores,
        others={},
    )


@pytest.mark.parametrize(
    ("failure", "searches", "told"),
    [
        (
            Failure(than="lstm-61", worse_by=0.412, error=0.101),
            2,
            (
                "lstm-133 is worse than lstm-61 by 0.41 ± 0.1 on the validation set, although it "
                "can represent all that lstm-61 can: a failure to optimise, not a property of the "
                "cell, which tuning it again has not removed."
            ),
        ),
        (
            Failure(than="lstm-61", worse_by=0.412, error=None),
            0,
            (
                "lstm-133 is worse than lstm-61 by 0.41 on the validation set, although it "
                "can represent all that lstm-61 can: a failure to optimise, not a property of the "
                "cell."
            ),
        ),
        (
            Failure(than="lstm-61", worse_by=None, error=None),
            1,
            (
                "lstm-133 diverges and lstm-61 does not on the validation set, although it "
                "can represent all that lstm-61 can: a failure to optimise, not a property of the "
                "cell."
            ),
        ),
    ],
)
def test_report_says_that_it_is_no_property_of_the_cell(failure, searches, told):
    others = {"lstm-61": replace(result_with(None), hidden_size=61)}
    compared = Compared(candidates={**others, "lstm-133": result_with(failure, searches)})
    assert told_failures(compared) == [told]


def test_rounds_and_finalists_are_told():
    tuning = result_with(None, searches=1).tuning
    told = "8 for 25 % of the epochs, 3 for 100 % of the epochs with 2 random seeds"
    assert rounds(tuning) == told
    assert rounds(replace(tuning, searches=2)) == f"twice: {told}"
    assert finalists(tuning) == "0.5123 ± 0.012; diverged"
