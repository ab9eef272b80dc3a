"""Texts with labels that are no table: the same texts and labels as in a plain CSV."""

import gzip
import json

import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.readers.labelled_lines import find_kind, read_line
from rnn_core.tasks.sentiment.files import read_splits
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.sentiment.parameters import SentimentData, SentimentMeta
from rnn_core.tasks.sentiment.task import Sentiment

WORDS = {"pos": "good, and fine", "neg": "bad ; or worse", "neu": "so so"}
FILMS = [
    (f"the film {i}{', at length,' * (i % 2)} is {word}", label)
    for i in range(24)
    for label, word in WORDS.items()
]
TWO = [pair for pair in FILMS if pair[1] != "neu"]
NUMBERS = {"pos": "2", "neg": "0", "neu": "1"}


def lines(form, pairs=FILMS):
    return "".join(
        form.format(text=t, label=k, up=k.upper(), n=NUMBERS[k]) + "\n" for t, k in pairs
    )


def of_class(label, pairs=FILMS):
    return "".join(f"{text}\n" for text, own in pairs if own == label)


def trees(pairs):
    """A tree of each text: its first word, and the others word by word."""
    made = []
    for text, label in pairs:
        first, *rest = text.split()
        inner = " ".join(f"(1 {word})" for word in rest)
        made.append(f"({NUMBERS[label]} (1 {first}) (1 {inner}))\n")
    return "".join(made)


def renamed(change, pairs=FILMS):
    return [(text, change(label)) for text, label in pairs]


BY_NUMBER = renamed(NUMBERS.get)

LINES = {
    "fastText": ("a.txt", lines("__label__{label} {text}"), FILMS),
    "fastText with a comma": ("a.txt", lines("__label__{label} , {text}"), FILMS),
    "fastText with a tab": ("a.txt", lines("__label__{label}\t{text}"), FILMS),
    "fastText behind the text": ("a.txt", lines("{text}\t__label__{label}"), FILMS),
    "fastText in a file of its own": ("a.train", lines("__label__{label} {text}"), FILMS),
    "fastText in a file of Windows": (
        "a.txt",
        lines("__label__{label} {text}").replace("film", "caf\u00e9").replace("\n", "\r\n"),
        [(text.replace("film", "caf\u00e9"), label) for text, label in FILMS],
    ),
    "TREC": ("a.txt", lines("{up}:x {text}"), renamed(lambda label: f"{label.upper()}:x")),
    "TREC in a file of its own": (
        "a.label",
        lines("{up}:x {text}"),
        renamed(lambda label: f"{label.upper()}:x"),
    ),
    "a label before a colon": ("a.txt", lines("{label}: {text}"), FILMS),
    "a number first": ("a.txt", lines("{n} {text}"), BY_NUMBER),
    "a number first in the splits of a study": ("a.test", lines("{n} {text}"), BY_NUMBER),
    "trees": ("a.txt", trees(FILMS), BY_NUMBER),
}
"""Of a form: a file, its content, and the texts and labels in it."""


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def read(folder, files):
    """Read files as `new` does."""
    write(folder, files)
    return read_splits(folder, SentimentData(**Sentiment.suggest(folder, {})["data"]))


def pairs_in(found):
    return sorted(zip(found.table["text"], found.table["label"], strict=True))


def trained(folder):
    """The task with what `prepare` found out, as it is registered with a model."""
    asked = SentimentData(**Sentiment.suggest(folder, {})["data"])
    _, meta = Sentiment.prepare(folder, asked)
    meta = SentimentMeta.from_json(meta.to_json())
    return Sentiment(meta, SentimentModel(embedding_size=4, hidden_size=5))


@pytest.mark.parametrize("form", LINES)
def test_lines_with_labels_are_the_texts_of_a_table(tmp_path, form):
    name, content, pairs = LINES[form]
    if "Windows" in form:
        content = content.encode("cp1252")
    found = read(tmp_path / "own", {name: content})
    frame = pd.DataFrame(pairs, columns=["text", "label"])
    table = read(tmp_path / "table", {"a.csv": frame.to_csv(index=False)})
    assert pairs_in(found) == pairs_in(table) == sorted(pairs)
    assert found.table["split"].tolist() == table.table["split"].tolist()


