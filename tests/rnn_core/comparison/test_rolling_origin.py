"""A refit is trained and believed by what it is worth one validation set earlier."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.comparison.at_most import most_refits
from rnn_core.comparison.race import Trained
from rnn_core.comparison.refits import MEASURED_SEEDS
from rnn_core.comparison.rolling_origin import Fit, Wish, gain, refitting
from rnn_core.metric import Metric, Reached
from rnn_core.training.item_scores import ItemScores

ITEMS = 40
LOWER = Metric("mse", "", "lower")


def ending(loss, items=None, own=False):
    """A training with a mean loss, over items that vary a little around it."""
    values = loss + (np.zeros(ITEMS) if items is None else items - np.mean(items))
    return Trained(
        loss=loss, items=ItemScores(values=values, weights=np.ones(len(values)), own_to_seed=own)
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(2, 6), st.integers(0, 1000), st.floats(-2, 2))
def test_gain_over_random_seeds_is_that_of_a_paired_t_test(number, seed, shift):
    """Where each random seed has items of its own, nothing but random seeds varies."""
    draw = np.random.default_rng(seed)
    before, apart = draw.normal(5, 3, number), draw.normal(shift, 1, number)
    found = gain(
        [ending(loss, own=True) for loss in before],
        [ending(loss, own=True) for loss in before - apart],
    )
    test = scipy.stats.ttest_1samp(apart, 0, alternative="greater")
    assert found.mean == pytest.approx(apart.mean())
    assert found.error == pytest.approx(apart.std(ddof=1) / number**0.5)
    assert found.chance == pytest.approx(1 - test.pvalue, abs=0.02)
    least, most = scipy.stats.t.interval(0.9, number - 1, apart.mean(), scipy.stats.sem(apart))
    tolerance = (0.3 if number < 4 else 0.1) * (most - least)
    assert [found.at_least, found.at_most] == pytest.approx([least, most], abs=tolerance)


def test_gain_is_no_surer_than_items_are():
    """Random seeds that agree say nothing of other items."""
    draw = np.random.default_rng(0)
    apart = draw.normal(0.02, 1.0, ITEMS)
    before = [ending(3.0 + 0.1 * s) for s in range(3)]
    after = [ending(3.0 + 0.1 * s - apart.mean(), -apart) for s in range(3)]
    found = gain(before, after)
    assert found.error == pytest.approx(scipy.stats.sem(apart), rel=1e-6)
    assert found.mean == pytest.approx(apart.mean())
    alike = gain(before, [ending(one.loss) for one in after])
    assert alike.error == pytest.approx(1 / ITEMS), "a gain that is the same on all is one item's"
    assert alike.chance == pytest.approx(scipy.stats.norm.cdf(apart.mean() * ITEMS), abs=0.02)


@dataclass(frozen=True)
class End:
    """End of a training."""

    kept: int | None
    trained: Trained | None = None
    reached: Reached | None = None


@dataclass
class World:
    """Trainings that end as given.

    Attributes:
        better: By how much the refit is better, by random seed.
        kept: Epochs that were chosen one validation set earlier.
        lost: Trainings that diverge.
        begun: What was asked for, in its order.
    """

    better: list[float]
    kept: list[int]
    lost: set[tuple[str, int]] = field(default_factory=set)
    begun: list[Fit] = field(default_factory=list)

    def end(self, fit):
        if (fit.division, fit.seed) in self.lost:
            return End(kept=None, trained=Trained(loss=None, items=None))
        if fit.division == "refit":
            return End(kept=fit.epochs)
        items = np.random.default_rng(fit.seed).normal(0, 1e-3, ITEMS)
        if fit.division == "moved_back":
            return End(kept=self.kept[fit.seed], trained=ending(2.0 + fit.seed))
        return End(kept=fit.epochs, trained=ending(2.0 + fit.seed - self.better[fit.seed], items))

    def run(self, wish):
        ended = {}
        while (found := refitting(wish, ended.get)).refit is None:
            new = [fit for fit in found.asked if fit not in ended]
            assert new, "nothing is asked for, and nothing is said"
            self.begun += new
            ended |= {fit: self.end(fit) for fit in new}
        assert list(found.asked) == self.begun
        return found.refit


WISH = Wish(
    cell="gru",
    hidden_size=8,
    champion="auto",
    raced={
        0: End(kept=6, reached=Reached(0.5)),
        1: End(kept=9, reached=Reached(0.3)),
        2: End(kept=None),
        3: End(kept=8, reached=Reached(0.4)),
    },
    members=[0, 1],
    metric=LOWER,
)


def test_refit_takes_as_long_as_was_chosen_and_is_measured_likewise():
    world = World(better=[0.5, 0.6, 0.55], kept=[3, 5, 6])
    found = world.run(WISH)
    assert world.begun == [
        *(Fit("moved_back", seed) for seed in range(3)),
        *(Fit("moved_back_refit", seed, 5) for seed in range(3)),
        *(Fit("refit", seed, 8) for seed in (0, 1)),
    ]
    assert found.moved_back_epochs == 5
    assert found.epochs == 8, "the mean of 6, 9 and 8, without the one that diverged"
    assert found.gain.believed
    assert found.gain.mean == pytest.approx(0.55)
    assert (found.members, found.alone, found.measured) == ((0, 1), 1, (0, 1, 2))
    assert found.trainings == 8


@pytest.mark.parametrize("better", [[-0.5, -0.6, -0.55], [0.5, -0.6, 0.2], [0.0, 0.0, 0.0]])
def test_refit_that_is_not_better_beyond_chance_is_not_trained(better):
    found = World(better=better, kept=[3, 5, 6]).run(WISH)
    assert (found.epochs, found.members, found.alone) == (None, (), None)
    assert found.trainings == 6
    assert not found.gain.believed
    assert found.gain.mean == pytest.approx(np.mean(better))


@pytest.mark.parametrize(
    ("changes", "members", "alone"),
    [
        ({}, (0, 1), 1),
        ({"members": [0, 3]}, (0, 3), 1),
        ({"champion": "ensemble"}, (0, 1), None),
        ({"champion": "seed", "members": []}, (), 1),
        ({"champion": "ensemble", "members": []}, (), 1),
        ({"metric": replace(LOWER, direction="higher"), "members": []}, (), 0),
    ],
)
def test_all_that_may_be_registered_is_trained_on_both_sets(changes, members, alone):
    world = World(better=[0.5, 0.6, 0.55], kept=[3, 5, 6])
    found = world.run(replace(WISH, **changes))
    assert (found.members, found.alone) == (members, alone)
    wanted = sorted({*members, *([] if alone is None else [alone])})
    assert [fit.seed for fit in world.begun if fit.division == "refit"] == wanted
    assert len(world.begun) <= most_refits(max(len(members), 1))


def test_of_equal_scores_the_lower_loss_is_the_best_seed():
    raced = {
        seed: End(kept=4, reached=Reached(0.5, loss)) for seed, loss in enumerate([0.3, 0.1, 0.2])
    }
    wish = replace(WISH, raced=raced, members=[])
    assert wish.alone == 1


def test_seed_that_came_to_no_score_is_not_the_best_though_its_training_went_well():
    """As where its test score is no number: the comparison takes another one, too."""
    raced = {**WISH.raced, 1: End(kept=9)}
    assert replace(WISH, raced=raced, members=[]).alone == 3


@pytest.mark.parametrize(
    ("lost", "measured"),
    [
        ({("moved_back", 1)}, (0, 2)),
        ({("moved_back_refit", 0)}, (1, 2)),
        ({("moved_back", 0), ("moved_back_refit", 2)}, None),
        ({("moved_back", 0), ("moved_back", 1)}, None),
        ({("moved_back", seed) for seed in range(MEASURED_SEEDS)}, None),
    ],
)
def test_what_diverged_tells_nothing(lost, measured):
    """Of the random seeds that are left two are needed."""
    world = World(better=[0.5, 0.501, 0.502], kept=[4, 4, 4], lost=lost)
    found = world.run(WISH)
    left = MEASURED_SEEDS - sum(division == "moved_back" for division, _ in lost)
    again = [fit for fit in world.begun if fit.division == "moved_back_refit"]
    assert len(again) == (left if left > 1 else 0), "what can tell nothing is not trained"
    if measured is None:
        assert found.gain is None
        assert found.epochs is None
    else:
        assert found.measured == measured
        assert found.gain.believed


def test_refits_that_diverged_are_not_registered():
    world = World(better=[0.5, 0.6, 0.55], kept=[3, 5, 6], lost={("refit", 1)})
    found = world.run(WISH)
    assert (found.members, found.alone) == ((), None)
    more = World(better=[0.5, 0.6, 0.55], kept=[3, 5, 6], lost={("refit", 1)})
    assert more.run(replace(WISH, members=[0, 1, 3])).members == (0, 3)
