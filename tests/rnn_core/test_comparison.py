"""The decision: chosen on validation, told on test, refused where it would not be fair."""

from statistics import fmean, stdev

import pytest

from rnn_core.comparison import CellResult, SeedResult, check_comparable, decide, summarise
from rnn_core.errors import StudyError
from rnn_core.runs import Cost
from rnn_core.tasks.base import Metric

ERROR = Metric("mse", "", "lower")
ACCURACY = Metric("accuracy", "", "higher")


def result(cell, validation, test, macs=10, **changes):
    seeds = [
        SeedResult(seed=i, epochs=1, steps=1, validation=v, test=t)
        for i, (v, t) in enumerate(zip(validation, test, strict=True))
    ]
    cost = Cost(parameters=1, recurrent_parameters=1, multiply_accumulates=macs)
    fields = {"device": "cpu", "data": "d", "cost": cost, "seeds": tuple(seeds)} | changes
    return CellResult(cell=cell, **fields)


def test_cell_is_chosen_on_validation_and_never_on_test():
    good_on_test = result("a", [0.5, 0.5], [0.1, 0.1])
    good_on_validation = result("b", [0.3, 0.4], [0.4, 0.5])
    decision = decide([good_on_test, good_on_validation], ERROR)
    assert decision.champion == "b"
    assert decision.decision == "best-mean"
    assert decision.runner_up == "a"
    assert decision.margin == pytest.approx(-0.35)
    assert decide([good_on_test, good_on_validation], ACCURACY).champion == "a"


def test_registered_seed_is_the_best_on_validation():
    cells = [result("a", [0.3, 0.1, 0.2], [0.1, 0.9, 0.1])]
    assert decide(cells, ERROR).registered_seed == 1
    assert decide(cells, ACCURACY).registered_seed == 0


def test_margin_is_positive_where_the_champion_is_better():
    cells = [result("a", [0.9], [0.8]), result("b", [0.7], [0.6])]
    assert decide(cells, ACCURACY).margin == pytest.approx(0.2)
    assert decide(cells, ERROR).margin == pytest.approx(0.2)


def test_cheaper_of_equals_is_chosen():
    cells = [result("a", [0.5], [0.5], macs=20), result("b", [0.5], [0.5], macs=10)]
    assert decide(cells, ERROR).champion == "b"


def test_cell_with_a_diverged_seed_is_not_eligible():
    best = result("a", [0.1, None], [0.1, None])
    assert decide([best, result("b", [0.5, 0.5], [0.5, 0.5])], ERROR).champion == "b"
    decision = decide([best], ERROR)
    assert (decision.champion, decision.decision) == (None, "none")
    assert summarise(best)["complete"] is False
    assert summarise(best)["test"] == {"mean": 0.1, "std": None}


def test_mean_and_spread_are_those_of_the_standard_library():
    scores = [0.31, 0.35, 0.27]
    summary = summarise(result("a", [1, 2, 3], scores))
    assert summary["test"] == {"mean": fmean(scores), "std": stdev(scores)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "cuda"}, "a and b were trained on different devices: cpu and cuda"),
        ({"data": "e"}, "a and b were trained on different data: d and e"),
        ({"seeds": ()}, "a and b have different seeds"),
    ],
)
def test_results_that_differ_in_more_than_the_cell_are_refused(change, message):
    check_comparable([result("a", [1], [1]), result("b", [2], [2])])
    with pytest.raises(StudyError, match=message):
        check_comparable([result("a", [1], [1]), result("b", [2], [2], **change)])
