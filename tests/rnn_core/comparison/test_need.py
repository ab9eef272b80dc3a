"""The suggested seeds and items settle about half of the open studies; limits of items."""

from itertools import combinations, pairwise

import numpy as np
import pytest
import scipy.stats

from rnn_core.comparison.need import (
    CRITICAL,
    future,
    grown,
    items_for_share,
    need_of,
    settled,
    smallest_difference,
    smallest_share,
)
from rnn_core.comparison.race import SAFE
from rnn_core.comparison.statistics.items import Items
from rnn_core.comparison.statistics.posterior import posterior, risk_of

NUM_ITEMS = 30
MOST_ITEMS = 32
MARGIN = 1.0


class Study:
    """Candidates with as many seeds and items as one may want; the truth is drawn.

    Standard deviations are over seeds, and of a candidate's mean by `NUM_ITEMS` items. True means
    are uniform, since what is computed takes any differences for equally likely.
    """

    def __init__(self, number, count, by_seeds, by_items, width):
        generator = np.random.default_rng([number, count])
        means = generator.uniform(-width, width, (count, 1))
        self.models = means + by_seeds * generator.normal(size=(count, 400))
        size = count, NUM_ITEMS * MOST_ITEMS
        self.items = by_items * NUM_ITEMS**0.5 * generator.normal(size=size)

    def known(self, seeds, more=1.0):
        """Posterior with `times` as many seeds, and items."""
        losses = self.items[:, : int(NUM_ITEMS * more)]
        number = losses.shape[1]
        items = Items(losses=losses, weights=np.ones(number), clusters=np.arange(number))
        return posterior(self.models[:, :seeds] + losses.mean(1, keepdims=True), items)

    def is_settled(self, seeds, more=1.0):
        """Return whether some candidate is safe with `seeds` seeds, and `more` times the items."""
        return risk_of(self.known(seeds, more).draws(), MARGIN).chance.max() >= SAFE


def open_studies(seeds, *how, studies):
    """Those that are not settled with `seeds` seeds."""
    each = (Study(number, *how) for number in range(studies))
    return [study for study in each if not study.is_settled(seeds)]


@pytest.mark.parametrize("times", [(1.5, 1.0), (3.0, 1.0), (1.5, 4.0)])
def test_share_of_futures_that_are_settled_is_that_of_studies_that_go_on(times):
    """With multiples of the seeds and the items, predictions come true as often as predicted."""
    seeds, more = times
    studies = open_studies(4, 3, 1.5, 0.4, 5.0, studies=150)
    foreseen, happened = [], []
    for study in studies:
        known = study.known(4)
        parts = future(known, seeds, more), grown(known, seeds, more)
        foreseen.append(settled(*parts, MARGIN).mean())
        happened.append(study.is_settled(int(4 * seeds), more))
    assert len(studies) >= 50
    error = (0.25 / len(studies)) ** 0.5
    assert np.mean(foreseen) == pytest.approx(np.mean(happened), abs=2 * error)
    assert 0.1 < np.mean(happened) < 0.95


@pytest.mark.parametrize("times", [(1.5, 1.0), (1.0, 3.0), (4.0, 2.0)])
def test_what_would_be_found_and_what_would_stay_open_are_all_that_is_not_known(times):
    """Their variances add up to that of today, for every pair of candidates."""
    known = Study(5, 4, 6.0, 0.8, 2.0).known(40)
    drawn = (known.draws(), future(known, *times), grown(known, *times))
    today, found, left = (np.cov(draws.T) for draws in drawn)
    for i, j in combinations(range(4), 2):
        pair = np.zeros(4)
        pair[[i, j]] = 1, -1
        assert pair @ (found + left) @ pair == pytest.approx(pair @ today @ pair, rel=0.25)


@pytest.mark.parametrize("how", [(3, 1.5, 0.1, 5.0), (2, 0.3, 1.0, 4.0)], ids=["seeds", "items"])
@pytest.mark.thorough
def test_what_is_needed_settles_about_half_of_studies_and_a_fraction_of_it_few(how):
    """Where the seeds are what is missing, and where the items are."""
    enough, too_few, needs = [], [], []
    for study in open_studies(4, *how, studies=70):
        need = need_of(study.known(4), 4, MARGIN)
        if need is None:
            continue
        needs.append(need)
        enough.append(study.is_settled(need.seeds, need.items))
        few = max(4, round(need.seeds / 3)), max(1.0, need.items / 3)
        too_few.append(study.is_settled(*few))
    assert len(needs) >= 25
    assert 0.35 <= np.mean(enough) <= 0.85
    assert np.mean(too_few) <= np.mean(enough) / 2
    by_items = np.mean([need.items > 1 for need in needs])
    assert by_items > 0.75 if how[2] > how[1] else by_items < 0.1


def test_range_of_what_it_takes_holds_the_proposal():
    for study in open_studies(4, 3, 1.5, 0.5, 5.0, studies=25):
        need = need_of(study.known(4), 4, MARGIN)
        cost = need.seeds / 4 * need.items
        assert need.least <= cost
        assert need.most is None or cost <= need.most


def test_more_would_not_settle_what_is_far_beyond_reach():
    study = Study(0, 12, 400.0, 0.1, 5.0)
    assert need_of(study.known(5), 5, MARGIN) is None


def test_items_are_not_named_where_seeds_do_not_share_them():
    losses = Study(1, 3, 1.5, 0.1, 1.0).models[:, :4]
    need = need_of(posterior(losses, None), 4, MARGIN)
    assert need.items == 1
    assert need.seeds > 4


def test_wider_margin_needs_less():
    study = Study(3, 3, 1.5, 0.3, 1.0)
    costs = []
    for margin in (0.4, 0.7, 1.2):
        need = need_of(study.known(4), 4, margin)
        costs.append(need.seeds * need.items)
    assert all(one >= other for one, other in pairwise(costs))
    assert costs[0] > costs[-1]


def test_items_tell_differences_of_so_many_standard_errors():
    """Of pairs, by scipy."""
    losses = np.random.default_rng(0).normal(size=(3, 50)) * [[1.0], [2.0], [0.5]]
    items = Items(losses=losses, weights=np.ones(50), clusters=np.arange(50))
    errors = [scipy.stats.sem(losses[i] - losses[j]) for i, j in combinations(range(3), 2)]
    assert smallest_difference(items) == pytest.approx(CRITICAL * np.mean(errors))
    alone = Items(losses=losses[:1], weights=np.ones(50), clusters=np.arange(50))
    assert smallest_difference(alone) is None


def test_accuracies_that_differ_by_what_items_can_tell_are_told_apart():
    """Two classifiers that differ on one item in ten: the better one is found in nine of ten."""
    number = 2000
    apart = smallest_share(number)
    generator = np.random.default_rng(1)
    chances = [0.05 + apart / 2, 0.9, 0.05 - apart / 2]
    found = 0
    for _ in range(300):
        better = generator.choice([1.0, 0.0, -1.0], size=number, p=chances)
        found += scipy.stats.ttest_1samp(better, 0.0, alternative="greater").pvalue < 0.05
    assert 0.7 <= found / 300 <= 0.95
    assert items_for_share(apart) == pytest.approx(number, abs=1)
