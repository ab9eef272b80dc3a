"""Files that are called after their classes: which are, which only lie beside, how they are read.

Further, characters that the eye does not see, and first words that are labels or texts.
"""

import gzip
import random
import re

import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.tasks.sentiment.files import read_splits
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.sentiment.parameters import SentimentData, SentimentMeta
from rnn_core.tasks.sentiment.task import Sentiment

GOOD = [f"the film {i} is good, and fine" for i in range(20)]
BAD = [f"the film {i} is bad" for i in range(30)]


def listed(texts):
    return "".join(f"{text}\n" for text in texts)


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def asked(folder):
    return SentimentData(**Sentiment.suggest(folder, {})["data"])


def read(folder):
    """The texts of each label, as `new` reads them, and what was found out."""
    found = read_splits(folder, asked(folder))
    texts = {label: sorted(own["text"]) for label, own in found.table.groupby("label")}
    return texts, found.found


def trained(folder):
    """The task with what `prepare` found out, as it is registered with a model."""
    _, meta = Sentiment.prepare(folder, asked(folder))
    meta = SentimentMeta.from_json(meta.to_json())
    return Sentiment(meta, SentimentModel(embedding_size=4, hidden_size=5))


def doubts(folder):
    return Sentiment.understand(folder, *Sentiment.prepare(folder, asked(folder))).doubts


WORDS = "the\na\nof\nand\n"
OPINIONS = {
    "names": {"pos.txt": listed(GOOD), "neg.txt": listed(BAD)},
    "names with a word that all have": {"rt-pos.txt": listed(GOOD), "rt_neg.txt": listed(BAD)},
    "endings": {"rt.pos": listed(GOOD), "rt.neg": listed(BAD)},
    "folders of splits": {
        "train/pos.txt": listed(GOOD),
        "train/neg.txt": listed(BAD),
        "test/pos.txt": listed(BAD[:9]),
        "test/neg.txt": listed(GOOD[:9]),
    },
}


@pytest.mark.parametrize("form", OPINIONS)
def test_files_beside_those_of_opinions_are_left_out_and_named(tmp_path, form):
    write(tmp_path / "alone", OPINIONS[form])
    beside = {"stopwords.txt": WORDS, "requirements.txt": "torch\nnumpy\n", "films.txt": "a b\nc d"}
    write(tmp_path / "both", OPINIONS[form] | beside)
    texts, found = read(tmp_path / "both")
    assert (texts, found.left_out) == (read(tmp_path / "alone")[0], tuple(sorted(beside)))
    assert list(texts) == ["neg", "pos"]
    told = Sentiment.understand(
        tmp_path / "both", *Sentiment.prepare(tmp_path / "both", asked(tmp_path / "both"))
    )
    assert "left out: films.txt, requirements.txt, stopwords.txt" in told.read
    assert not any("by its name alone" in doubt for doubt in told.doubts)


TWO = (("ancient.txt", "now"), ("modern.txt", "so"))
TABLES = "there are 2 tables, {0}, {1}; say which is which"
NO_CLASSES = {
    "words that are left out": ({"movies.txt": listed(GOOD), "stopwords.txt": WORDS}, TABLES),
    "words": ({"movies.txt": listed(GOOD), "verbs.txt": "run\nsee\ngo\n"}, TABLES),
    "translations": ({"english.txt": listed(GOOD), "translation.txt": listed(BAD)}, TABLES),
    "aligned texts": (
        {"english.txt": listed(GOOD), "klingon.txt": listed(BAD[:20])},
        "{0}, {1} have as many lines as each other, as texts and their translations have",
    ),
    "many aligned texts": (
        {name: listed("a word " * (i % 7 + 2) + end for i in range(150)) for name, end in TWO},
        "{0}, {1} have as many lines as each other, as texts and their translations have",
    ),
    "ids": ({"ids.txt": listed(BAD), "movies.txt": listed(GOOD)}, TABLES),
    "labels": (
        {"gold.txt": "0\n1\n" * 10, "tweets.txt": listed(GOOD)},
        "{0} seems to have the label of each line of {1}; put both into one table",
    ),
}


@pytest.mark.parametrize("form", NO_CLASSES)
def test_files_that_may_be_none_of_classes_are_not_taken_for_such(tmp_path, form):
    files, message = NO_CLASSES[form]
    write(tmp_path, files)
    with pytest.raises(DataError) as refused:
        read(tmp_path)
    assert message.format(*files) in str(refused.value)
    join = "if each has the texts of one class, join them into a table with their labels"
    assert (join in str(refused.value)) == (message == TABLES)


