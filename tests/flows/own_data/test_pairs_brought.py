"""Folders and files of pairs as people have them: what `gatewise new` says of them, and answers."""

import bz2
import gzip
import itertools
import json
import random

import pytest
from packed_files import zipped

from rnn_core.errors import DataError

NOUNS = {"dog": "Hund", "cat": "Kater", "man": "Mann", "bird": "Vogel", "boy": "Junge"}
VERBS = {"sees": "sieht", "hears": "h\u00f6rt", "likes": "mag"}
WORDS = {"big": "gro\u00dfe", "old": "alte"}
PAIRS = [
    (f"The {w} {n} {v} the {m} {i}.", f"Der {WORDS[w]} {NOUNS[n]} {VERBS[v]} den {NOUNS[m]} {i}.")
    for w, n, v, m, i in itertools.product(WORDS, NOUNS, VERBS, NOUNS, "12")
]
random.Random(0).shuffle(PAIRS)
CUTS = {"train": (0, 240), "val": (240, 270), "test": (270, 300)}
SETS = "240 pairs in the training set, 30 in the validation set, 30 in the test set"
FIRST = f"{PAIRS[0][0]!r} -> {PAIRS[0][1]!r}"
TURNED = f"{PAIRS[0][1]!r} -> {PAIRS[0][0]!r}"


def moses(names=CUTS):
    return {
        f"{name}.{language}": "".join(f"{pair[index]}\n" for pair in PAIRS[slice(*CUTS[name])])
        for name in names
        for index, language in enumerate(("en", "de"))
    }


def memory():
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>{a}</seg></tuv><tuv xml:lang="de"><seg>{b}</seg></tuv></tu>'
        for a, b in PAIRS
    )
    return f'<tmx version="1.4"><header srclang="en"/><body>{units}</body></tmx>'


def nested():
    rows = [{"id": i, "translation": {"en": a, "de": b}} for i, (a, b) in enumerate(PAIRS)]
    return "".join(json.dumps(row) + "\n" for row in rows)


ONE = {
    "bars.txt": ("".join(f"{a} ||| {b}\n" for a, b in PAIRS), "1", "2"),
    "memory.tmx.gz": (gzip.compress(memory().encode()), "'en'", "'de'"),
    "de.po": ("".join(f'msgid "{a}"\nmsgstr "{b}"\n\n' for a, b in PAIRS), "'msgid'", "'msgstr'"),
    "memory.zip": (zipped({"m/m.tmx": memory(), "README": "about"}), "'en'", "'de'"),
    "de.po.zip": (
        zipped({"de.po": "".join(f'msgid "{a}"\nmsgstr "{b}"\n\n' for a, b in PAIRS)}),
        "'msgid'",
        "'msgstr'",
    ),
    "anki.zip": (
        zipped({"deu.txt": "".join(f"{a}\t{b}\n" for a, b in PAIRS), "_about.txt": "x"}),
        "1",
        "2",
    ),
    "opus.jsonl": (nested(), "'translation.en'", "'translation.de'"),
    "named.csv": (
        "id,English sentence,German sentence\n"
        + "".join(f"s{i},{a},{b}\n" for i, (a, b) in enumerate(PAIRS)),
        "'English sentence'",
        "'German sentence'",
    ),
}


@pytest.mark.parametrize("name", ONE)
def test_a_file_of_pairs_is_told_by_its_columns_and_answered(bring, tmp_path, name):
    content, source, target = ONE[name]
    brought = bring("translation", {name: content})
    assert f"column {source} of {name} is translated into column {target}: {FIRST}" in brought.told
    assert SETS in brought.told
    (tmp_path / "asked.en").write_text("".join(f"{pair[0]}\n" for pair in PAIRS[:20]))
    plain = brought.task.read_input(tmp_path / "asked.en")
    again = brought.task.read_input(brought.data)
    assert again["text"].tolist() == [pair[0] for pair in PAIRS]
    answer, faults = brought.answer_of(again.iloc[:20])
    assert not faults.found
    assert answer.equals(brought.answer_of(plain)[0])


def test_a_folder_of_sets_is_told_with_its_direction_and_how_to_turn_it(bring):
    files = {**moses(), "README": "x\n", "notes/list.txt": "y\n"}
    told = bring("translation", files).told
    assert f"train.de is translated into train.en: {TURNED}" in told
    assert "the other way round: --set source_file=train.en" in told.splitlines()
    assert SETS in told
    assert "not read: README, notes/list.txt" in told


def test_a_folder_of_sets_is_turned_round_as_it_is_told(bring):
    told = bring("translation", moses(), sets=["source_file=train.en"]).told
    assert f"train.en is translated into train.de: {FIRST}" in told
    assert "the other way round: --set source_file=train.de" in told.splitlines()
    assert SETS in told


def test_two_files_are_turned_round_as_it_is_told(bring, tmp_path):
    told = bring("translation", moses(["train"])).told.splitlines()
    (line,) = [line for line in told if line.startswith("the other way round: ")]
    sets = [setting.strip() for setting in line.partition(": ")[2].split("--set") if setting]
    assert sets == ["source_file=train.de", "target_file=train.en"]


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress])
def test_packed_files_are_aligned_by_their_names(bring, pack):
    files = {f"{name}.xz": pack(text.encode()) for name, text in moses(["train"]).items()}
    assert (
        f"train.en.xz is translated into train.de.xz: {FIRST}" in bring("translation", files).told
    )


@pytest.mark.parametrize("fields", [(0, 1, 2), (2, 0, 1)])
def test_a_column_of_splits_is_told_and_heeded(bring, fields):
    names = [name for name, (start, end) in CUTS.items() for _ in range(start, end)]
    names = ["val" if name == "train" and i % 10 == 0 else name for i, name in enumerate(names)]
    rows = [
        ("en", "de", "split"),
        *((a, b, name) for (a, b), name in zip(PAIRS, names, strict=True)),
    ]
    text = "".join("\t".join(row[i] for i in fields) + "\n" for row in rows)
    told = bring("translation", {"p.tsv": text}).told
    assert "216 pairs in the training set, 54 in the validation set, 30 in the test set" in told
    assert f"column {fields.index(2) + 1} says the split of each row" in told


def test_a_set_that_is_drawn_is_told(bring):
    told = bring("translation", moses(["train", "test"])).told
    assert "216 pairs in the training set, 24 in the validation set, 30 in the test set" in told
    line = "no files are called after the validation set; it is drawn from the training pairs"
    assert line in told.splitlines()


def test_a_folder_in_place_of_a_file_is_told(bring, tmp_path):
    (tmp_path / "asked").mkdir()
    brought = bring("translation", {"bars.txt": ONE["bars.txt"][0]})
    with pytest.raises(DataError, match=r"^asked is a folder; give a file$"):
        brought.answer(tmp_path / "asked")