@pytest.mark.parametrize("form", LINES)
@pytest.mark.parametrize("number", [1, 3, len(FILMS)])
def test_predict_reads_the_last_lines_and_lines_without_labels(tmp_path, form, number):
    name, content, pairs = LINES[form]
    encoding = "cp1252" if "Windows" in form else "utf-8"
    write(tmp_path / "study", {name: content.encode(encoding)})
    task = trained(tmp_path / "study")
    last = content.splitlines(keepends=True)[-number:]
    write(tmp_path, {name: "".join(last).encode(encoding), "bare.txt": "Note: a film\n2001\n"})
    texts = [text for text, _ in pairs[-number:]]
    assert task.read_input(tmp_path / name)["text"].tolist() == texts
    assert task.read_input(tmp_path / "bare.txt")["text"].tolist() == ["Note: a film", "2001"]


def test_packed_lines_are_read(tmp_path):
    content = gzip.compress(lines("__label__{label} {text}").encode())
    assert pairs_in(read(tmp_path, {"a.txt.gz": content})) == sorted(FILMS)


OF_CLASSES = {
    "endings": {f"rt-polarity.{label}": of_class(label) for label in WORDS},
    "names": {f"{label}.txt": of_class(label) for label in WORDS},
    "notes beside": {
        "raw/README.txt": "About it.\nAll of it.\n",
        "raw/rt.README.1.0.txt": "About it.\nAll of it.\n",
        **{f"raw/rt.{label}": of_class(label) for label in WORDS},
    },
    "folders": {f"{label}/{i}.txt": text for i, (text, label) in enumerate(FILMS)},
    "folders in folders": {
        f"data/all/{label}/{i}.txt": text for i, (text, label) in enumerate(FILMS)
    },
    "folders beside notes": {
        "README.TXT": "About it\n",
        **{f"{label}/{i}.txt": text for i, (text, label) in enumerate(FILMS)},
    },
    "files without endings": {f"{label}/{i}": text for i, (text, label) in enumerate(FILMS)},
}


@pytest.mark.parametrize("form", OF_CLASSES)
def test_names_of_files_or_folders_are_the_labels(tmp_path, form):
    assert pairs_in(read(tmp_path, OF_CLASSES[form])) == sorted(FILMS)


@pytest.mark.parametrize("form", OF_CLASSES)
def test_predict_answers_the_folder_and_one_file_of_it(tmp_path, form):
    files = OF_CLASSES[form]
    write(tmp_path, files)
    task = trained(tmp_path)
    table = task.read_input(tmp_path)
    assert {text for text, _ in FILMS} <= set(table["text"])
    name, content = list(files.items())[-1]
    alone = task.read_input(tmp_path / name)["text"].tolist()
    assert alone == content.splitlines()
    assert len(table) == len(FILMS) + (form == "folders beside notes")


OTHERS = [(text.replace("film", "book"), label) for text, label in FILMS]


def in_splits(name, each=of_class):
    """Files of each class and split, called by a pattern."""
    return {
        name.format(split=split, label=label): each(label, pairs)
        for split, pairs in (("train", FILMS), ("test", OTHERS))
        for label in WORDS
    }


def in_folders(above, endings=".txt"):
    return {
        f"{above.format(split)}/{label}/{i}{endings}": text
        for split, pairs in (("train", FILMS), ("test", OTHERS))
        for i, (text, label) in enumerate(pairs)
    }


