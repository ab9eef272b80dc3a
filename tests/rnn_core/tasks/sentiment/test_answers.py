"""Options of an answer: all probabilities, and that it is unknown."""

import numpy as np
import pandas as pd
import pytest

from rnn_core.errors import DataError, ParameterError
from rnn_core.parameters import parse
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.sentiment.parameters import SentimentData
from rnn_core.tasks.sentiment.task import Sentiment
from rnn_core.training.models import build_model

CLASSES = ["bad", "good", "so so"]
TEXTS = ["good film", "a bad one", "zzz", "good and bad and so"]


@pytest.fixture
def asked(tmp_path):
    rows = [f"{label} film {i},{label}\n" for i in range(20) for label in CLASSES]
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(rows))
    _, meta = Sentiment.prepare(tmp_path, SentimentData())
    task = Sentiment(meta, SentimentModel(embedding_size=4, hidden_size=5))
    network = build_model(task, "gru").eval()

    def ask(**wanted):
        parameters = parse(task.AnswerParameters, wanted, "", "--set")
        return task.answer(network, pd.DataFrame({"text": TEXTS}), parameters)

    return ask


def test_all_probabilities_are_beside_the_likeliest(asked):
    plain, full = asked(), asked(all=True)
    assert list(plain) == ["label", "confidence"]
    names = [f"probability_{label}" for label in CLASSES]
    assert list(full) == ["label", "confidence", *names]
    assert full[["label", "confidence"]].equals(plain)
    probabilities = full[names].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert [CLASSES[i] for i in probabilities.argmax(axis=1)] == plain["label"].tolist()
    np.testing.assert_array_equal(probabilities.max(axis=1), plain["confidence"])


def test_what_is_less_probable_than_asked_is_unknown(asked):
    plain = asked()
    limit = float(plain["confidence"].sort_values().iloc[2])
    found = asked(unknown_below=limit)
    unknown = plain["confidence"] < limit
    assert unknown.sum() == 2, "two are below the third, which is as probable as asked"
    assert (found["label"][unknown] == "unknown").all()
    assert found["label"][~unknown].equals(plain["label"][~unknown])
    assert found["confidence"].equals(plain["confidence"])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"unknown_below": 60}, r"unknown_below must be in \[0, 1\], not 60"),
        ({"al": True}, "unknown key 'al'; did you mean 'all'"),
    ],
)
def test_what_is_not_possible_is_refused(asked, wanted, message):
    with pytest.raises(ParameterError, match=message):
        asked(**wanted)


@pytest.mark.parametrize("mark", ["\u00ad", "\u200b", "\ufeff"])
def test_what_is_not_seen_changes_no_answer(tmp_path, mark):
    rows = [f"{label} fi{mark}lm {i},{label}\n" for i in range(20) for label in ("bad", "good")]
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(rows), encoding="utf-8")
    _, meta = Sentiment.prepare(tmp_path, SentimentData())
    assert "film" in meta.vocabulary
    task = Sentiment(meta, SentimentModel(embedding_size=4, hidden_size=5))
    network, options = build_model(task, "gru").eval(), task.AnswerParameters()
    texts = pd.DataFrame({"text": ["good film", f"go{mark}od film{mark}"]})
    first, second = task.answer(network, texts, options)["confidence"]
    assert first == second
    with pytest.raises(DataError, match="row 1 has no text"):
        task.answer(network, pd.DataFrame({"text": [mark]}), options)
