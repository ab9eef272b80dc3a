"""Files that are called after their classes: which are, which only lie beside, how they are read.

Further, characters that the eye does not see, and first words that are labels or texts.
"""

import random
import subprocess

import pytest

from rnn_core.errors import DataError
from rnn_core.tasks.sentiment import Sentiment, SentimentData, SentimentMeta, SentimentModel
from rnn_core.tasks.sentiment.files import read_sides

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
    found = read_sides(folder, asked(folder))
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
        read_sides(tmp_path, SentimentData(encoding=encoding))
    assert message in str(refused.value)


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


def test_the_remedy_for_files_that_may_be_aligned_makes_classes(tmp_path):
    write(tmp_path, {"ancient.txt": listed(GOOD), "modern.txt": listed(BAD[:20])})
    with pytest.raises(DataError, match="may be no classes") as refused:
        read(tmp_path)
    command = str(refused.value).rpartition(": ")[2]
    assert command.startswith("sed 's/^/__label__ancient /' ancient.txt >> ")
    other = command.replace("ancient", "modern")
    (tmp_path / "joined").mkdir()
    both = f"{command}; {other}".replace(">> ", ">> joined/")
    subprocess.run(["sh", "-c", both], cwd=tmp_path, check=True)
    texts, _ = read(tmp_path / "joined")
    assert texts == {"ancient": sorted(GOOD), "modern": sorted(BAD[:20])}


def test_a_folder_called_by_a_number_is_no_text(tmp_path):
    write(tmp_path, FOLDERS | {"notes/2024/a.md": "a", "notes/b.md": "b"})
    assert sorted(read(tmp_path)[0]) == ["neg", "pos"]
