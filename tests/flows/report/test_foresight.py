"""Statements about the validation items before training, and once models were scored on them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.report.foresight import after_first_seeds, before_training
from rnn_core.metric import Metric

ACCURACY = Metric("accuracy", "", "higher")
ERROR = Metric("mse", "", "lower")


def test_accuracy_is_told_before_training_and_others_after_it():
    assert "tell accuracies apart" in before_training(ACCURACY, 0.01, 400)
    assert not after_first_seeds(ACCURACY, 0.01, 400, 0.03)
    assert not before_training(ERROR, 0.01, 400)
    assert "tell models apart whose mse differs by 0.03 and more" in after_first_seeds(
        ERROR, 0.01, 400, 0.03
    )


def test_what_there_is_too_little_of_is_called_by_its_name():
    assert "some 6,300 items. With fewer, give" in before_training(ACCURACY, 0.01, 400)
    some = "some 9 times as much data. With less, give"
    assert some in after_first_seeds(ERROR, 0.01, 400, 0.03)
    assert "set `margin` to 0.025, if" in before_training(ACCURACY, 0.01, 1000)


@pytest.mark.parametrize("margin", [1, 5])
def test_margin_that_no_two_accuracies_can_differ_by_is_said_to_decide_nothing(margin):
    """As where somebody means 5 %."""
    told = before_training(ACCURACY, margin, 400)
    assert f"The margin is {margin}, but accuracies are from 0 to 1" in told
    assert "so that scores decide nothing. Set `margin` to a share, such as 0.01 for 1 %." in told
    assert "decide nothing" not in before_training(ACCURACY, 0.99, 400)


@settings(deadline=None, derandomize=True, database=None)
@given(margin=st.floats(1e-6, 1e3), factor=st.floats(1.01, 100), items=st.integers(2, 10**6))
def test_as_much_data_as_is_said_tells_the_margin(margin, factor, items):
    """And hardly less would: what items tell shrinks with the square root of their number."""
    told = after_first_seeds(ERROR, margin, items, margin * factor)
    times = int(re.search(r"it takes some ([\d,]+) times as much data", told)[1].replace(",", ""))
    assert factor / times**0.5 <= 1 + 1e-9
    assert times <= max(factor**2 + 1, 1.11 * factor**2)
    assert f"{items:,} validation items" in told
    shown, enough = (float(re.search(rf"{at} ([\d.e+-]+)", told)[1]) for at in ("by", "margin` to"))
    assert shown > margin, "it is too little for the margin"
    assert margin * factor * (1 - 1e-9) <= enough <= 1.11 * margin * factor


@pytest.mark.parametrize("smallest", [0.001, 0.01])
def test_items_that_tell_the_margin_are_enough(smallest):
    told = after_first_seeds(ERROR, 0.01, 400, smallest)
    assert told.endswith("; the margin is 0.01.")
    assert "times as much" not in told
