"""Division of files into splits; no text is in two of them."""

import re
from collections import Counter

import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.readers.text_folders import find_class_folders
from rnn_core.tasks.sentiment.files import read_splits
from rnn_core.tasks.sentiment.parameters import SentimentData
from rnn_core.tasks.sentiment.task import Sentiment


def rows(number, seed=0, labels=("yes", "no")):
    return [(f"text {seed} of {i}", labels[i % len(labels)]) for i in range(number)]


def write(folder, name, content):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(content, columns=["text", "label"]).to_csv(file, index=False)


def read(folder, **wanted):
    """The table that `new` comes to, and the parameters that it writes."""
    asked = Sentiment.suggest(folder, wanted)["data"]
    return read_splits(folder, SentimentData(**asked)), asked


def texts_of_splits(found):
    return {
        split: set(found.table["text"][found.table["split"] == i]) for i, split in enumerate(SPLITS)
    }


@pytest.mark.parametrize("missing", ["validation", "test"])
def test_a_set_without_a_file_is_drawn_from_the_training_file(tmp_path, missing):
    there = "test" if missing == "validation" else "validation"
    write(tmp_path, "train.csv", rows(100))
    write(tmp_path, {"test": "test.csv", "validation": "dev.csv"}[there], rows(30, seed=1))
    found, _ = read(tmp_path, validation_share=0.2, test_share=0.3)
    splits = texts_of_splits(found)
    assert splits[there] == {text for text, _ in rows(30, seed=1)}
    assert splits[missing] | splits["train"] == {text for text, _ in rows(100)}
    share = {"validation": 20, "test": 30}[missing]
    assert len(splits[missing]) == share
    drawn = found.table[found.table["split"] == SPLITS.index(missing)]
    assert Counter(drawn["label"]) == {"yes": share // 2, "no": share // 2}


def test_text_of_the_test_file_is_in_no_set_that_is_drawn(tmp_path):
    """As the model sees it: capitals and blanks tell no texts apart."""
    both = [(text.upper().replace(" ", "  "), label) for text, label in rows(40)[:15]]
    write(tmp_path, "train.csv", rows(40))
    write(tmp_path, "test.csv", [*both, *rows(10, seed=1)])
    found, _ = read(tmp_path)
    words = {
        split: {t.lower().replace("  ", " ") for t in s}
        for split, s in texts_of_splits(found).items()
    }
    assert not words["test"] & (words["train"] | words["validation"])
    assert not words["train"] & words["validation"]
    assert found.left_out == 15
    assert len(found.table) == 50


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train.csv", "test.csv"), {"train": "train.csv", "test": "test.csv"}),
        (("Train.CSV", "Valid.csv"), {"train": "Train.CSV", "validation": "Valid.csv"}),
        (("a.csv",), {}),
        (
            ("train-00000-of-00001.csv", "test-00000-of-00001.csv"),
            {"train": "train-00000-of-00001.csv", "test": "test-00000-of-00001.csv"},
        ),
        (
            ("train.csv", "val_0.csv", "val_1.csv", "test-1.csv"),
            {"train": "train.csv", "validation": "val_*.csv", "test": "test-1.csv"},
        ),
    ],
)
def test_files_are_known_by_their_usual_names(tmp_path, names, expected):
    for seed, name in enumerate(names):
        write(tmp_path, name, rows(60, seed))
    found, asked = read(tmp_path)
    assert {name: asked[name] for name in SPLITS if name in asked} == expected
    assert all(texts_of_splits(found).values())


@pytest.mark.parametrize(
    "names",
    [
        ("train.csv", "val.csv", "val.tsv"),
        ("test.csv", "train-0.csv", "train-1.csv", "train-old.csv"),
        ("Train-0.csv", "test.csv", "train-1.csv"),
    ],
)
def test_several_files_of_a_set_that_are_no_pieces_are_refused(tmp_path, names):
    for name in names:
        write(tmp_path, name, rows(60))
    message = f"there are {len(names)} tables, {', '.join(names)}; say which"
    with pytest.raises(DataError, match=re.escape(message)):
        read(tmp_path)


def test_folders_of_parts_of_a_set_are_all_read(tmp_path):
    for seed, split in enumerate(("news-train-a", "news-train-b", "news-test")):
        for label in ("good", "bad"):
            texts_below(tmp_path, f"{split}/{label}", 12, 10 * seed)
    splits = [one.split for one in find_class_folders(tmp_path)]
    assert sorted(splits) == [0, 0, 0, 0, 2, 2]


def test_one_of_several_files_can_be_named_alone(tmp_path):
    for seed, name in enumerate(("first.csv", "second.csv", "third.csv")):
        write(tmp_path, name, rows(60, seed))
    with pytest.raises(DataError, match=r"there are 3 tables, first.csv, second.csv, third.csv; s"):
        read(tmp_path)
    found, _ = read(tmp_path, train="second.csv")
    assert set(found.table["text"]) == {text for text, _ in rows(60, seed=1)}
    found, _ = read(tmp_path, train="second.csv", test="third.csv")
    assert texts_of_splits(found)["test"] == {text for text, _ in rows(60, seed=2)}


def texts_below(folder, name, number, seed):
    for i in range(number):
        file = folder / name / f"{i}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"text {seed} of {i},\nand more\n")


