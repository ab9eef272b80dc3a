"""Who may be chosen, what is told of the others, and what simple advice comes to."""

from dataclasses import replace
from statistics import fmean, stdev

import pytest

from rnn_core.comparison.candidates import Candidate, SeedResult, check_comparable
from rnn_core.comparison.decision import decide, summarise
from rnn_core.comparison.outcome import SplitResult
from rnn_core.comparison.policies import policies
from rnn_core.errors import StudyError
from rnn_core.metric import Metric
from rnn_core.training.run_folder import Cost
from rnn_core.training.tuning import Tuned

ERROR = Metric("mse", "", "lower")
ACCURACY = Metric("accuracy", "", "higher")
NO_ITEMS = {"validation": None, "test": None}


def candidate(cell, validation, test=None, macs=10, **changes):
    seeds = [
        SeedResult(seed=i, epochs=2, steps=100, validation=v, test=t)
        for i, (v, t) in enumerate(zip(validation, test or validation, strict=True))
    ]
    cost = Cost(parameters=1, recurrent_parameters=1, multiply_accumulates=macs)
    facts = {"device": "cpu", "data": "d", "metric": ERROR}
    fields = {**facts, "cost": cost, "seeds": tuple(seeds)} | changes
    return Candidate(cell=cell, hidden_size=8, sizes=("equal",), deviations={}, **fields)


def decision(candidates, metric=ERROR, margin=0.1):
    measured = [replace(one, metric=metric) for one in candidates]
    return decide(measured, NO_ITEMS, margin)[0]


def test_clear_winner_is_decided():
    cells = [candidate("a", [0.5, 0.51, 0.49]), candidate("b", [0.1, 0.11, 0.09], macs=20)]
    found = decision(cells)
    assert (found.status, found.champion, found.runner_up) == ("decided", "b-8", "a-8")
    assert found.ahead == pytest.approx(0.4)
    assert decision(cells, ACCURACY).champion == "a-8"


def test_registered_seed_is_the_best_on_validation():
    cells = [candidate("a", [0.3, 0.1, 0.2], [0.1, 0.9, 0.1])]
    assert decision(cells).registered_seed == 1
    assert decision(cells, ACCURACY).registered_seed == 0


def test_best_on_validation_is_provisional_with_one_seed():
    cells = [candidate("a", [0.5], [0.1]), candidate("b", [0.4], [0.2])]
    found = decision(cells)
    assert (found.status, found.champion) == ("provisional", "b-8")
    assert found.need.seeds == 3


def test_cheaper_of_exact_equals_is_chosen():
    cells = [candidate("a", [0.5, 0.5, 0.5], macs=20), candidate("b", [0.5, 0.5, 0.5])]
    assert decision(cells).champion == "b-8"


def test_equals_are_not_called_better_than_each_other():
    cells = [candidate("a", [0.5, 0.5, 0.5], macs=20), candidate("b", [0.5, 0.5, 0.5])]
    assert decision(cells).reason.startswith("as good as the best of the others, confirmed")
    worse = candidate("a", [0.9, 0.91, 0.89], macs=20)
    assert decision([worse, cells[1]]).reason.startswith("better than all others, confirmed")


def test_candidate_with_a_diverged_seed_is_told_and_not_eligible():
    best = candidate("a", [0.1, None, 0.1])
    found, standings = decide([best, candidate("b", [0.5, 0.5, 0.6])], NO_ITEMS, 0.1)
    assert found.champion == "b-8"
    assert list(standings) == ["b-8"]
    assert [seed.seed for seed in summarise(best, None).diverged] == [1]


def test_nothing_is_decided_where_all_have_diverged():
    found, _ = decide([candidate("a", [None, None])], NO_ITEMS, 0.1)
    assert (found.champion, found.status) == (None, "none")
    assert found.reason == "a seed of every candidate diverged"


def test_mean_and_standard_deviation_are_those_of_the_standard_library():
    scores = [0.31, 0.35, 0.27]
    summary = summarise(candidate("a", [1, 2, 3], scores), None)
    assert summary.test == SplitResult(mean=fmean(scores), std=stdev(scores), standing=None)


def test_advice_stops_at_the_gru_where_that_is_good_enough():
    cells = [candidate("gru", [0.3, 0.3], macs=30), candidate("lstm", [0.2, 0.2], macs=40)]
    found = policies(cells, 0.05, {"simple": 0.5}, "lstm-8")
    assert found["gru_first"].tried == ("gru-8",)
    assert found["gru_first"].training_cost == 100 * 30
    assert found["gru_first"].regret == pytest.approx(0.1)
    assert found["always_lstm"].regret == 0
    assert found["gatewise"].training_cost == 100 * (30 + 40)


def test_advice_goes_on_to_the_lstm_where_a_baseline_is_as_good():
    cells = [candidate("gru", [0.3, 0.3], macs=30), candidate("lstm", [0.2, 0.2], macs=40)]
    found = policies(cells, 0.05, {"simple": 0.31}, "lstm-8")
    assert found["gru_first"].tried == ("gru-8", "lstm-8")
    assert found["gru_first"].chosen == "lstm-8"


def test_steps_of_tuning_are_part_of_the_cost_of_training_and_told_apart():
    tuned = Tuned(trials=8, steps=400, chosen={"dropout": 0.2})
    gru = candidate("gru", [0.3, 0.3], macs=30, tuning=tuned)
    lstm = candidate("lstm", [0.2, 0.2], macs=40)
    found = policies([gru, lstm], 0.05, {"simple": 0.5}, "lstm-8")
    assert found["gru_first"].training_cost == (400 + 100) * 30
    assert found["always_lstm"].training_cost == 100 * 40
    assert found["gatewise"].training_cost == 500 * 30 + 100 * 40
    assert summarise(gru, None).tuning == tuned
    assert summarise(lstm, None).tuning is None


@pytest.mark.parametrize(
    "change", [{"device": "cuda"}, {"data": "e"}, {"metric": ACCURACY}, {"seeds": ()}]
)
def test_results_that_differ_in_more_than_cell_and_size_are_refused(change):
    check_comparable([candidate("a", [1]), candidate("b", [2])])
    with pytest.raises(StudyError, match="a and b"):
        check_comparable([candidate("a", [1]), candidate("b", [2], **change)])
