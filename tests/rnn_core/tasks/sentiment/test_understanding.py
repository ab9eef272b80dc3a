"""Descriptions of labelled texts before anything is trained."""

import pandas as pd
import pytest

from rnn_core.tasks.sentiment.parameters import SentimentData
from rnn_core.tasks.sentiment.task import Sentiment


def understood(folder, table, name="a.csv", **wanted):
    """Description of a table by `new`."""
    folder.mkdir(exist_ok=True)
    table.to_csv(folder / name, index=False, sep=";")
    asked = SentimentData(**Sentiment.suggest(folder, wanted)["data"])
    data, meta = Sentiment.prepare(folder, asked)
    return Sentiment.understand(folder, data, meta)


def table(counts, **columns):
    """Texts with these counts of classes."""
    labels = [label for label, number in counts.items() for _ in range(number)]
    texts = [f"film {i} {label}" for i, label in enumerate(labels)]
    return pd.DataFrame({"review": texts, "class": labels, **columns})


def test_rows_columns_classes_and_splits_are_told(tmp_path):
    told = understood(tmp_path, table({"yes": 60, "no": 40}), validation_share=0.2)
    assert told.read == (
        "100 rows, separated by semicolons, in utf-8",
        "texts: column 'review'; labels: column 'class'",
        "2 classes: yes 60, no 40",
        "60 texts in the training set, 20 in the validation set, 20 in the test set",
        "of the words, 33 % are unknown in the validation set, 33 % in the test set",
    )
    assert told.doubts == ()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "sch\u00c3\u00b6n",
            "places in all have characters such as '\u00c3\u00b6', which",
        ),
        ("sch\ufffdn", "characters in all are U+FFFD: a program"),
    ],
)
def test_texts_that_were_read_in_a_wrong_encoding_are_told(tmp_path, written, told):
    frame = table({"yes": 60, "no": 40})
    frame["review"] += [f" {written}" if row > 2 else " fine" for row in range(100)]
    assert understood(tmp_path / "one", frame).doubts[-1].startswith(f"row 5, and 97 {told}")
    folder = tmp_path / "two"
    folder.mkdir()
    frame.assign(review="so " + frame["review"]).to_csv(folder / "test.csv", index=False, sep=";")
    doubts = understood(folder, frame, "train.csv").doubts
    assert doubts[-1].startswith("row 5 of the training set, and 194 ")


def test_further_columns_that_may_be_the_labels_are_told(tmp_path):
    frame = table({"a": 50, "b": 50}, rating=[1, 5] * 50, note=range(100))
    told = understood(tmp_path, frame)
    line = "labels: column 'class' (labels may also be in 'rating': --target names them)"
    assert line in told.read[1]


def test_columns_without_names_are_told_by_their_number(tmp_path):
    (tmp_path / "a.tsv").write_text("".join(f"{i % 2}\tfilm number {i}\n" for i in range(60)))
    data, meta = Sentiment.prepare(tmp_path, SentimentData(text=2, label=1))
    told = Sentiment.understand(tmp_path, data, meta)
    assert told.read[0] == "60 rows, separated by tabs, in utf-8, no row of names"
    assert told.read[1] == "texts: column number '2'; labels: column number '1'"


def test_texts_that_are_cut_are_counted(tmp_path):
    frame = table({"yes": 30, "no": 30})
    long = frame["review"].index % 3 == 0
    frame.loc[long, "review"] += " and so on" * 20
    told = understood(tmp_path, frame, max_words=50)
    assert (
        "20 of 60 texts are cut to their first 50 words; --set max_words=... for more" in told.read
    )
    told = understood(tmp_path, frame, max_words=70)
    assert not any("cut" in line for line in told.read)