@pytest.mark.parametrize("text", ["the film {}", "\u8fd9\u90e8\u7535\u5f71{}\u5f88\u597d"])
def test_names_that_are_no_usual_labels_are_classes_with_a_doubt(tmp_path, text):
    sports, politics = (
        [f"{text.format(i)}{end}" for i in range(n)] for n, end in ((20, "x"), (30, "y"))
    )
    write(tmp_path, {"sports.txt": listed(sports), "politics.txt": listed(politics)})
    assert read(tmp_path)[0] == {"sports": sorted(sports), "politics": sorted(politics)}
    assert doubts(tmp_path)[0] == (
        "each file is taken for a class by its name alone: politics, sports; move a file away "
        "that is none"
    )


SEEN = {
    "files of classes": ("pos.txt", "{text}"),
    "fastText": ("a.txt", "__label__{label} {text}"),
    "tags": ("a.txt", "{label} {text}"),
    "trees": ("a.txt", "({n} (1 {text}) (1 now))"),
}


@pytest.mark.parametrize("form", SEEN)
def test_training_and_predict_read_the_same_characters(tmp_path, form):
    name, line = SEEN[form]
    hidden = [f"\u200bwonder\u00adful caf\u0065\u0301\u2060 {i}\ufeff" for i in range(20)]
    both = [("pos", "1", hidden), ("neg", "0", BAD)]
    lines = [("\u200b" if i % 2 else "") + line.format(text=text, label=label, n=n)
             for label, n, texts in both for i, text in enumerate(texts)]  # fmt: skip
    files = {name: listed(lines)}
    if form == "files of classes":
        files = {"pos.txt": listed(lines[:20]), "neg.txt": listed(BAD)}
    write(tmp_path, files)
    end = " now" if form == "trees" else ""
    texts, _ = read(tmp_path)
    good = sorted(f"wonderful caf\u00e9 {i}{end}" for i in range(20))
    assert texts["1" if form == "trees" else "pos"] == good
    there = trained(tmp_path).read_input(tmp_path / name)["text"].tolist()
    assert sorted(there)[-20:] == good


@pytest.mark.parametrize(
    ("lines", "texts"),
    [
        (["5 stars", "1 good", "so so", "a film"], ["5 stars", "1 good", "so so", "a film"]),
        (["5 stars", "", "1 so", "none"], ["stars", "", "so", "none"]),
        (["5", "1 so"], ["5", "so"]),
        (["1"], ["1"]),
    ],
)
def test_first_words_are_labels_if_most_lines_have_a_known_one(tmp_path, lines, texts):
    stars = {"a.txt": listed([*(f"5 {text}" for text in GOOD), *(f"1 {text}" for text in BAD)])}
    write(tmp_path, stars | {"asked/b.txt": listed(lines)})
    task = trained(write(tmp_path / "study", stars))
    assert task.read_input(tmp_path / "asked/b.txt")["text"].tolist() == texts


def test_classes_of_two_levels_are_labels_where_most_lines_have_a_known_one(tmp_path):
    lines = [*(f"A:b {text}" for text in GOOD), *(f"A:c {text}" for text in BAD)]
    task = trained(write(tmp_path / "study", {"a.label": listed(lines)}))
    write(tmp_path, {"b.label": "A:b x y\nA:new z\nA:c\nA:c u\n", "c.txt": "A:new z\nx y\n"})
    assert task.read_input(tmp_path / "b.label")["text"].tolist() == ["x y", "z", "A:c", "u"]
    assert task.read_input(tmp_path / "c.txt")["text"].tolist() == ["A:new z", "x y"]


FOLDERS = {
    f"{k}/{i}": text for k, texts in (("pos", GOOD), ("neg", BAD)) for i, text in enumerate(texts)
}


@pytest.mark.parametrize("name", ["99", "99.txt"])
@pytest.mark.parametrize("encoding", [None, "cp1252"])
def test_a_link_to_nothing_in_a_folder_of_a_class_is_refused(tmp_path, name, encoding):
    write(tmp_path, FOLDERS)
    (tmp_path / "pos" / name).symlink_to("gone")
    message = f"pos/{name} is a link to nothing; remove it, or repair it"
    with pytest.raises(DataError) as refused:
        read_splits(tmp_path, SentimentData(encoding=encoding))
    assert message in str(refused.value)


@pytest.mark.parametrize("encoding", [None, "cp1252"])
def test_a_broken_packed_text_of_a_class_is_named_with_its_folder(tmp_path, encoding):
    write(tmp_path, FOLDERS)
    (tmp_path / "neg" / "9.txt").write_bytes(gzip.compress(b"so it goes " * 99)[:40])
    (tmp_path / "pos" / "9.txt").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError) as refused:
        read_splits(tmp_path, SentimentData(encoding=encoding))
    assert "neg/9.txt cannot be unpacked" in str(refused.value)
    assert "pos/9.txt is a broken zip file" in str(refused.value)


