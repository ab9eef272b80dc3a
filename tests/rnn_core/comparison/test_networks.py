"""Distance of a network without a recurrence from the recommended candidate."""

import numpy as np
import pytest

from rnn_core.comparison.race import Trained
from rnn_core.comparison.standings import apart_from
from rnn_core.training.item_scores import ItemScores

ITEMS = 400


def trainings(losses, items=None, own=False):
    """Trainings with these losses; None for one that diverged."""
    alike = np.zeros(ITEMS) if items is None else items

    def of(loss):
        values = ItemScores(values=loss + alike, weights=np.ones(ITEMS), own_to_seed=own)
        return Trained(loss=loss, items=values)

    return [Trained(loss=None, items=None) if loss is None else of(loss) for loss in losses]


def test_what_a_seed_does_to_all_alike_is_taken_out():
    """Folds that are hard for all; only the network has the hardest two."""
    folds = np.array([9.0, 7.0, 1.0, 2.0, 0.5, 3.0])
    chance = np.random.default_rng(1).normal(0, 0.01, (3, 6))
    gru, lstm = trainings(1 + folds + chance[0], own=True), trainings(folds + chance[1], own=True)
    network = trainings(1.4 + folds[:2] + chance[2, :2], own=True)
    by, error = apart_from(network, {"gru": gru, "lstm": lstm}, "gru")
    assert by == pytest.approx(0.4, abs=0.05)
    assert 0 < error < 0.05
    by, _ = apart_from(network, {"gru": gru, "lstm": lstm}, "lstm")
    assert by == pytest.approx(1.4, abs=0.05)


def test_error_is_that_over_seeds_and_items():
    """Repeated: the differences that are found scatter as far as is said."""
    draw, found = np.random.default_rng(2), []
    for _ in range(300):
        items = draw.normal(0, 1, (2, ITEMS))
        losses = draw.normal(0, 0.05, (2, 3)) + items.mean(axis=1, keepdims=True)
        centred = items - items.mean(axis=1, keepdims=True)
        gru, network = (trainings(a, b) for a, b in zip(losses, centred, strict=True))
        found.append(apart_from(network, {"gru": gru}, "gru"))
    by, error = np.array(found).T
    assert np.abs(by.mean()) < 4 * by.std() / 300**0.5
    assert (error**2).mean() ** 0.5 == pytest.approx(by.std(), rel=0.1)


def test_with_one_seed_it_is_the_plain_difference_of_the_seeds_that_both_have():
    assert apart_from(trainings([3.0]), {"gru": trainings([1.0])}, "gru") == (2.0, None)
    assert apart_from(trainings([None]), {"gru": trainings([1.0])}, "gru") == (None, None)


def test_network_with_the_same_mean_is_not_apart_by_rounding():
    """0.8 and 0.9 are together a little more than twice 0.85."""
    network, gru = trainings([0.8, 0.9]), trainings([0.85, 0.85])
    lstm = trainings([0.3, 0.7])
    assert apart_from(network, {"gru": gru, "lstm": lstm}, "gru")[0] == 0


def test_nothing_is_told_where_no_candidate_is_recommended():
    assert apart_from(trainings([3.0, 4.0]), {"gru": trainings([None])}, None) == (None, None)


def test_seed_of_a_network_that_diverged_does_not_count():
    gru = trainings([1.0, 1.1, 0.9])
    assert apart_from(trainings([None, 2.3]), {"gru": gru}, "gru") == (
        pytest.approx(1.2),  # to the seed that both have, which is all that tells
        None,
    )


def test_candidates_that_mostly_diverged_do_not_count():
    lost = trainings([None, None, 50.0])
    known = {"gru": trainings([1.0, 1.1, 0.9]), "lstm": trainings([1.2, 1.1, 1.3])}
    network = trainings([2.0, 2.1])
    assert apart_from(network, {**known, "mgu": lost}, "gru") == apart_from(network, known, "gru")