WITH_SPLITS = {
    "files in folders": in_splits("{split}/{label}.txt"),
    "files by two words": in_splits("{split}_{label}.txt"),
    "folders below one": in_folders("aclImdb/{}"),
    "folders with a table's name beside": in_folders("aclImdb/{}") | {"er.txt": "0.1\n0.2\n" * 9},
    "folders called after splits in part": in_folders("news-{}", ""),
    "lines": {
        "train.txt": lines("__label__{label} {text}"),
        "test.txt": lines("__label__{label} {text}", OTHERS),
    },
    "lines in files called after splits": {
        "a.train": lines("__label__{label} {text}"),
        "a.test": lines("__label__{label} {text}", OTHERS),
    },
    "a short test file, whose labels are not certain alone": {
        "train.txt": lines("{label} {text}"),
        "test.txt": lines("{label} {text}", OTHERS[:3]),
    },
    "tables": {
        "train.txt": lines("{text}\t{label}"),
        "test.txt": lines("{text}\t{label}", OTHERS),
    },
}


@pytest.mark.parametrize("form", WITH_SPLITS)
def test_splits_are_kept_apart(tmp_path, form):
    found = read(tmp_path, WITH_SPLITS[form]).table
    others = OTHERS[:3] if "short" in form else OTHERS
    test = found[found["split"] == SPLITS.index("test")]
    rest = found[found["split"] != SPLITS.index("test")]
    assert sorted(zip(test["text"], test["label"], strict=True)) == sorted(others)
    assert sorted(zip(rest["text"], rest["label"], strict=True)) == sorted(FILMS)


def test_all_that_is_not_read_is_told(tmp_path):
    """As the Large Movie Review Dataset unpacks."""
    more = ["README", "imdbEr.txt", "imdb.vocab", "train/urls_pos.txt", "train/labeledBow.feat"]
    unlabelled = {f"aclImdb/train/unsup/{i}_0.txt": "a film" for i in range(5)}
    files = in_folders("aclImdb/{}") | unlabelled | {f"aclImdb/{name}": "0.5\n" for name in more}
    found = read(tmp_path, files).found
    assert found.left_out[0] == "aclImdb/train/unsup (5 files)"
    assert sorted(found.left_out[1:]) == sorted(f"aclImdb/{name}" for name in more)


REFUSED = {
    "several labels": (
        {"a.txt": lines("__label__{label} {text}") + "__label__pos __label__new a b\n"},
        "a.txt, row 73 has 2 labels, pos, new; leave one; a text has one class",
    ),
    "a line without a label": (
        {"a.txt": lines("__label__{label} {text}") + "a film alone\n"},
        "a.txt, row 73 has no label; complete it",
    ),
    "a tree that is cut": (
        {"a.txt": trees(FILMS) + "(1 (1 a) (1 film)\n"},
        "a.txt, row 73 is no whole tree",
    ),
    "a first word that may be none": (
        {"a.txt": lines("{up}_ {text}")},
        "a.txt is no table of texts and labels: it begins with 'POS_ the film 0 is good, and",
    ),
    "texts alone": (
        {"a.txt": "".join(f"{i} of the films\n" for i in range(40))},
        "it begins with '0 of the films'; write a label, a tabulator and a text into each line",
    ),
    "labels in a second file": (
        {"reviews.txt": lines("{text}"), "labels.txt": lines("{label}")},
        "labels.txt seems to have the label of each line of reviews.txt; put both into one table",
    ),
    "classes in several folders": (
        {
            f"{kind}/{label}/{i}.txt": text
            for i, (text, label) in enumerate(FILMS)
            for kind in ("dvd", "book")
        },
        "there are folders of classes in each of book, dvd; give one",
    ),
    "tables in a folder": (
        {"trees/train.txt": trees(FILMS), "trees/test.txt": trees(OTHERS)},
        "there are tables in trees: give this folder",
    ),
    "two tables": (
        {"first.txt": lines("{label},{text}", TWO), "second.txt": lines("{label}\t{text}")},
        "there are 2 tables, first.txt, second.txt; say which is which",
    ),
    "positions of columns": (
        {"a.csv": lines("{n},{label},{text}", [(t.replace(",", ""), k) for t, k in FILMS])},
        r"cannot tell which column holds the labels; name it: --target ... (columns: 1 with '2', 2",
    ),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_is_not_certain_is_refused_with_what_is_needed(tmp_path, form):
    files, message = REFUSED[form]
    with pytest.raises(DataError) as refused:
        read(tmp_path, files)
    assert message in str(refused.value)


@pytest.mark.parametrize("separator", ["|", ";", ","])
def test_predict_reads_tables_without_names_in_a_txt_as_tables(tmp_path, separator):
    pairs = [(f"film {i} was {word[:4]}", label) for i in range(9) for label, word in WORDS.items()]
    content = lines(f"{{text}}{separator}{{label}}", pairs)
    write(tmp_path / "study", {"a.txt": content})
    write(tmp_path, {"b.txt": "".join(content.splitlines(keepends=True)[-2:])})
    task = trained(tmp_path / "study")
    texts = [text for text, _ in pairs]
    assert task.read_input(tmp_path / "study/a.txt")[task.column].tolist() == texts
    assert task.read_input(tmp_path / "b.txt")[task.column].tolist() == texts[-2:]
    write(tmp_path, {"c.txt": f"long{separator} and dull\nso{separator} so\n"})
    bare = task.read_input(tmp_path / "c.txt")["text"].tolist()
    assert bare == [f"long{separator} and dull", f"so{separator} so"]


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("{n} {n} 7.5", None),
        ("{n},{text}", None),
        ("{label} | {text}", None),
        ("{text}", None),
        ("see {label}: {text}", None),
        ("__label__{label} {text}", "mark"),
        ("{up} {text}", "tag"),
        ("+{n} {text}", "tag"),
    ],
)
def test_only_lines_that_certainly_have_labels_are_taken_for_such(written, kind):
    assert find_kind(lines(written).splitlines()) == kind


