"""Tuning: the same rounds for every candidate, and what is chosen among the finalists."""

import math
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.errors import ParameterError
from rnn_core.study import TUNING_SEED, Tuning
from rnn_core.training.search_space import Dimension, search_space
from rnn_core.training.tuning import (
    Finalist,
    Round,
    Trial,
    Tuned,
    again,
    begin,
    finish,
    next_round,
    record,
    tuned,
)

OWN = {"learning_rate": 0.003, "clip_norm": 0.7, "dropout": 0.1}
ALL = Tuning(trials=8, learning_rate=(0.25, 4), clip_norm=(0.5, 2), dropout=(0, 0.5))
NAMES = [f"cell-{n}" for n in range(60)]


def search_of(name="gru-8", tuning=ALL, epochs=20):
    return begin(name, search_space(tuning, OWN), tuning, epochs)


def do(search, score_of, direction="lower"):
    """A search in which a score is a function of what is tried."""
    rounds = []
    while tries := next_round(search, direction, rounds):
        rounds.append(
            [Trial(**vars(one), score=score_of(one), epochs=1, steps=10) for one in tries]
        )
    return finish(search, direction, rounds)


def misleading(one):
    """Fast is good for a short time, and dropout is only in the way; in the end neither is so."""
    return surface(one.values, one.share)


def surface(values, share=1.0):
    best = OWN["learning_rate"] * 4 ** (1 - 2 * share)
    wanted = 0.3 * max(0.0, share - 0.25) / 0.75
    rate = math.log(values["learning_rate"] / best)
    return 1 + rate**2 + 4 * (values["dropout"] - wanted) ** 2


def noisy(spread, score_of=lambda one: 1.0):
    """A score with a luck of its own for every training, always the same."""

    def score(one):
        luck = random.Random(f"{one.fixed} {one.share} {one.seed}").gauss(0, spread)
        return score_of(one) + luck

    return score


def test_space_has_multiples_of_the_own_values_and_dropout_as_it_stands():
    space = search_space(ALL, OWN)
    found = {name: (d.own, d.low, d.high) for name, d in space.items()}
    assert found == {
        "learning_rate": (0.003, 0.25 * 0.003, 4 * 0.003),
        "clip_norm": (0.7, 0.5 * 0.7, 2 * 0.7),
        "dropout": (0.1, 0, 0.5),
    }


def test_range_that_is_left_out_is_not_searched():
    found = do(search_of(tuning=Tuning(trials=3, learning_rate=(0.5, 2))), lambda _: 1.0)
    assert {name for each in found.trials for one in each for name in one.values} == {
        "learning_rate"
    }
    assert found.chosen == {"learning_rate": 0.003}


def test_range_without_the_datasets_own_dropout_is_refused():
    with pytest.raises(ParameterError) as caught:
        search_space(Tuning(trials=2, dropout=(0.2, 0.5)), OWN)
    assert str(caught.value) == (
        "params.yaml: tuning: dropout [0.2, 0.5] does not hold the dataset's own, 0.1, "
        "which is always tried"
    )


ROUNDS = [
    (ALL, 20, [(8, 5), (4, 10)]),
    (ALL, 6, [(8, 2), (4, 3)]),
    (ALL, 2, [(8, 1)]),
    (ALL, 1, [(8, 1)]),
    (Tuning(trials=9, share=1 / 9, eta=3, dropout=(0, 0.5)), 18, [(9, 2), (3, 6)]),
    (Tuning(trials=16, share=0.1, eta=4, seeds=3, dropout=(0, 0.5)), 20, [(16, 2), (4, 8)]),
    (Tuning(trials=5, share=0.3, finalists=5, dropout=(0, 0.5)), 10, [(5, 3), (5, 6)]),
    (Tuning(trials=1, share=0.3, finalists=1, dropout=(0, 0.5)), 10, [(1, 3), (1, 6)]),
    (Tuning(trials=4, share=1, dropout=(0, 0.5)), 7, [(4, 7)]),
]
"""Tuning, the epochs of a training, and of the rounds before the last: values and epochs."""


@pytest.mark.parametrize(("tuning", "epochs", "wanted"), ROUNDS)
def test_rounds_are_shorter_first_and_the_last_has_the_full_length(tuning, epochs, wanted):
    *short, last = search_of(tuning=tuning, epochs=epochs).all_rounds
    assert last == Round(values=tuning.finalists + 1, share=1.0, seeds=tuning.seeds)
    assert short == [Round(values=n, share=e / epochs, seeds=1) for n, e in wanted]


