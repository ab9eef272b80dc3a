"""Scores of an older model that cannot be compared."""

from dataclasses import replace

import pytest
import torch

from flows.tracking.judging import NotComparableError, check_same_items
from rnn_core.tasks.base.scores import Scores

SCORES = Scores(values=torch.ones(4), weights=torch.ones(4))


@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
def test_champion_whose_scores_overflow_is_not_tested_against(lost):
    """Else p is not a number, which is below no level: whoever stands would stay, or go."""
    check_same_items(SCORES, SCORES)
    values = torch.tensor([1.0, lost, 1.0, lost])
    with pytest.raises(NotComparableError, match="its score on 2 of 4 items is no number"):
        check_same_items(SCORES, replace(SCORES, values=values))
