"""A column of a table of labelled texts that says the split of each row is followed."""

import pytest

from rnn_core.errors import DataError, ParameterError
from rnn_core.parameters import parse
from rnn_core.tasks.sentiment.parameters import SentimentData
from rnn_core.tasks.sentiment.task import Sentiment

SPLIT = ["train"] * 24 + ["dev"] * 8 + ["test"] * 8


def rows(splits=SPLIT, name="split", header=True):
    lines = [f"text\tlabel\t{name}"] if header else []
    for number, split in enumerate(splits):
        label = ("bad", "good")[number % 2]
        lines.append(f"take number {number} of the film was {label}\t{label}\t{split}")
    return "\n".join(lines) + "\n"


def write(folder, text):
    (folder / "texts.tsv").write_text(text)
    return folder


def suggested(folder, **wanted):
    return Sentiment.suggest(folder, wanted)["data"]


def numbers_by_split(folder, **data):
    """The numbers of the texts in each split, as the prepared data has them."""
    tensors, meta = Sentiment.prepare(folder, SentimentData(**data))
    found, start = {0: [], 1: [], 2: []}, 0
    for length, split in zip(tensors["lengths"].tolist(), tensors["splits"].tolist(), strict=True):
        words = [meta.vocabulary[i] for i in tensors["words"][start : start + length].tolist()]
        found[split].append(words[2])
        start += length
    return found, meta


@pytest.mark.parametrize(("name", "header"), [("split", True), ("Subset", True), ("k", False)])
def test_each_row_is_in_the_split_that_the_column_says(tmp_path, name, header):
    data = suggested(write(tmp_path, rows(name=name, header=header)))
    assert data["split_column"] == (name if header else 3)
    found, meta = numbers_by_split(tmp_path, **data)
    assert found[0] == [str(number) for number in range(24)]
    assert meta.items == {"train": 24, "validation": 8, "test": 8}


def test_set_that_the_column_does_not_name_is_drawn_from_the_training_set(tmp_path):
    splits = ["train" if split == "dev" else split for split in SPLIT]
    data = suggested(write(tmp_path, rows(splits)))
    found, meta = numbers_by_split(tmp_path, **data, validation_share=0.25)
    assert meta.items == {"train": 24, "validation": 8, "test": 8}
    assert {int(number) for number in found[0]} <= {*range(32)}


def test_column_is_found_where_labels_have_no_usual_name(tmp_path):
    text = rows().replace("text\tlabel\tsplit", "text\tkind\tpart")
    data = suggested(write(tmp_path, text))
    assert data == {"text": "text", "label": "kind", "split_column": "part"}


@pytest.mark.parametrize("splits", [["train"] * 40, ["a", "b"] * 20, ["test"] * 40])
def test_column_that_is_none_of_splits_is_not_read(tmp_path, splits):
    assert "split_column" not in suggested(write(tmp_path, rows(splits)))


def test_rows_without_a_split_are_all_named(tmp_path):
    splits = [*SPLIT[:5], "", *SPLIT[6:30], "unsupervised", *SPLIT[31:]]
    write(tmp_path, rows(splits))
    with pytest.raises(DataError) as caught:
        numbers_by_split(tmp_path, split_column="split")
    assert "texts.tsv, row 7: '' in column 'split' is no split" in str(caught.value)
    assert "texts.tsv, row 32: 'unsupervised' in column 'split' is no split" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"split_column": "text"}, "is the one of texts or labels"),
        ({"split_column": "split", "train": "a.tsv", "test": "b.tsv"}, "belongs to a single table"),
    ],
)
def test_column_that_cannot_be_one_of_splits_is_refused(data, told):
    with pytest.raises(ParameterError, match=told):
        parse(SentimentData, data, "data")


def test_column_can_be_left_unread(tmp_path):
    data = suggested(write(tmp_path, rows()), split_column=None)
    found, meta = numbers_by_split(tmp_path, **data, split_seed=3)
    assert meta.found.unread == ("split",)
    assert found[0] != [str(number) for number in range(24)]
