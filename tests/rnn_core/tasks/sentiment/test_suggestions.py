"""Sentiment: columns and files that are found, and those that look alike."""

import pytest
from usual_sentiment import CLASSES, draw_rows, write

from rnn_core.errors import DataError
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.sentiment.parameters import SentimentData
from rnn_core.tasks.sentiment.task import Sentiment


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", "label,Review\n{}", {"text": "Review", "label": "label"}),
        ("a.csv", "who,what\n{}", {"text": "what", "label": "who"}),
        ("a.csv", "{}", {"text": 2, "label": 1}),
        ("a.tsv", "{tab}", {"text": 2, "label": 1}),
        ("a.csv", "{semicolon}", {"text": 2, "label": 1}),
    ],
)
def test_columns_are_found(tmp_path, name, content, found):
    rows = [(label, text) for text, label in draw_rows(30)]
    forms = {"tab": "\t", "semicolon": ";"}
    bodies = {n: "".join(f"{a}{s}{b}\n" for a, b in rows) for n, s in forms.items()}
    body = "".join(f"{a},{b}\n" for a, b in rows)
    (tmp_path / name).write_text(content.format(body, **bodies))
    suggestion = Sentiment.suggest(tmp_path, {"test_share": 0.3})
    assert suggestion["data"] == found | {"test_share": 0.3}
    _, meta = Sentiment.prepare(tmp_path, SentimentData(**suggestion["data"]))
    assert meta.classes == sorted(CLASSES)
    SentimentModel(**suggestion["model"])


def test_files_of_the_splits_are_found(tmp_path):
    for name in ("train", "dev", "test"):
        write(tmp_path, draw_rows(40, seed=len(name)), f"{name}.csv", header="")
    data = Sentiment.suggest(tmp_path, {})["data"]
    files = {"train": "train.csv", "validation": "dev.csv", "test": "test.csv"}
    assert data == files | {"text": 1, "label": 2}


def test_columns_that_cannot_be_told_apart_are_listed(tmp_path):
    rows = [(text, label, label[0]) for text, label in draw_rows(30)]
    write(tmp_path, rows, header="said,one,two")
    message = r"which column holds the labels.*--target \.\.\. \(columns: said, one, two\)"
    with pytest.raises(DataError, match=message):
        Sentiment.suggest(tmp_path, {})
    assert Sentiment.suggest(tmp_path, {"label": "two"})["data"] == {"text": "said", "label": "two"}


@pytest.mark.parametrize("wanted", [{}, {"label": "labels"}])
def test_lists_of_labels_are_refused_with_what_helps(tmp_path, wanted):
    rows = [f'{{"text": "{text}", "labels": ["{label}"]}}\n' for text, label in draw_rows(30)]
    (tmp_path / "a.jsonl").write_text("".join(rows))
    with pytest.raises(DataError, match=r"inside: 'labels'; .* one value in place of each list"):
        Sentiment.suggest(tmp_path, wanted)