def test_a_link_to_nothing_beside_texts_is_none_of_their_labels(tmp_path):
    write(tmp_path, {"tweets.txt": listed(GOOD)})
    (tmp_path / "labels.txt").symlink_to("gone")
    with pytest.raises(DataError, match=r"^labels\.txt is a link to nothing; remove it"):
        read(tmp_path)


def test_as_many_lines_whose_lengths_have_nothing_to_do_with_each_other_are_classes(tmp_path):
    draw = random.Random(0)
    texts = {
        name: ["a word " * draw.randint(2, 9) + f"{end} {i}" for i in range(150)]
        for name, end in TWO
    }
    write(tmp_path, {name: listed(own) for name, own in texts.items()})
    found, _ = read(tmp_path)
    assert found == {name.removesuffix(".txt"): sorted(own) for name, own in texts.items()}
    assert "by its name alone: ancient, modern" in doubts(tmp_path)[0]


NAMES = ("our ancient.txt", "our modern.txt")
SPLITS = tuple(
    f"{split}_{name}" for split in ("train", "test") for name in ("sport.txt", "art.txt")
)


@pytest.mark.parametrize("names", [NAMES, SPLITS])
def test_the_remedy_for_files_that_may_be_aligned_makes_classes(tmp_path, names):
    texts = {name: [f"{text} {name[:6]}" for text in (GOOD, BAD[:20])[i % 2]]
             for i, name in enumerate(names)}  # fmt: skip
    write(tmp_path, {name: listed(own) for name, own in texts.items()})
    columns = "text and label" if names == NAMES else "text, label and split"
    cure = f"write a table with columns {columns}"
    with pytest.raises(DataError, match=f"may be no classes; .*{cure}.* in place of") as refused:
        read(tmp_path)
    asked_for = re.findall("text|label|split", str(refused.value).rpartition("columns ")[2])
    rows = [
        {"text": text, "label": re.split("[ _.]", name)[1], "split": name.partition("_")[0]}
        for name, own in texts.items()
        for text in own
    ]
    for name in names:
        (tmp_path / name).unlink()
    columns = list(dict.fromkeys(asked_for))
    pd.DataFrame(rows)[columns].to_csv(tmp_path / "texts.csv", index=False)
    found, _ = read(tmp_path)
    wanted = {}
    for row in rows:
        wanted.setdefault(row["label"], []).append(row["text"])
    assert found == {label: sorted(own) for label, own in wanted.items()}


def drawn(seed, lines=150):
    """Texts of many lengths, which another seed draws otherwise."""
    draw = random.Random(seed)
    return [f"{'a word ' * draw.randint(2, 9)}of {seed} {i}" for i in range(lines)]


def aligned_with(texts):
    """Texts whose lengths go together with those of others."""
    return [f"{text} so" for text in texts]


def test_a_split_with_texts_of_one_class_alone_has_no_translations(tmp_path):
    names = ("train_sport.txt", "train_politics.txt", "test_sport.txt")
    texts = {name: [f"{text} {name[:7]}" for text in GOOD] for name in names}
    write(tmp_path, {name: listed(own) for name, own in texts.items()})
    assert sorted(read(tmp_path)[0]) == ["politics", "sport"]


@pytest.mark.parametrize("odd", range(3))
def test_classes_of_which_two_are_not_aligned_are_classes(tmp_path, odd):
    first = drawn(0)
    own = [first, aligned_with(first)]
    own.insert(odd, drawn(1))
    names = ("art.txt", "politics.txt", "sport.txt")
    write(tmp_path, dict(zip(names, map(listed, own), strict=True)))
    assert sorted(read(tmp_path)[0]) == ["art", "politics", "sport"]


def test_lines_of_classes_are_compared_with_those_of_the_same_split(tmp_path):
    """A class that one split lacks shifts no other one."""
    train = [drawn(0), drawn(1), aligned_with(drawn(1))]
    names = ("train_art.txt", "train_politics.txt", "train_sport.txt")
    write(tmp_path, dict(zip(names, map(listed, train), strict=True)))
    test = [f"{text} now" for text in drawn(2)]
    write(
        tmp_path, {"test_politics.txt": listed(test), "test_sport.txt": listed(aligned_with(test))}
    )
    assert sorted(read(tmp_path)[0]) == ["art", "politics", "sport"]


def test_a_folder_called_by_a_number_is_no_text(tmp_path):
    write(tmp_path, FOLDERS | {"notes/2024/a.md": "a", "notes/b.md": "b"})
    assert sorted(read(tmp_path)[0]) == ["neg", "pos"]
