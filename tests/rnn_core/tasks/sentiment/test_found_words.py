"""Words that are found travel with the model: it answers as it was scored."""

import csv

import pandas as pd
import pytest
import torch
from reviews import as_written

from rnn_core.tasks.base.classification import ClassAnswer
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.sentiment.parameters import SentimentData, SentimentMeta
from rnn_core.tasks.sentiment.task import Sentiment
from rnn_core.training.models import build_model


@pytest.fixture
def thai(tmp_path):
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *as_written("Thai", 300, negated=0.3)])
    return tmp_path


def test_a_model_reads_texts_as_those_that_it_was_trained_on(thai):
    data, meta = Sentiment.prepare(thai, SentimentData())
    assert "ไม่" in meta.vocabulary and "ไม่" in meta.words
    meta = SentimentMeta.from_json(meta.to_json())
    task = Sentiment(meta, SentimentModel(hidden_size=8, embedding_size=8))
    torch.manual_seed(0)
    model = build_model(task, "gru").eval()
    with torch.inference_mode():
        scores = task.scores(model, data, "test")
        again = task.rescore(model, thai, meta.parameters, 0, meta)
    assert torch.equal(again.values, scores.values)
    table = pd.read_csv(thai / "t.csv")
    _, logits = task.outputs(model, data, "test")
    answers = task.answer(model, table, ClassAnswer(all=True))
    own = answers.filter(like="probability_").to_numpy()
    places = (data["splits"] == 2).nonzero().flatten().tolist()
    assert len(table) == len(data["splits"])
    assert own[places] == pytest.approx(logits.softmax(dim=1).detach().numpy(), abs=1e-5)
    told = Sentiment.understand(thai, data, meta).read
    assert any("words were found in texts without spaces, such as" in line for line in told)


def test_single_characters_are_read_where_that_is_asked_for(thai):
    data, meta = Sentiment.prepare(thai, SentimentData(find_words=False))
    assert meta.words == {} and "ไม่" not in meta.vocabulary
    assert not any("without spaces" in line for line in Sentiment.understand(thai, data, meta).read)
