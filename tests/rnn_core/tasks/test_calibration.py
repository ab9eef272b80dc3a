"""The calibration error against scikit-learn, and against classifiers whose error is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.calibration import calibration_curve

from rnn_core.tasks.base.classification import BINS, calibration_error

pytestmark = pytest.mark.usefixtures("float64")


def of_scikit_learn(logits, labels, bins=BINS):
    """By scikit-learn's curve; how many items an interval has is counted by NumPy."""
    probabilities = softmax(logits, axis=1)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    counts, _ = np.histogram(confidence, bins, (0, 1))
    accuracy, mean = calibration_curve(right, confidence, n_bins=bins)
    return float((counts[counts > 0] * np.abs(accuracy - mean)).sum() / len(labels))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    items=st.integers(1, 300),
    classes=st.integers(2, 12),
    size=st.sampled_from([0.1, 1.0, 5.0, 300.0]),
)
def test_error_is_that_of_scikit_learn(seed, items, classes, size):
    generator = np.random.default_rng(seed)
    logits = size * generator.standard_normal((items, classes))
    labels = generator.integers(0, classes, items)
    found = calibration_error(torch.from_numpy(logits), torch.from_numpy(labels))
    assert found == pytest.approx(of_scikit_learn(logits, labels), abs=1e-12)


def saying(confidences, right):
    """Logits of two classes, where class 0 has these probabilities, and labels."""
    p = torch.tensor(confidences)
    return torch.stack([p.log(), (1 - p).log()], dim=1), torch.tensor([int(not r) for r in right])


def test_who_is_right_as_often_as_said_has_no_error():
    logits, labels = saying([0.75] * 4 + [0.6] * 5, [1, 1, 1, 0, 1, 0, 1, 0, 1])
    assert calibration_error(logits, labels) == pytest.approx(0, abs=1e-12)


def test_error_is_the_mean_distance_of_accuracy_from_what_was_said():
    # .9 said and 1/2 right: .4, of four items; .6 said and all right: .4, of one
    logits, labels = saying([0.9] * 4 + [0.6], [1, 1, 0, 0, 1])
    assert calibration_error(logits, labels) == pytest.approx(0.4)
    assert calibration_error(logits + 7, labels) == pytest.approx(0.4), "a constant for each item"


def test_opposite_errors_of_two_intervals_do_not_cancel():
    logits, labels = saying([0.9, 0.9, 0.6, 0.6], [1, 0, 1, 1])
    assert calibration_error(logits, labels) == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)


def test_an_interval_holds_its_upper_end():
    """Of 2 intervals, a probability of exactly 1/2 lies in the lower one."""
    logits, labels = saying([0.5, 0.5, 1.0 - 1e-9], [1, 1, 0])
    assert calibration_error(logits, labels, bins=2) == pytest.approx((2 * 0.5 + 1) / 3)


def test_sure_and_wrong_is_the_worst():
    logits, labels = saying([1 - 1e-12] * 3, [0, 0, 0])
    assert calibration_error(logits, labels) == pytest.approx(1)
