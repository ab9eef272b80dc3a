"""Tuning: the same trials for every candidate, and what is chosen among them."""

import math
import subprocess
import sys

import pytest

from rnn_core.errors import ParameterError
from rnn_core.study import TUNING_SEED, Tuning
from rnn_core.training.tuning import (
    Trial,
    Tuned,
    choose,
    record,
    search,
    search_space,
    tuned,
)

OWN = {"learning_rate": 0.003, "clip_norm": 0.7, "dropout": 0.1}
ALL = Tuning(trials=8, learning_rate=(0.25, 4), clip_norm=(0.5, 2), dropout=(0, 0.5))


def trial(score, steps=10, **values):
    return Trial(values=values, score=score, epochs=1, steps=steps)


def trials_of(score_of, num_trials=8, direction="lower", tuning=ALL):
    """A search in which a score is a function of the values."""
    space = search_space(tuning, OWN)
    proposals = search(space, num_trials, direction)
    trials, values = [], next(proposals)
    for _ in range(num_trials):
        trials.append(trial(score_of(values), **values))
        values = next_of(proposals, trials[-1])
    assert values is None
    return trials


def next_of(proposals, ended):
    """What is proposed after a trial; None after the last."""
    try:
        return proposals.send(ended)
    except StopIteration:
        return None


def far_from(rate):
    return lambda values: abs(math.log(values["learning_rate"] / rate))


def test_space_has_multiples_of_the_own_values_and_dropout_as_it_stands():
    space = search_space(ALL, OWN)
    found = {name: (d.own, d.low, d.high) for name, d in space.items()}
    assert found == {
        "learning_rate": (0.003, 0.25 * 0.003, 4 * 0.003),
        "clip_norm": (0.7, 0.5 * 0.7, 2 * 0.7),
        "dropout": (0.1, 0, 0.5),
    }


def test_range_that_is_left_out_is_not_searched():
    tuning = Tuning(trials=3, learning_rate=(0.5, 2))
    (first, *_) = trials_of(far_from(0.001), 3, tuning=tuning)
    assert first.values == {"learning_rate": 0.003}


def test_range_without_the_datasets_own_dropout_is_refused():
    with pytest.raises(ParameterError) as caught:
        search_space(Tuning(trials=1, dropout=(0.2, 0.5)), OWN)
    assert str(caught.value) == (
        "params.yaml: tuning: dropout [0.2, 0.5] does not hold the dataset's own, 0.1, "
        "which is tried first"
    )


def test_first_trial_has_the_datasets_own_values():
    assert trials_of(far_from(0.001))[0].values == OWN


@pytest.mark.parametrize(("num_trials", "same"), [(1, 1), (3, 2), (7, 4), (8, 4)])
def test_first_half_of_the_trials_is_the_same_for_all_and_the_rest_follows_results(
    num_trials, same
):
    low, high = (trials_of(far_from(rate), num_trials) for rate in (0.001, 0.01))
    assert len(low) == len(high) == num_trials
    equal = [one.values == other.values for one, other in zip(low, high, strict=True)]
    assert equal == [True] * same + [False] * (num_trials - same)
    assert trials_of(far_from(0.001), num_trials) == low


@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_later_trials_go_where_scores_are_better(direction):
    found = [t.values["dropout"] for t in trials_of(lambda v: v["dropout"], 24, direction)]
    drawn, guided = sum(found[:12]) / 12, sum(found[12:]) / 12
    assert guided < drawn - 0.05 if direction == "lower" else guided > drawn + 0.05


def test_multiples_are_drawn_on_a_logarithmic_scale_and_dropout_is_not():
    trials = trials_of(lambda _: 1.0, 400)[1:200]
    for name, middle in (("learning_rate", 0.003), ("clip_norm", 0.7), ("dropout", 0.25)):
        below = sum(t.values[name] < middle for t in trials) / len(trials)
        assert 0.4 < below < 0.6, name  # 0.2 and 0.33 of the multiples on a linear scale
        assert all(
            search_space(ALL, OWN)[name].low <= t.values[name] <= search_space(ALL, OWN)[name].high
            for t in trials
        )


@pytest.mark.parametrize(("direction", "best"), [("lower", 2), ("higher", 3)])
def test_best_trial_is_chosen_and_a_diverged_one_never(direction, best):
    trials = [trial(0.5, x=0), trial(None, x=1), trial(0.25, x=2), trial(0.75, x=3)]
    assert choose(trials, direction) == (
        {"x": best},
        f"trial {best + 1} of 4 is the best on the validation side",
    )


def test_earliest_of_equals_is_chosen_and_so_the_own_values_stay():
    trials = [trial(0.5, x=0), trial(0.4, x=1), trial(0.4, x=2)]
    assert choose(trials, "lower")[0] == {"x": 1}
    assert choose([trials[0], trial(0.5, x=1)], "higher") == (
        {"x": 0},
        "none of 2 trials is better than the first, of the dataset's own values",
    )


def test_own_values_stay_where_all_trials_diverge():
    trials = trials_of(lambda _: None)
    values, reason = choose(trials, "higher")
    assert values == OWN
    assert reason == "all 8 trials diverged, so that the dataset's own values stay"
    assert {t.status for t in trials} == {"diverged"}


def test_trials_keep_away_from_where_trainings_diverge():
    """A trial that diverged has a say in where the next ones are."""
    trials = trials_of(lambda v: None if v["learning_rate"] > 0.003 else 1.0, 40)
    late = [t.status for t in trials[20:]]
    assert late.count("diverged") < 5


def test_search_says_nothing():
    """Nor does it if every trial diverges; Optuna tells of each study and of such trials."""
    program = (
        "from rnn_core.study import Tuning\n"
        "from rnn_core.training.tuning import Trial, search, search_space\n"
        "space = search_space(Tuning(trials=3, dropout=(0, 0.5)), {'dropout': 0.1})\n"
        "proposals = search(space, 3, 'lower')\n"
        "values = next(proposals)\n"
        "for _ in range(2):\n"
        "    values = proposals.send(Trial(values=values, score=None, epochs=1, steps=1))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout + done.stderr == ""


def test_record_has_all_trials_and_the_steps_of_all():
    trials = [trial(0.5, 10, dropout=0.1), trial(None, 3, dropout=0.5), trial(0.4, 12, dropout=0)]
    space = search_space(Tuning(trials=3, dropout=(0, 0.5)), OWN)
    found = record(space, trials, "lower", ["a", "b", "c"])
    assert [t["status"] for t in found["trials"]] == ["finished", "diverged", "finished"]
    assert [t["score"] for t in found["trials"]] == [0.5, None, 0.4]
    assert [t["training"] for t in found["trials"]] == ["a", "b", "c"]
    assert found["seed"] == TUNING_SEED
    assert found["space"]["dropout"] == {"own": 0.1, "low": 0, "high": 0.5, "logarithmic": False}
    assert tuned(trials, "lower") == Tuned(trials=3, steps=25, chosen={"dropout": 0})
