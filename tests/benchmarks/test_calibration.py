"""The race on studies whose truth is known: a short run of the calibration, and its own honesty."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from calibration_kinds import TYPICAL
from depth import number
from scipy.stats import beta, binom

from rnn_core.metric import SCORED

BENCHMARK = Path(__file__).parents[2] / "benchmarks/calibration.py"
NUM_STUDIES = number(quick=20, whole=40)
CANDIDATES = 8


@pytest.fixture(scope="module")
def calibration():
    spec = importlib.util.spec_from_file_location("calibration", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibration"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["calibration"]


@pytest.fixture(scope="module")
def rows(calibration):
    """Results of some studies of a kind: by the race, and by the earlier rule."""
    known = {}

    def of(name):
        if name not in known:
            kind = next(kind for kind in calibration.KINDS if kind.name == name)
            both = [calibration.simulate(kind, CANDIDATES, i) for i in range(NUM_STUDIES)]
            known[name] = [calibration.summary(kind, each) for each in zip(*both, strict=True)]
        return known[name]

    return of


def fewest(share):
    """Smallest share of these studies, except for one case in a thousand."""
    return binom.ppf(0.001, NUM_STUDIES, share) / NUM_STUDIES


def most(share, studies=NUM_STUDIES):
    """Largest share of some studies, except for one case in a thousand."""
    return binom.ppf(0.999, studies, share) / studies


def test_clear_studies_are_decided_with_few_trainings_and_seldom_wrongly(rows):
    race, earlier = rows("easy")
    assert race.decided >= fewest(0.99)
    assert race.trainings <= 28
    assert race.wrong <= most(0.005)
    assert race.trainings < earlier.trainings
    assert race.decided > earlier.decided


def test_typical_studies_are_often_decided_and_seldom_wrongly(rows):
    race, earlier = rows("typical")
    assert race.decided >= fewest(0.6)
    assert race.trainings <= 55
    assert race.wrong <= most(0.01)
    assert earlier.decided <= most(0.1)


@pytest.mark.thorough
def test_equal_candidates_are_never_wrong_and_seldom_called_worse(rows):
    race, _ = rows("typical, all equal")
    assert (race.wrong, race.regret) == (0, 0)
    assert race.inferior <= most(0.12)


def test_calibration_sees_what_a_careless_race_does(calibration, monkeypatch):
    """One that decides at even chances, on studies that are noisy."""
    monkeypatch.setattr("rnn_core.comparison.race.SAFE", 0.5)
    kind = next(kind for kind in calibration.KINDS if kind.name == "noisy")
    each = [calibration.by_race(study(calibration, kind, i)) for i in range(40)]
    row = calibration.summary(kind, each)
    assert row.wrong > most(0.02, 40)
    promises = calibration.broken_promises(kind, row)
    assert [promise.partition(": ")[2] for promise in promises] == [
        "not wrong in at most 2% of studies",
        "not wrong in at most 5% of decisions",
    ]


def study(calibration, kind, number, candidates=CANDIDATES):
    return calibration.generate(kind, candidates, np.random.default_rng(number))


@pytest.mark.parametrize("chance", ["normal", "t3", "exponential", "outlying"])
def test_chance_has_the_standard_deviation_that_a_kind_says(calibration, chance):
    found = calibration.chances(chance, np.random.default_rng(0), 20_000)
    assert found.mean() == pytest.approx(0, abs=0.01)
    assert found.std() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("clusters", [204, 6])
def test_studies_are_as_a_kind_says(calibration, clusters):
    """Standard deviations of differences over seeds and by items, and the distance of truths."""
    kind = replace(TYPICAL, seeds=1.2, items=0.25, clusters=clusters)
    one = study(calibration, kind, 3, candidates=400)
    losses = np.array([[t.loss for t in each["validation"]] for each in one.trained])
    losses /= calibration.MARGIN
    apart = losses - losses.mean(axis=0)
    assert apart.std(axis=1, ddof=1).mean() == pytest.approx(1.2, rel=0.05)
    for split in SCORED:
        by_items = one.items[split] - one.items[split].mean(axis=0)
        assert by_items.mean(axis=1).std() == pytest.approx(0.25, rel=0.15)
        groups = {tuple(one.clusters[row == row[0]]) for row in by_items.round(9)}
        assert all(len(set(group)) == 1 for group in groups)
    assert one.behind.min() == 0
    assert np.square(one.behind).mean() ** 0.5 == pytest.approx(3.0, rel=0.15)
    assert apart.mean(axis=1).std() > 1.5


def test_recommendation_is_held_against_the_truth(calibration):
    one = study(calibration, TYPICAL, 0, candidates=4)
    one = replace(one, behind=np.array([1.5, 0.9, 0.0, 2.0]))

    def outcome(chosen):
        found = calibration.outcome_of(one, chosen, trainings=9, decided=True, inferior=False)
        return found.regret, found.cheaper

    assert [outcome(chosen) for chosen in range(4)] == [
        (1.5, False),
        (0.9, False),
        (0.0, True),
        (2.0, True),
    ]


def test_limits_are_those_of_clopper_and_pearson(calibration):
    def outcome(*, decided, regret):
        return calibration.Outcome(
            trainings=24, decided=decided, regret=regret, cheaper=False, inferior=True
        )

    wrong, right = outcome(decided=True, regret=1.2), outcome(decided=True, regret=0.9)
    left = outcome(decided=False, regret=5.0)
    row = calibration.summary(TYPICAL, [wrong] * 3 + [right] * 97 + [left] * 100)
    assert (row.decided, row.wrong, row.inferior) == (0.5, 3 / 200, None)
    assert row.wrong_at_most == pytest.approx(beta.ppf(0.95, 4, 197))
    limits = beta.ppf(0.025, 3, 98), beta.ppf(0.975, 4, 97)
    assert row.wrong_decisions == pytest.approx((0.03, *limits))
    assert row.regret == pytest.approx((3 * 1.2 + 97 * 0.9 + 100 * 5.0) / 200)
