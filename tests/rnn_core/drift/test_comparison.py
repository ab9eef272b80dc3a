"""A change is found where there is one, and seldom where there is none."""

from collections import Counter

import numpy as np
import pytest
import scipy.signal
import scipy.stats
from statsmodels.stats.multitest import multipletests

from rnn_core.drift.comparison import FEWEST_ITEMS, FEWEST_STRETCHES, compare
from rnn_core.drift.traits import MOST_ITEMS, Traits, read_traits, write_traits
from rnn_core.errors import DataError

DRAWS = 200


def items(rng, number, moved=0.0):
    """Traits of texts: two numbers, one of them the same for most texts, and a kind."""
    kinds = rng.choice(["a", "b", "c"], number, p=[0.9 - moved / 2, 0.1, moved / 2])
    return Traits(
        num_items=number,
        numbers={
            "words": np.round(rng.lognormal(2 + moved, 0.5, number)),
            "unknown": rng.binomial(8, 0.02 + moved / 4, number) / 8,
        },
        categories={"script": Counter(kinds.tolist())},
    )


@pytest.mark.parametrize("number", [FEWEST_ITEMS, 300])
def test_alarms_are_rare_among_items_of_the_same_kind(number):
    rng = np.random.default_rng(number)
    training = items(rng, 1000)
    alarms = sum(
        bool(compare(training, items(rng, number), in_time=False).changed) for _ in range(DRAWS)
    )
    assert alarms <= 0.03 * DRAWS  # at a level of 1 %: more in 1 of 100 such tests


def test_changes_are_found_among_items_of_another_kind():
    rng = np.random.default_rng(0)
    training = items(rng, 1000)
    found = [compare(training, items(rng, 100, 0.6), in_time=False) for _ in range(DRAWS // 10)]
    assert all({c.trait for c in each.changed} == {"words", "unknown", "script"} for each in found)


def test_difference_that_is_significant_and_small_is_no_change():
    rng = np.random.default_rng(0)
    training, later = (
        Traits(num_items=100_000, numbers={"words": rng.normal(at, 1, 100_000)}) for at in (0, 0.1)
    )
    (change,) = compare(training, later, in_time=False).changes
    assert change.p < 1e-9
    assert change.size < change.large
    assert not change.changed


def test_tests_are_those_of_scipy():
    rng = np.random.default_rng(0)
    training, later = items(rng, 500), items(rng, 200, 0.1)
    found = {one.trait: one for one in compare(training, later, in_time=False).changes}
    plain = [
        scipy.stats.ks_2samp(training.numbers[name], later.numbers[name])
        for name in ("words", "unknown")
    ]
    table = [[one.categories["script"][kind] for kind in "abc"] for one in (training, later)]
    drawn = scipy.stats.chi2_contingency(
        table,
        correction=False,
        method=scipy.stats.MonteCarloMethod(n_resamples=9999, rng=np.random.default_rng(1)),
    )
    assert [found["words"].size, found["unknown"].size] == [one.statistic for one in plain]
    raw = [plain[0].pvalue, plain[1].pvalue, drawn.pvalue]
    expected = multipletests(raw, method="holm")[1]
    assert [one.p for one in found.values()] == pytest.approx(expected, rel=0.2, abs=2e-3)


def test_category_that_training_never_had_is_a_change():
    training = Traits(num_items=2000, numbers={}, categories={"script": {"Latin": 2000}})
    later = Traits(num_items=25, numbers={}, categories={"script": {"Latin": 20, "Greek": 5}})
    (change,) = compare(training, later, in_time=False).changed
    assert change.size == pytest.approx(0.2)
    assert "Greek 20 %" in change.now
    assert "Greek 0 %" in change.before


def test_few_items_tell_nothing():
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="has 19 items; 20 are needed"):
        compare(items(rng, 100), items(rng, 19), in_time=False)
    windows = Traits(num_items=9, numbers={"level": np.zeros(9)}, matters={"level": 1.0})
    with pytest.raises(DataError, match="has 9 windows; 10 are needed"):
        compare(windows, windows, in_time=True)


@pytest.mark.parametrize("kept", [1, 7])
def test_mean_over_windows_is_tested_as_one_more_stretch(kept):
    rng = np.random.default_rng(0)
    before, now = rng.normal(3, 1, 100), rng.normal(4, 1, kept)
    training = Traits(num_items=100, numbers={"level": before}, matters={"level": 0.5})
    later = Traits(num_items=kept, numbers={"level": now})
    (change,) = compare(training, later, in_time=True).changes
    count = 100 // kept
    means = before[100 - count * kept :].reshape(count, kept).mean(axis=1)
    pooled = scipy.stats.ttest_ind(means, [now.mean()])  # whose variance is that of the many
    assert change.p == pytest.approx(pooled.pvalue)
    assert change.size == pytest.approx(abs(now.mean() - means.mean()))


@pytest.mark.parametrize(("windows", "least", "most"), [(20, 0.12, 0.36), (100, 0, 0.08)])
def test_windows_that_stay_alike_give_false_alarms_unless_there_are_many(windows, least, most):
    rng, correlation, draws = np.random.default_rng(0), 0.9, 100
    names, kept = ["a", "b", "c"], windows // FEWEST_STRETCHES

    def wandering(number):
        noise = rng.normal(0, (1 - correlation**2) ** 0.5, (3, number + 100))
        values = scipy.signal.lfilter([1], [1, -correlation], noise)[:, 100:]
        return Traits(
            num_items=number,
            numbers=dict(zip(names, values, strict=True)),
            matters=dict.fromkeys(names, 0.5),
        )

    checks = (compare(wandering(windows), wandering(kept), in_time=True) for _ in range(draws))
    assert least <= sum(bool(check.changed) for check in checks) / draws <= most


def test_newest_windows_are_compared_where_there_are_more_than_training_can_tell_of():
    rng = np.random.default_rng(0)
    training = Traits(num_items=60, numbers={"level": rng.normal(0, 1, 60)}, matters={"level": 0.5})
    values = np.concatenate([np.full(50, 9.0), np.zeros(6)])
    drift = compare(training, Traits(num_items=56, numbers={"level": values}), in_time=True)
    assert drift.num_items == 6
    assert drift.changed == ()


def test_trait_that_never_varied_may_vary_a_little():
    training = Traits(num_items=40, numbers={"missing": np.zeros(40)}, matters={"missing": 0.05})
    for share, changed in ((0.01, False), (0.04, False), (0.3, True)):
        later = Traits(num_items=1, numbers={"missing": np.array([share])})
        assert bool(compare(training, later, in_time=True).changed) == changed


@pytest.mark.parametrize("in_time", [False, True])
def test_traits_are_read_as_they_were_written_and_some_alone_are_kept(tmp_path, in_time):
    values = np.arange(5000, dtype=np.float64)
    values[-1] = np.nan
    traits = Traits(
        num_items=5000,
        numbers={"words": values, "third": np.full(5000, 1 / 3)},
        categories={"script": {"Latin": 4000, "Greek": 1000}},
        matters={"words": 0.5},
    )
    write_traits(tmp_path / "traits.json", traits, in_time=in_time)
    assert (tmp_path / "traits.json").stat().st_size < 100_000
    found = read_traits(tmp_path / "traits.json")
    assert (found.num_items, found.categories) == (5000, traits.categories)
    assert found.matters == traits.matters
    words = found.numbers["words"]
    assert len(words) == MOST_ITEMS
    assert np.all(np.diff(words[~np.isnan(words)]) > 0)
    assert np.nanmin(words) == 3000 if in_time else np.nanmin(words) < 10
    assert found.numbers["third"][0] == 0.333333
