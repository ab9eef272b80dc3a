"""The shipped comparison on studies whose truth is known: a short run of the calibration."""

import importlib.util
import sys
from pathlib import Path

import pytest
from scipy.stats import binom

BENCHMARK = Path(__file__).parents[2] / "benchmarks/calibration.py"
NUM_STUDIES = 25
CANDIDATES = 6


@pytest.fixture(scope="module")
def calibration():
    spec = importlib.util.spec_from_file_location("calibration", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.modules["calibration"] = module
    spec.loader.exec_module(module)
    return module


def outcomes(calibration, **setting):
    kind = calibration.Setting(name="test", **setting)
    numbers = range(NUM_STUDIES)
    rows = [calibration.simulate(kind, CANDIDATES, number) for number in numbers]
    return calibration.summary(kind, rows)


def most(share):
    """So many of the studies at most, but for one case in a thousand."""
    return binom.ppf(0.999, NUM_STUDIES, share)


@pytest.mark.parametrize("options", [{}, {"uneven": 4.0}], ids=["alike", "uneven"])
def test_equal_candidates_are_seldom_called_inferior(calibration, options):
    row = outcomes(calibration, num_seeds=3, **options)
    assert row["wrongly_inferior"] <= most(0.05)
    assert row["unfounded"] == 0


def test_worse_candidate_is_found_with_ten_seeds(calibration):
    """A deficit of two margins, where a difference spreads by one and a half over seeds."""
    row = outcomes(calibration, num_seeds=10, deficit=2.0)
    assert NUM_STUDIES - row["found"] <= most(0.2)
    assert row["wrongly_inferior"] <= most(0.05)
    assert row["unfounded"] == 0


def test_seeds_are_added_until_the_rule_decides_or_there_are_so_many(calibration):
    row = outcomes(calibration, num_seeds=2, deficit=20.0, max_seeds=6, spread=0.05)
    assert row["decided"] > 0
    assert row["wrong"] <= most(0.05)
    assert 2 < row["mean_seeds"] <= 6
