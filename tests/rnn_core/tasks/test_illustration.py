"""Places spread over a split, and counted confusions."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix

from rnn_core.tasks.illustration import confusion, spread


@pytest.mark.parametrize("most", [2, 3, 5])
@pytest.mark.parametrize("num_items", [1, 2, 5, 6, 7, 1000])
def test_places_are_spread_evenly_from_the_first_to_the_last(num_items, most):
    places = spread(num_items, most)
    assert len(places) == min(num_items, most)
    assert (places[0], places[-1]) == (0, num_items - 1)
    gaps = np.diff(places)
    assert not len(gaps) or 1 <= gaps.min() <= gaps.max() <= gaps.min() + 1


def test_confusions_are_those_of_scikit_learn():
    draw = torch.Generator().manual_seed(0)
    truth, guesses = torch.randint(4, (2, 100), generator=draw)
    guesses[guesses == 3] = 0  # which no item is taken for
    expected = confusion_matrix(truth, guesses, labels=range(5)).tolist()
    assert confusion(truth, guesses, 5) == expected