def test_folders_of_texts_by_split_and_class(tmp_path):
    """As the Large Movie Review Dataset unpacks: some texts have no label, some files no texts."""
    for seed, name in enumerate(("train/pos", "train/neg", "test/pos", "test/neg", "train/unsup")):
        texts_below(tmp_path, name, 20, seed)
    (tmp_path / "README").write_text("about")
    (tmp_path / "train/urls_pos.txt").write_text("http")
    found, _ = read(tmp_path, validation_share=0.2)
    assert set(found.table["label"]) == {"pos", "neg"}
    assert {split: len(texts) for split, texts in texts_of_splits(found).items()} == {
        "train": 32,
        "validation": 8,
        "test": 40,
    }
    assert {text.split()[1] for text in texts_of_splits(found)["test"]} == {"2", "3"}


def test_folders_of_splits_may_be_called_otherwise(tmp_path):
    for seed, name in enumerate(("Training/pos", "Training/neg", "evaluation/pos", "eval/neg")):
        texts_below(tmp_path, name, 20, seed)
    found, _ = read(tmp_path, validation_share=0.2)
    assert {text.split()[1] for text in texts_of_splits(found)["test"]} == {"2", "3"}


@pytest.mark.parametrize(("validation", "test"), [("dev", "eval"), ("Evaluation", "test")])
def test_tables_of_splits_may_be_called_otherwise(tmp_path, validation, test):
    for seed, name in enumerate(("train", validation, test)):
        write(tmp_path, f"{name}.csv", rows(20, seed))
    splits = texts_of_splits(read(tmp_path)[0])
    assert [{text.split()[1] for text in splits[split]} for split in SPLITS] == [
        {"0"},
        {"1"},
        {"2"},
    ]


def test_folders_of_texts_by_class_are_split_by_shares(tmp_path):
    for seed, name in enumerate(("sport", "politics", "weather/local")):
        texts_below(tmp_path, name, 20, seed)
    texts_below(tmp_path, "weather", 1, 9)
    found, asked = read(tmp_path, validation_share=0.2, test_share=0.2)
    assert asked == {"validation_share": 0.2, "test_share": 0.2}
    assert Counter(found.table["label"]) == {"sport": 20, "politics": 20, "weather": 21}
    assert all(len(texts) in {12, 13, 36, 37} for texts in texts_of_splits(found).values())


def test_files_that_are_no_text_are_named_all_at_once(tmp_path):
    texts_below(tmp_path, "a", 5, 0)
    texts_below(tmp_path, "b", 5, 1)
    (tmp_path / "a/2.txt").write_bytes(b"\xff\xfe\xfa bad")
    (tmp_path / "b/4.txt").write_bytes(b"")
    with pytest.raises(DataError) as refused:
        read(tmp_path)
    assert all(name in str(refused.value) for name in ("2.txt", "4.txt"))


def test_folder_is_answered_file_by_file(tmp_path):
    from rnn_core.tasks.sentiment.learn import SentimentModel

    texts_below(tmp_path / "study", "good", 12, 0)
    texts_below(tmp_path / "study", "bad", 12, 1)
    _, meta = Sentiment.prepare(tmp_path / "study", SentimentData())
    task = Sentiment(meta, SentimentModel(embedding_size=4, hidden_size=5))
    texts_below(tmp_path, "new", 3, 5)
    table = task.read_input(tmp_path / "new")
    assert table.index.tolist() == ["0.txt", "1.txt", "2.txt"]
    assert table["text"].tolist() == [f"text 5 of {i},\nand more" for i in range(3)]


def test_wrong_rows_of_all_files_are_told_at_once(tmp_path):
    (tmp_path / "train.csv").write_text("text,label\na,yes\n,no\nb,\nc,no\n")
    (tmp_path / "test.csv").write_text('text,label\n"d\ne",yes\n,no\nf,no\n')
    with pytest.raises(DataError) as refused:
        read(tmp_path)
    assert str(refused.value).splitlines() == [
        "3 faults",
        "  train.csv, row 3 has no text",
        "  train.csv, row 4 has no label",
        "  test.csv, row 4 has no text",
        "    what to do: complete it, or remove it",
    ]


def test_many_rare_classes_are_told_at_once(tmp_path):
    rare = [(f"rare {i} {j}", f"intent{i}") for i in range(30) for j in range(2)]
    write(tmp_path, "a.csv", [*rows(100), *rare])
    with pytest.raises(DataError) as refused:
        read(tmp_path)
    told = str(refused.value).splitlines()
    assert told[0] == "30 faults"
    assert told[1].strip() == (
        "the class 'intent0' has 2 different texts, too few for 1 in the validation set and 1 in "
        "the test set"
    )
    assert told[11].strip() == "... and 20 more of this kind"
    assert "leave the class out, join it with another" in told[12]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (("1", "1.0", "0", "0.0"), ["0", "1"]),
        (("1.0", "0.0"), ["0.0", "1.0"]),
        (("01", "1", "1.5"), ["01", "1", "1.5"]),
        (("-1", "-1.0", "+1"), ["+1", "-1"]),
        (("caf\u00e9", "cafe\u0301", "bar"), ["bar", "caf\u00e9"]),
        (("Positive", "positive"), ["Positive", "positive"]),
    ],
)
def test_labels_that_are_certainly_the_same_are_one_class(tmp_path, labels, classes):
    """A number and the same with a decimal of 0; letters that look the same."""
    write(tmp_path, "a.csv", rows(30 * len(labels), labels=labels))
    found, _ = read(tmp_path)
    assert sorted(set(found.table["label"])) == classes


def test_labels_of_kinds_are_written_as_a_person_does(tmp_path):
    for name, labels in (("whole.parquet", [1, 0]), ("gaps.parquet", [1.0, 0.0])):
        folder = tmp_path / name
        folder.mkdir()
        table = pd.DataFrame(rows(60), columns=["text", "label"])
        table["label"] = labels * 30
        table.to_parquet(folder / name)
        found, _ = read(folder)
        assert set(found.table["label"]) == {"0", "1"}
