"""Results of classifiers by class, against scikit-learn, and the weight of each class."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score
from sklearn.utils.class_weight import compute_class_weight

from rnn_core.tasks.base.classification import calibration_error, loss_weights, macro_f1, recalls
from rnn_core.tasks.sentiment.learn import Learning as Sentiment
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.speech_recognition.learn import Learning as Speech
from rnn_core.tasks.speech_recognition.learn import SpeechModel

pytestmark = pytest.mark.usefixtures("float64")


@st.composite
def classified(draw):
    """Guesses and labels of items, where some or all classes occur."""
    size = draw(st.integers(1, 60))
    kind = st.lists(st.integers(0, draw(st.integers(1, 8))), min_size=size, max_size=size)
    return draw(kind), draw(kind)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(both=classified())
def test_macro_f1_and_recalls_are_those_of_scikit_learn(both):
    guesses, labels = map(torch.tensor, both)
    expected = f1_score(labels, guesses, average="macro", zero_division=0)
    assert macro_f1(guesses, labels) == pytest.approx(expected, abs=1e-12)
    there = sorted(set(both[1]))
    found = recalls(guesses, labels, [f"class {i}" for i in range(9)])
    each = recall_score(labels, guesses, labels=there, average=None, zero_division=0)
    assert list(found) == [f"class {i}" for i in there]
    assert list(found.values()) == pytest.approx(each)


def test_who_always_answers_the_most_frequent_class_is_seen_through():
    labels = torch.tensor([0] * 94 + [1] * 6)
    assert macro_f1(torch.zeros_like(labels), labels) == pytest.approx(94 / 97 / 2)
    assert recalls(torch.zeros_like(labels), labels, ["praise", "complaint"]) == {
        "praise": 1.0,
        "complaint": 0.0,
    }


@settings(max_examples=50, deadline=None, derandomize=True)
@given(others=st.lists(st.integers(0, 4), max_size=80))
def test_balanced_weights_are_those_of_scikit_learn(others):
    labels = np.array([0, 1, 2, 3, 4, *others], np.int32)
    (weights,) = loss_weights("balanced", torch.from_numpy(labels), 5)
    expected = compute_class_weight("balanced", classes=np.arange(5), y=labels)
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-6)
    assert not loss_weights("none", torch.from_numpy(labels), 5)


def test_a_class_that_no_training_item_is_of_has_a_finite_weight():
    (weights,) = loss_weights("balanced", torch.tensor([0, 0, 2]), 3)
    assert weights.isfinite().all()


def given_logits(kind, logits, labels, monkeypatch, model=None):
    """A task whose model puts out these logits."""
    task = kind.__new__(kind)
    task.model = model
    task.meta = SimpleNamespace(
        classes=["blame", "neither", "praise"], parameters=SimpleNamespace(metric="accuracy")
    )
    monkeypatch.setattr(kind, "outputs", lambda *_: (labels, logits))
    monkeypatch.setattr(kind, "split_items", lambda *_: torch.arange(len(labels)), raising=False)
    return task


@pytest.mark.parametrize("kind", [Sentiment, Speech])
def test_classifiers_report_it_of_the_logits_that_they_are_scored_by(kind, monkeypatch):
    logits, labels = torch.randn(50, 3), torch.randint(3, (50,))
    task = given_logits(kind, logits, labels, monkeypatch)
    data = {"speakers": torch.zeros(50), "splits": torch.zeros(1, 50)}
    scores = task.scores(None, data, "test")
    guesses = logits.argmax(dim=1)
    assert scores.others == {
        "calibration_error": calibration_error(logits, labels),
        "macro_f1": pytest.approx(f1_score(labels, guesses, average="macro")),
    }
    each = recall_score(labels, guesses, average=None)
    assert list(scores.recalls.values()) == pytest.approx(each)
    assert scores.overall == pytest.approx(float((guesses == labels).double().mean()))


NOTHING = torch.zeros(1)
SMOOTHED = SentimentModel(label_smoothing=0.2)


@pytest.mark.parametrize(
    ("kind", "model", "beside"),
    [(Sentiment, SentimentModel(), 1), (Sentiment, SMOOTHED, 1), (Speech, SpeechModel(), 0)],
)
@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_each_class_counts_in_the_loss_as_asked(kind, model, beside, weights, monkeypatch):
    """Against the sums written out: each item counts w, and the sum is divided by all w.

    Smoothing spreads a share of each label over the classes, which count as they are weighted.
    """
    logits, labels = torch.randn(9, 3), torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 2])
    model = replace(model, class_weights=weights)
    task = given_logits(kind, logits, labels, monkeypatch, model)
    batch = (NOTHING, NOTHING, labels, *[NOTHING] * beside)
    loss, _ = task.loss(lambda *_: logits, (*batch, *loss_weights(weights, labels, 3)), None)
    weight = np.array([9 / 18, 9 / 6, 9 / 3] if weights == "balanced" else [1, 1, 1])
    smoothing = getattr(model, "label_smoothing", 0)
    target = np.eye(3)[labels] * (1 - smoothing) + smoothing / 3
    log = logits.log_softmax(dim=1).numpy()
    expected = -(target * weight * log).sum() / weight[labels].sum()
    assert float(loss) == pytest.approx(expected, rel=1e-6)