@settings(deadline=None, derandomize=True, database=None, max_examples=40)
@given(
    st.sampled_from([case[:2] for case in ROUNDS]),
    st.sampled_from(["lower", "higher"]),
    st.integers(0, 10**6),
)
def test_better_ones_go_on_and_the_own_values_are_always_finalists(case, direction, salt):
    tuning, epochs = case
    search = search_of(tuning=tuning, epochs=epochs)
    scores = noisy(1.0, lambda one: 1.0 if salt % 3 else 100.0 * (one.share < 1))
    found = do(search, lambda one: None if hash_of(one, salt) < 0.2 else scores(one), direction)
    sign = 1 if direction == "lower" else -1
    for before, after in zip(found.trials, found.trials[1:], strict=False):
        kept = {one.fixed for one in after} - {tuple(sorted(search.certain[0].items()))}
        out = {one.fixed for one in before} - kept
        worst = max((rank(one, sign) for one in before if one.fixed in kept), default=0)
        assert all(rank(one, sign) >= worst for one in before if one.fixed in out)
    last = found.trials[-1]
    assert {one.share for one in last} == {1.0}
    assert {one.seed for one in last} == {TUNING_SEED + n for n in range(tuning.seeds)}
    assert [one.values for one in last[: tuning.seeds]] == [search.certain[0]] * tuning.seeds
    best = min(found.finalists, key=lambda one: math.inf if one.mean is None else sign * one.mean)
    assert found.chosen == best.values


def rank(one, sign):
    return math.inf if one.score is None else sign * one.score


def hash_of(one, salt):
    return random.Random(f"{one.fixed} {one.share} {one.seed} {salt}").random()


def test_own_values_are_left_only_for_what_is_better_by_the_same_measure():
    """Also where every short trial says that all else is far better."""
    for name in NAMES:
        found = do(search_of(name), lambda one: 5.0 if one.share == 1 else one.values["dropout"])
        assert found.chosen == OWN, "of equals the own values stay"
        assert found.reason == (
            "none of 3 finalists is better than the dataset's own values on the validation set"
        )


def test_full_length_finds_what_short_trials_hide():
    """Among short trials alone a higher learning rate and no dropout win, as they did."""
    own, new, old = surface(OWN), [], []
    for name in NAMES:
        found = do(search_of(name), misleading)
        new.append(surface(found.chosen))
        assert new[-1] <= own
        short = min(found.trials[0], key=lambda one: one.score)
        old.append(surface(short.values))
    assert fmean(new) < own < fmean(old)
    assert sum(n < o for n, o in zip(new, old, strict=True)) > 0.9 * len(NAMES)


def test_two_random_seeds_choose_better_than_the_luck_of_one():
    """Of the same values, all of which are finalists."""

    def regret(values):
        return abs(values["dropout"] - 0.3)

    def mean_regret(seeds):
        tuning = Tuning(trials=8, share=1, finalists=8, dropout=(0, 0.5))
        score = noisy(0.1, lambda one: regret(one.values))
        searches = [replace(search_of(f"{n}", tuning), seeds=seeds) for n in range(200)]
        return fmean(regret(do(search, score).chosen) for search in searches)

    assert mean_regret(12) < 0.9 * mean_regret(2) < 0.9**2 * mean_regret(1)


def test_no_two_candidates_draw_the_same_and_one_always_draws_the_same():
    seen = Counter()
    for name in NAMES:
        tries = next_round(search_of(name), "lower", [])
        assert tries == next_round(search_of(name), "higher", [])
        assert len(tries) == 8
        seen.update({one.fixed for one in tries})
    assert set(seen.values()) == {1}


@pytest.mark.parametrize("number", [4, 8, 16])
def test_draws_cover_each_range_evenly_on_its_scale(number):
    """A value in every part, as many parts as there are values."""
    tuning = Tuning(trials=number, learning_rate=(0.25, 4), dropout=(0, 0.5))
    for name in NAMES[:10]:
        tries = next_round(search_of(name, tuning), "lower", [])
        rates = [math.log(one.values["learning_rate"] / 0.003, 16) + 0.5 for one in tries]
        dropouts = [one.values["dropout"] / 0.5 for one in tries]
        for points in (rates, dropouts):
            assert sorted(int(number * x) for x in points) == list(range(number))


@settings(deadline=None, derandomize=True, database=None)
@given(st.floats(1e-6, 10), st.floats(1, 50), st.floats(0, 1, exclude_max=True), st.booleans())
def test_values_have_few_digits_and_stay_in_their_range(low, times, point, logarithmic):
    dimension = Dimension(own=low, low=low, high=low * times, logarithmic=logarithmic)
    value = dimension.at(point)
    assert low <= value <= low * times
    assert value in {low, low * times} or value == float(f"{value:.4g}")
    part = math.log(times) and math.log(value / low) / math.log(times)
    exact = part if logarithmic else (value - low) / (low * times - low or 1)
    assert times == 1 or exact == pytest.approx(point, abs=1e-3 * times / (times - 1 + 1e-9))


def test_finalist_that_diverges_with_one_random_seed_is_not_chosen():
    def score(one):
        if one.values == OWN:
            return 1.0
        return None if one.share == 1 and one.seed > TUNING_SEED else 0.1

    found = do(search_of(), score)
    assert found.chosen == OWN
    assert [one.mean for one in found.finalists] == [1.0, None, None]


