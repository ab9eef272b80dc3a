"""Tasks of sentiment, of reviews that a test draws."""

import random

import torch

from rnn_core.metric import SPLITS
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.sentiment.parameters import SentimentData
from rnn_core.tasks.sentiment.task import Sentiment

WORDS = ["good", "bad", "plot", "cast", "film", "not", "very", "dull", "fresh", "long", "warm"]
CLASSES = ("blame", "neither", "praise")


def no_evidence(batch, steps):
    """Evidence of a model without evidence."""
    return torch.zeros(batch, steps, 0)


def write(folder, rows, name="reviews.csv", header="text,label"):
    text = "\n".join([header, *(",".join(row) for row in rows)]) + "\n"
    (folder / name).write_text(text.removeprefix("\n"), encoding="utf-8")


def draw_rows(num_rows, seed=0):
    draw = random.Random(seed)
    return [
        (" ".join(draw.choices(WORDS, k=draw.randint(1, 12))), draw.choice(CLASSES))
        for _ in range(num_rows)
    ]


def prepared(raw, model=None, **options):
    data, meta = Sentiment.prepare(raw, SentimentData(**options))
    return Sentiment(meta, model or SentimentModel(embedding_size=4, hidden_size=5)), data


def sentences(task, data, split=None):
    """The words of each sentence of a split, as text, with its class."""
    pieces = data["words"].split(data["lengths"].tolist())
    splits, labels = data["splits"].tolist(), data["labels"].tolist()
    return [
        (" ".join(task.meta.vocabulary[word] for word in piece), task.meta.classes[label])
        for piece, index, label in zip(pieces, splits, labels, strict=True)
        if split is None or SPLITS[index] == split
    ]
