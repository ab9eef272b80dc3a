"""Sources of sentences: reviews mean what their words say, and public files are the right ones."""

import csv
import os
import re

import numpy as np
import pytest

from rnn_core.files import sha256_of
from rnn_core.readers.faults import Faults
from rnn_core.readers.labelled_texts import read_texts
from rnn_core.readers.table_files import TableForm
from rnn_core.sources import get_source
from rnn_core.sources.download import MIRROR_VARIABLE
from rnn_core.sources.review_grammar import ReviewGrammar
from rnn_core.tasks.sentiment.parameters import SentimentData
from rnn_core.tasks.sentiment.task import Sentiment

PRAISE = {"good", "great", "clever", "warm", "fresh", "moving"}
BLAME = {"bad", "awful", "dull", "cold", "stale", "clumsy"}


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    ReviewGrammar(num_reviews=4000, wrong_share=0.1, seed=5).fetch(folder)
    with (folder / "reviews.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return rows, np.load(folder / "likeliest.npy")


def meaning(text):
    """Meaning of a review, by the rules that the grammar states."""
    (core,) = (part for part in text.split(" . ") if re.search(r"\bthe \w+ is\b", part))
    core = core.removesuffix(" .")
    if " but " in core:
        core = core.split(" but ")[1]
    elif core.startswith("although "):
        core = core.split(" , ")[1]
    else:
        core = core.split(" although ")[0]
    words = core.split()
    assert (words[-1] in PRAISE) != (words[-1] in BLAME)
    negations = sum(word in {"not", "no", "never", "hardly"} for word in words)
    return (words[-1] in PRAISE) ^ (negations % 2 == 1)


def test_likeliest_label_is_what_the_review_says(reviews):
    rows, likeliest = reviews
    for row, is_likeliest in zip(rows, likeliest, strict=True):
        assert (row["label"] == "praise") == (meaning(row["text"]) == bool(is_likeliest))


def test_share_of_wrong_labels_is_as_declared(reviews):
    rows, likeliest = reviews
    assert likeliest.mean() == pytest.approx(0.9, abs=4 * np.sqrt(0.1 * 0.9 / len(rows)))
    praise = np.mean([row["label"] == "praise" for row in rows])
    assert praise == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / len(rows)))


def test_reviews_negate_once_and_twice_and_contrast(reviews):
    texts = [row["text"] for row in reviews[0]]
    shares = {
        pattern: np.mean([bool(re.search(pattern, text)) for text in texts])
        for pattern in (r" but ", r"although ", r"(says|say|that) the \w+ is (not|never|hardly)")
    }
    assert shares[" but "] == pytest.approx(0.2, abs=0.03)
    assert shares["although "] == pytest.approx(0.4, abs=0.03)
    assert min(shares.values()) > 0.1


def test_reviews_do_not_drift(tmp_path):
    ReviewGrammar(num_reviews=50, wrong_share=0.05, seed=2026).fetch(tmp_path)
    assert sha256_of(tmp_path / "reviews.csv") == (
        "804c8dbe30c7a0996ae45b79fa8bfe9464a68fa947383e3fc4d1639875381c4c"
    )


@pytest.mark.skipif(MIRROR_VARIABLE not in os.environ, reason=f"{MIRROR_VARIABLE} is not set")
def test_sst2_has_its_published_splits(tmp_path):
    get_source("sst2").fetch(tmp_path)
    files = {"train": "train.tsv", "validation": "dev.tsv", "test": "test.tsv"}
    read = [read_texts(tmp_path / f, 1, 2, TableForm(), Faults()) for f in files.values()]
    labels = [one.table["label"].tolist() for one in read]
    assert [(len(of), of.count("1")) for of in labels] == [(6920, 3610), (872, 444), (1821, 909)]
    _, meta = Sentiment.prepare(tmp_path, SentimentData(text=1, label=2, **files))
    assert meta.items == {"train": 6917, "validation": 872, "test": 1821}
    assert meta.left_out == 3