def test_what_diverges_early_does_not_go_on():
    score = {True: None, False: 1.0}
    found = do(search_of(), lambda one: score[one.values["learning_rate"] > 0.003])
    assert all(one.score is not None for one in found.trials[-1])


def test_own_values_stay_where_all_diverge_and_go_where_they_alone_do():
    found = do(search_of(), lambda one: None)
    assert (found.chosen, found.score) == (OWN, None)
    assert found.reason == (
        "all 3 finalists diverged with some random seed, so that the dataset's own values stay"
    )
    found = do(search_of(), lambda one: None if one.values == OWN else 9.0)
    assert found.chosen == found.finalists[1].values != OWN


def test_range_without_extent_is_tried_once():
    tuning = Tuning(trials=4, learning_rate=(1, 1), clip_norm=(1, 1))
    found = do(search_of(tuning=tuning), lambda one: 1.0)
    assert [len(each) for each in found.trials] == [1, 1, 2]


def test_second_search_knows_both_and_goes_no_higher():
    first = do(search_of(), misleading)
    smaller = {"learning_rate": 0.0011, "clip_norm": 1.2, "dropout": 0.45}
    search = again(first, smaller)
    draws = next_round(search, "lower", [])
    assert search.certain == (first.chosen, smaller)
    for name in ("learning_rate", "clip_norm"):
        most = max(first.chosen[name], smaller[name])
        assert all(first.search.space[name].low <= one.values[name] <= most for one in draws)
        assert search.space[name].high == most
    assert search.space["dropout"] == first.search.space["dropout"]
    assert not {one.fixed for one in draws} & {one.fixed for one in first.trials[0]}
    second = do(search, lambda one: float(one.values != smaller))
    assert second.chosen == smaller
    stays = do(search, lambda one: 1.0)
    assert stays.chosen == first.chosen
    assert stays.reason.startswith("none of 4 finalists is better than the values before")
    assert again(first, first.chosen).certain == (first.chosen,)


def test_what_two_searches_want_alike_is_counted_once():
    first = do(search_of(), misleading)
    second = do(again(first, OWN), misleading)
    found = tuned([first, second])
    trainings = {
        (one.fixed, one.share, one.seed)
        for search in (first, second)
        for each in search.trials
        for one in each
    }
    each = sum(len(each) for search in (first, second) for each in search.trials)
    assert found.trials == len(trainings) == each - 4, "two finalists with two random seeds each"
    assert (found.steps, found.searches) == (10 * len(trainings), 2)
    assert (found.chosen, found.score) == (second.chosen, second.score)


def test_search_says_nothing():
    program = (
        "from rnn_core.study import Tuning\n"
        "from rnn_core.training.search_space import search_space\n"
        "from rnn_core.training.tuning import begin, next_round\n"
        "tuning = Tuning(trials=3, dropout=(0, 0.5))\n"
        "space = search_space(tuning, {'dropout': 0.1})\n"
        "assert len(next_round(begin('gru-8', space, tuning, 4), 'lower', [])) == 3\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout + done.stderr == ""


def test_record_has_all_trials_and_the_steps_of_all():
    tuning = Tuning(trials=2, share=0.5, finalists=1, dropout=(0, 0.5))
    search = begin("gru-8", search_space(tuning, OWN), tuning, 4)
    scores = iter([None, 0.5, 0.4, 0.6, 0.2, 0.4])
    found = do(search, lambda _: next(scores))
    told = record([found], lambda one: f"{one.seed - TUNING_SEED} {one.share}", ["x"])
    (one,) = told["searches"]
    assert [[t["status"] for t in each] for each in one["rounds"]] == [
        ["diverged", "finished"],
        ["finished"] * 4,
    ]
    assert [t["training"] for t in one["rounds"][1]] == ["0 1.0", "1 1.0"] * 2
    kept = found.trials[0][1].values
    assert [(f["values"], f["mean"]) for f in one["finalists"]] == [
        ({"dropout": 0.1}, 0.5),
        (kept, pytest.approx(0.3)),
    ]
    assert one["finalists"][1]["std"] == pytest.approx(0.02**0.5)
    assert one["reason"] == (
        "finalist 2 of 2 has the best mean on the validation set, over 2 random seeds"
    )
    assert told["chosen"] == kept
    assert told["failed"] == ["x"]
    assert told["steps"] == 60
    assert one["space"]["dropout"] == {"own": 0.1, "low": 0, "high": 0.5, "logarithmic": False}
    assert tuned([found]) == Tuned(
        rounds=search.all_rounds,
        trials=6,
        steps=60,
        searches=1,
        finalists=(
            Finalist(values={"dropout": 0.1}, mean=0.5, std=pytest.approx(0.02**0.5)),
            Finalist(values=kept, mean=pytest.approx(0.3), std=pytest.approx(0.02**0.5)),
        ),
        chosen=kept,
        score=pytest.approx(0.3),
    )
