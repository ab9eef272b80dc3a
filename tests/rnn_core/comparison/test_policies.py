"""Results of simple advice, and conditions for comparing results."""

from statistics import fmean, stdev

import pytest

from rnn_core.comparison.candidates import Candidate, SeedResult, check_comparable
from rnn_core.comparison.policies import policies
from rnn_core.errors import StudyError
from rnn_core.metric import Metric
from rnn_core.training.run_folder import Cost
from rnn_core.training.tuning import Tuned

ERROR = Metric("mse", "", "lower")
ACCURACY = Metric("accuracy", "", "higher")


def candidate(cell, validation, test=None, macs=10, **changes):
    seeds = [
        SeedResult(seed=i, epochs=2, steps=100, validation=v, test=t)
        for i, (v, t) in enumerate(zip(validation, test or validation, strict=True))
    ]
    cost = Cost(parameters=1, recurrent_parameters=1, multiply_accumulates=macs)
    facts = {"device": "cpu", "data": "d", "metric": ERROR}
    fields = {**facts, "cost": cost, "seeds": tuple(seeds)} | changes
    return Candidate(cell=cell, hidden_size=8, sizes=("equal",), deviations={}, **fields)


def test_mean_and_standard_deviation_are_those_of_the_standard_library():
    scores = [0.31, 0.35, None, 0.27]
    found = candidate("a", [1, 2, 3, 4], scores)
    finished = [0.31, 0.35, 0.27]
    assert found.mean("test") == fmean(finished)
    assert found.std("test") == stdev(finished)


def test_advice_stops_at_the_gru_where_that_is_good_enough():
    cells = [candidate("gru", [0.3, 0.3], macs=30), candidate("lstm", [0.2, 0.2], macs=40)]
    found = policies(cells, 0.05, {"simple": 0.5}, "lstm-8")
    assert found["gru_first"].tried == ("gru-8",)
    assert found["gru_first"].training_cost == 100 * 30
    assert found["gru_first"].regret == pytest.approx(0.1)
    assert found["always_lstm"].regret == 0
    assert found["gatewise"].training_cost == 100 * (30 + 40)


def test_advice_takes_one_layer_where_there_is_one():
    """Even where two layers multiply more; without depths to compare there is one layer."""
    cells = [candidate("gru", [0.3, 0.3], macs=30), candidate("lstm", [0.2, 0.2], macs=40)]
    cells += [candidate("gru", [0.1, 0.1], macs=31, num_layers=2)]
    found = policies(cells, 0.05, {"simple": 0.5}, "gru-2x8")
    assert found["gru_first"].tried == ("gru-8",)
    assert found["gatewise"].chosen == "gru-2x8"
    deep = [candidate("lstm", [0.2, 0.2], macs=40), cells[-1]]
    assert policies(deep, 0.05, {"simple": 0.5}, None)["gru_first"].tried == ("gru-2x8",)


def test_advice_goes_on_to_the_lstm_where_a_baseline_is_as_good():
    cells = [candidate("gru", [0.3, 0.3], macs=30), candidate("lstm", [0.2, 0.2], macs=40)]
    found = policies(cells, 0.05, {"simple": 0.31}, "lstm-8")
    assert found["gru_first"].tried == ("gru-8", "lstm-8")
    assert found["gru_first"].chosen == "lstm-8"


def test_rounding_makes_no_gru_too_bad_and_no_regret():
    """0.3 - 0.1 is a little less than 0.2, and the mean of 0.8 and 0.9 a little more than 0.85."""
    cells = [candidate("gru", [0.2, 0.2]), candidate("lstm", [0.1, 0.1])]
    assert policies(cells, 0.1, {"simple": 0.3}, "lstm-8")["gru_first"].tried == ("gru-8",)
    cells = [candidate("gru", [0.8, 0.9]), candidate("lstm", [0.85, 0.85])]
    found = policies(cells, 0.1, {}, "gru-8")
    assert [one.regret for one in found.values()] == [0] * 4


def test_a_gru_that_never_finished_is_not_good_enough():
    cells = [candidate("gru", [None, None], macs=30), candidate("lstm", [0.2, None], macs=40)]
    found = policies(cells, 0.05, {}, "lstm-8")
    assert found["gru_first"].tried == ("gru-8", "lstm-8")
    assert found["gru_first"].chosen == "lstm-8"


def test_steps_of_tuning_are_part_of_the_cost_of_training():
    tuned = Tuned(
        rounds=(),
        trials=8,
        steps=400,
        searches=1,
        finalists=(),
        chosen={"dropout": 0.2},
        score=None,
    )
    gru = candidate("gru", [0.3, 0.3], macs=30, tuning=tuned)
    lstm = candidate("lstm", [0.2, 0.2], macs=40)
    found = policies([gru, lstm], 0.05, {"simple": 0.5}, "lstm-8")
    assert found["gru_first"].training_cost == (400 + 100) * 30
    assert found["always_lstm"].training_cost == 100 * 40
    assert found["gatewise"].training_cost == 500 * 30 + 100 * 40


@pytest.mark.parametrize("change", [{"device": "cuda"}, {"data": "e"}, {"metric": ACCURACY}])
def test_results_that_differ_in_more_than_cell_and_size_are_refused(change):
    check_comparable([candidate("a", [1]), candidate("b", [2, 3])])
    with pytest.raises(StudyError, match="a and b"):
        check_comparable([candidate("a", [1]), candidate("b", [2], **change)])


def test_candidate_that_lacks_one_of_its_first_seeds_is_refused():
    whole = candidate("a", [1, 2, 3])
    gap = candidate("b", [1, 2, 3], seeds=whole.seeds[1:])
    with pytest.raises(StudyError, match="b-8 lacks one of its first random seeds"):
        check_comparable([whole, gap])
