"""Metrics that choose classifiers, against scikit-learn."""

from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.utils.class_weight import compute_class_weight

from rnn_core.comparison.statistics.pair import compare_pair
from rnn_core.parameters import parse
from rnn_core.tasks import get_task
from rnn_core.tasks.base.classification import class_metric, item_weights, share_right
from rnn_core.tasks.sentiment.learn import Learning as Sentiment
from rnn_core.tasks.speech_recognition.learn import Learning as Speech
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.models import build_model


@st.composite
def classified(draw):
    """Guesses and labels of items, of at least two classes."""
    size = draw(st.integers(2, 60))
    kind = st.lists(st.integers(0, draw(st.integers(1, 8))), min_size=size, max_size=size)
    return draw(kind), draw(kind.filter(lambda labels: len(set(labels)) > 1))


def given_logits(kind, logits, labels, monkeypatch):
    """A task whose model puts out these logits."""
    task = kind.__new__(kind)
    task.meta = SimpleNamespace(
        classes=["blame", "neither", "praise"],
        parameters=SimpleNamespace(metric="balanced_accuracy"),
    )
    monkeypatch.setattr(kind, "outputs", lambda *_: (labels, logits))
    monkeypatch.setattr(kind, "split_items", lambda *_: torch.arange(len(labels)), raising=False)
    return task


@settings(max_examples=200, deadline=None, derandomize=True)
@given(both=classified())
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_balanced_accuracy_is_a_mean_over_items_and_that_of_scikit_learn(both):
    guesses, labels = map(torch.tensor, both)
    expected = balanced_accuracy_score(labels, guesses)
    assert share_right(guesses, labels, "balanced_accuracy") == pytest.approx(expected)
    assert float(item_weights("balanced_accuracy", labels).mean()) == pytest.approx(1)
    plain = float((guesses == labels).double().mean())
    assert share_right(guesses, labels, "accuracy") == pytest.approx(plain)


@pytest.mark.parametrize("kind", [Sentiment, Speech])
def test_classifiers_are_scored_and_chosen_by_what_was_asked_for(kind, monkeypatch):
    logits = torch.randn(60, 3, dtype=torch.float64)
    labels = torch.tensor([0] * 50 + [1] * 7 + [2] * 3)
    task = given_logits(kind, logits, labels, monkeypatch)
    data = {"speakers": torch.zeros(60), "splits": torch.zeros(1, 60)}
    scores, guesses = task.scores(None, data, "test"), logits.argmax(dim=1)
    assert (task.metric.name, task.metric.direction) == ("balanced_accuracy", "higher")
    assert scores.overall == pytest.approx(balanced_accuracy_score(labels, guesses))
    assert scores.overall == pytest.approx(np.mean(list(scores.recalls.values())))
    assert scores.others["accuracy"] == pytest.approx(float((guesses == labels).double().mean()))
    weights = compute_class_weight("balanced", classes=np.arange(3), y=labels.numpy())
    expected = log_loss(labels, logits.softmax(dim=1), sample_weight=weights[labels])
    assert scores.loss == pytest.approx(expected)


def test_what_finds_the_rare_class_wins_by_balanced_accuracy_and_loses_by_accuracy():
    """The one is right on all that is common, the other on all that is rare and most else."""
    labels = torch.tensor([0] * 380 + [1] * 20)
    common, rare = torch.zeros(400).long(), labels.clone()
    rare[:60] = 1
    found = {}
    for metric in ("accuracy", "balanced_accuracy"):
        weights = item_weights(metric, labels).numpy()
        each = [
            ItemScores(values=(guesses == labels).double().numpy(), weights=weights)
            for guesses in (rare, common)
        ]
        found[metric] = compare_pair(*each, class_metric(metric, "texts"))
    assert found["accuracy"].better_by == pytest.approx(-40 / 400)
    assert found["accuracy"].p_worse < 0.001
    assert found["balanced_accuracy"].better_by == pytest.approx((320 / 380 + 1) / 2 - 0.5)
    assert found["balanced_accuracy"].p_better < 0.001


def rare_words(folder):
    """Texts where one in nine has another class; parameters for them."""
    words = ["bad", *["good"] * 8] * 20
    rows = [f"it was {word} in room {i},{word}" for i, word in enumerate(words)]
    (folder / "t.csv").write_text("\n".join(["text,label", *rows]))
    return {}


def rare_recordings(folder):
    """Recordings where one in four has another word; parameters for them."""
    noise = np.random.default_rng(0)
    for i, word in enumerate(["no", "yes", "yes", "yes"] * 3):
        samples = noise.uniform(-0.5, 0.5, 800)
        soundfile.write(folder / f"{word}_{'abc'[i // 4]}_{i}.wav", samples, 8000)
    return {"num_mels": 8, "split_by": "speaker", "validation": ["b"], "test": ["c"]}


FILES = {"sentiment": rare_words, "speech_recognition": rare_recordings}


@pytest.mark.parametrize("name", FILES)
def test_a_model_that_was_chosen_by_another_metric_is_scored_by_that_of_the_challenger(
    tmp_path, name
):
    kind, parameters = get_task(name), FILES[name](tmp_path)
    asked = parse(kind.DataParameters, parameters | {"metric": "balanced_accuracy"}, "")
    data, meta = kind.prepare(tmp_path, asked)
    older = kind(kind.prepare(tmp_path, parse(kind.DataParameters, parameters, ""))[1], SMALL[name])
    newer = kind(meta, SMALL[name])
    model = build_model(older, "gru").eval()
    with torch.inference_mode():
        found = older.rescore(model, tmp_path, asked, 0, meta)
        expected = newer.scores(model, data, "test")
    assert (older.metric.name, newer.metric.name) == ("accuracy", "balanced_accuracy")
    assert found.overall == expected.overall
    assert torch.equal(found.weights, expected.weights)
    assert len(found.weights.unique()) == 2


SMALL = {name: get_task(name).ModelParameters(hidden_size=6) for name in FILES}


def test_baselines_are_scored_by_what_models_are(tmp_path):
    """Always answering the most frequent of two classes has a balanced accuracy of a half."""
    rows = [
        f"it was {'bad' if i % 9 == 0 else 'good'} in room {i},{i % 9 == 0}" for i in range(180)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *rows]))
    kind, found = get_task("sentiment"), {}
    for metric in ("accuracy", "balanced_accuracy"):
        data, meta = kind.prepare(tmp_path, kind.DataParameters(metric=metric))
        found[metric] = kind(meta, SMALL["sentiment"]).baselines(data)
    assert found["accuracy"]["most_frequent"] == pytest.approx(8 / 9, abs=0.02)
    assert found["balanced_accuracy"]["most_frequent"] == 0.5
    assert found["balanced_accuracy"]["naive_bayes"] == 1.0


@pytest.mark.parametrize("name", FILES)
def test_who_asks_for_the_balanced_metric_trains_by_balanced_weights_unless_told(tmp_path, name):
    FILES[name](tmp_path)
    for wanted, expected in (({"metric": "balanced_accuracy"}, "balanced"), ({}, None)):
        found = get_task(name).suggest(tmp_path, wanted)
        assert found["model"].get("class_weights") == expected