def test_unknown_words_are_told_and_doubted_above_a_half(tmp_path):
    """Whose words are all of one text alone: the test set has none of the training set's."""
    frame = pd.DataFrame(
        {"text": [f"w{i} w{i}x w{i}y film" for i in range(100)], "label": ["yes", "no"] * 50}
    )
    told = understood(tmp_path, frame)
    assert "of the words, 75 % are unknown in the validation set, 75 % in the test set" in told.read
    assert [doubt for doubt in told.doubts if doubt.startswith("75 % of the words in the test set")]
    frame["text"] = [f"w{i} film and seats" for i in range(100)]
    told = understood(tmp_path, frame)
    assert "of the words, 25 % are unknown in the validation set, 25 % in the test set" in told.read
    assert told.doubts == ()


def test_rows_that_are_left_out_are_told(tmp_path):
    frame = table({"yes": 30, "no": 30})
    frame.to_csv(tmp_path / "train.csv", index=False)
    frame.head(7).to_csv(tmp_path / "test.csv", index=False)
    both = {"train": "train.csv", "test": "test.csv", "text": "review", "label": "class"}
    data, meta = Sentiment.prepare(tmp_path, SentimentData(**both, validation_share=0.4))
    told = Sentiment.understand(tmp_path, data, meta)
    assert "7 rows are left out: their text is in a later set too" in told.read


@pytest.mark.parametrize(("rare", "doubted"), [(3, True), (15, True), (30, False)])
def test_where_one_class_is_most_of_the_texts_accuracy_is_doubted(tmp_path, rare, doubted):
    told = understood(tmp_path, table({"praise": 100, "complaint": rare}))
    share = round(100 * 100 / (100 + rare))
    line = f"{share} % of the texts have the class 'praise', so that always answering it has"
    assert any(doubt.startswith(line) for doubt in told.doubts) == doubted
    assert doubted == any("--set metric=balanced_accuracy" in doubt for doubt in told.doubts)


def test_classes_that_are_rare_in_a_set_are_doubted(tmp_path):
    told = understood(
        tmp_path, table({"a": 60, "b": 60, "c": 30}), validation_share=0.1, test_share=0.2
    )
    (doubt,) = told.doubts
    assert doubt.startswith("classes with fewer than 5 texts in the validation set: 'c'; their ")
    assert doubt.endswith("make validation_share larger")


def test_labels_that_look_alike_are_doubted(tmp_path):
    told = understood(tmp_path, table({"Positive": 40, "positive": 40, "no": 40}))
    line = "'Positive' and 'positive' are different classes, and look alike; write them the same"
    assert [doubt for doubt in told.doubts if doubt.startswith(line)]
    frame = table({"1": 40, "1.0": 40, "0": 40})
    told = understood(tmp_path / "numbers", frame)
    assert "2 classes: 1 80, 0 40" in told.read
    assert "the label '1.0' is read as the whole number that is a label too" in told.doubts


def test_one_text_with_two_labels_is_doubted_as_the_model_sees_it(tmp_path):
    frame = table({"yes": 40, "no": 40})
    frame.loc[[0, 41], "review"] = ["So  So!", "so so !"]
    told = understood(tmp_path, frame)
    line = "1 text with different labels, such as 'so so !'; no model can be right"
    assert [doubt for doubt in told.doubts if doubt.startswith(line)]


@pytest.mark.parametrize("form", ["{}.csv", "{}/yes/1.txt"])
def test_what_is_not_read_is_told(tmp_path, form):
    for name in ("train", "test", "holdout"):
        if form.endswith(".csv"):
            rows = table({"yes": 20, "no": 20})
            rows["review"] += f" of {name}"
            rows.to_csv(tmp_path / form.format(name), index=False)
        for label in ("yes", "no") if form.endswith(".txt") else ():
            (tmp_path / name / label).mkdir(parents=True)
            for i in range(20):
                (tmp_path / name / label / f"{i}.txt").write_text(f"{name} {label} film {i}")
    asked = Sentiment.suggest(tmp_path, {})["data"]
    told = Sentiment.understand(tmp_path, *Sentiment.prepare(tmp_path, SentimentData(**asked)))
    left = {"{}.csv": "holdout.csv", "{}/yes/1.txt": "holdout (40 files)"}[form]
    assert f"left out: {left}" in told.read
