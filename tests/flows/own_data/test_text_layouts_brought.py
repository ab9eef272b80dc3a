"""Texts with labels that are no table, through `gatewise new` and `gatewise predict`."""

import pandas as pd
import pytest

WORDS = {"pos": "good", "neg": "bad"}
FILMS = [
    (f"a {word} film {i} , of a year", label) for i in range(30) for label, word in WORDS.items()
]


def lines(form, pairs=FILMS):
    return "".join(form.format(text=text, label=label) + "\n" for text, label in pairs)


def of_class(label):
    return lines("{text}", [pair for pair in FILMS if pair[1] == label])


READ = {
    "fastText": (
        {"a.txt": lines("__label__{label} {text}")},
        "60 texts, a line each, in utf-8\neach line has its label behind __label__",
    ),
    "a first word": (
        {"a.txt": lines("{label}: {text}")},
        "the first word of each line is its label, as in 'pos: a good film 0 , of a year'",
    ),
    "trees": (
        {"a.txt": "".join(f"({'good' in text:d} (2 {text}))\n" for text, _ in FILMS)},
        "each line is a tree, as of the Stanford Sentiment Treebank",
    ),
    "files of classes": (
        {"rt.pos": of_class("pos"), "rt.neg": of_class("neg")},
        "60 texts, a line each, in files of their classes: rt.neg, rt.pos",
    ),
    "folders in a folder": (
        {f"data/{label}/{i}.txt": text for i, (text, label) in enumerate(FILMS)},
        "60 texts, a file each, in folders of their classes",
    ),
}


@pytest.mark.parametrize("kind", READ)
def test_texts_are_read_and_answered_like_those_of_a_table(bring, tmp_path, kind):
    """The same answers as to a table of the same texts, whatever they were read from."""
    files, told = READ[kind]
    brought = bring("sentiment", files)
    assert told in brought.told
    assert (
        "42 texts in the training set, 6 in the validation set, 12 in the test set" in brought.told
    )
    answer, faults = brought.answer()
    assert not faults.found
    table = pd.DataFrame({"text": sorted(text for text, _ in FILMS)})
    given = brought.task.read_input(brought.data)["text"]
    assert sorted(given) == table["text"].tolist()
    again, _ = brought.answer_of(table)
    ordered = answer.set_index(given.to_numpy())["confidence"].loc[table["text"]]
    assert ordered.to_numpy() == pytest.approx(again["confidence"].to_numpy(), abs=1e-6)


def test_what_is_left_out_and_labels_of_several_classes_are_told(bring):
    rows = [(text, f"{label}|long" if i % 3 else label) for i, (text, label) in enumerate(FILMS)]
    brought = bring("sentiment", {"a.tsv": lines("{text}\t{label}", rows), "more/b.md": "x"})
    assert "left out: more (1 file)" in brought.told
    assert "the label 'neg|long' seems to be several; a text has one class here" in brought.told


def test_several_labels_in_a_line_are_refused(bring):
    content = lines("__label__{label} __label__new {text}")
    told = bring("sentiment", {"a.txt": content}).told
    assert told.startswith("60 faults\n  a.txt, row 1 has 2 labels, pos, new\n")
    assert "what to do: leave one; a text has one class" in told