def test_columns_of_lists_in_json_are_left_out_with_a_message(tmp_path):
    """As reviews of Amazon, which call texts and labels in their own way."""
    rows = [
        {"helpful": [0, i], "reviewText": text, "overall": NUMBERS[label], "asin": i % 7}
        for i, (text, label) in enumerate(FILMS)
    ]
    found = read(tmp_path, {"a.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    assert pairs_in(found) == sorted(BY_NUMBER)
    assert found.found.notes == ("left out, since further values are inside: 'helpful'",)


@pytest.mark.parametrize(
    ("head", "column"),
    [
        ("airline_sentiment,airline,text", "airline_sentiment"),
        ("Score,Helpfulness,Text", "Score"),
        ("product_category,stars,Text", "stars"),
    ],
)
def test_labels_are_found_by_usual_names_and_last_words(tmp_path, head, column):
    rows = "".join(f'{label},{label},"{text}"\n' for text, label in FILMS)
    found = read(tmp_path, {"a.csv": f"{head}\n{rows}"})
    assert found.found.label == column


def test_an_encoding_that_is_not_certain_is_asked_for_and_taken(tmp_path):
    """As `rt-polarity.pos`, and texts in files, with letters of several languages."""
    own = [(text.replace("film", "se\u00f1or bj\u00f6rk"), label) for text, label in FILMS]
    lines_of = {f"rt.{label}": of_class(label, own).encode("cp1252") for label in WORDS}
    files = {f"{k}/{i}.txt": text.encode("cp1252") for i, (text, k) in enumerate(own)}
    for number, given in enumerate((lines_of, files)):
        raw = tmp_path / str(number)
        with pytest.raises(DataError, match="name its encoding: --set encoding="):
            read(raw, given)
        asked = SentimentData(encoding="cp1252")
        assert pairs_in(read_splits(raw, asked)) == sorted(own)
        _, meta = Sentiment.prepare(raw, asked)
        task = Sentiment(meta, SentimentModel(embedding_size=4, hidden_size=5))
        assert sorted(task.read_input(raw)["text"]) == sorted(text for text, _ in own)


def test_brackets_of_trees_are_those_of_the_text():
    tree = "(3 (2 -LRB-) (4 (2 good\\/bad) (2 -RRB-)))"
    assert read_line(tree, "tree") == ("( good/bad )", ("3",))
