"""Folders of aligned files, and other files of pairs: the same pairs as of two plain files."""

import gzip
import json

import pytest
from packed_files import zipped

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.parameters import parse
from rnn_core.readers.pair_files import Files
from rnn_core.readers.parallel_text import Pair, read_pairs, read_sources
from rnn_core.tasks.translation.pairs import read_splits
from rnn_core.tasks.translation.parameters import TranslationData
from rnn_core.tasks.translation.task import Translation

NOUNS = {"dog": "Hund", "cat": "Kater", "man": "Mann", "bird": "Vogel"}
PAIRS = [
    Pair(f"the {a} {verb} the {b} & {i} more.", f"der {c} {sagt} den {d} & {i} andere.")
    for a, c in NOUNS.items()
    for verb, sagt in (("sees", "sieht"), ("hears", "hört"))
    for b, d in NOUNS.items()
    for i in range(2)
]
TRAIN, VALIDATION, TEST = PAIRS[:40], PAIRS[40:52], PAIRS[52:]
SETS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}


def lay(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        written = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(gzip.compress(written) if name.endswith(".gz") else written)
    return folder


def lines(pairs, index):
    return "".join(f"{pair[index]}\n" for pair in pairs)


def aligned(*names, sets=(TRAIN, VALIDATION, TEST)):
    """Two files for each set, from the names of its source and its target."""
    return {
        name: lines(pairs, index)
        for both, pairs in zip(names, sets, strict=True)
        for index, name in enumerate(both)
    }


def proposed(folder, wanted=None):
    """The sets that `gatewise new` reads."""
    section = Translation.suggest(folder, wanted or {})["data"]
    return read_splits(folder, parse(TranslationData, section, ""))


def turned(pairs):
    return [Pair(target, source) for source, target in pairs]


LAYOUTS = {
    "moses": aligned(("train.en", "train.de"), ("val.en", "val.de"), ("test.en", "test.de")),
    "packed": aligned(
        ("train.en.gz", "train.de.gz"), ("dev.en.gz", "dev.de.gz"), ("tst.en.gz", "tst.de.gz")
    ),
    "a folder for each set": aligned(
        ("train/en", "train/de"), ("valid/en", "valid/de"), ("test/en", "test/de")
    ),
    "a folder for each language": aligned(
        ("en/train.txt", "de/train.txt"), ("en/dev.txt", "de/dev.txt"), ("en/tst.txt", "de/tst.txt")
    ),
    "names of conferences": aligned(
        ("train.en", "train.de"), ("dev.en", "dev.de"), ("newstest2014.en", "newstest2014.de")
    ),
    "several test sets": aligned(
        ("train.en", "train.de"), ("val.en", "val.de"), ("test_2016.en", "test_2016.de")
    )
    | {"test_2017.en": "a\n", "test_2017.de": "A\n"},
    "copies of a validation set": aligned(
        ("train.en", "train.de"), ("val.en", "val.de"), ("test.en", "test.de")
    )
    | {f"val{copy}.{one}": "a\n" for copy in ("-1", "-old", " (1)") for one in ("en", "de")},
    "an older validation set in another folder": aligned(
        ("corpus/train.en", "corpus/train.de"),
        ("corpus/val.en", "corpus/val.de"),
        ("corpus/test.en", "corpus/test.de"),
    )
    | {f"old/val.{one}": "a\n" for one in ("en", "de")},
    "languages by their names": aligned(
        ("train_english.txt", "train_german.txt"),
        ("dev_english.txt", "dev_german.txt"),
        ("test_english.txt", "test_german.txt"),
    ),
}


@pytest.mark.parametrize("kind", LAYOUTS)
@pytest.mark.parametrize("besides", [{}, {"README": "about\n", "LICENSE.txt": "free\n"}])
def test_sets_are_read_as_they_are_given_in_each_direction(tmp_path, kind, besides):
    lay(tmp_path, LAYOUTS[kind] | besides)
    source, target = list(LAYOUTS[kind])[:2]
    assert proposed(tmp_path, {"source_file": source}) == SETS
    found = {split: turned(pairs) for split, pairs in SETS.items()}
    assert proposed(tmp_path, {"source_file": target}) == found
    in_alphabet = SETS if "english" in source else found
    assert proposed(tmp_path) == in_alphabet


@pytest.mark.parametrize(
    "names",
    [
        (("train.en-de.en", "train.en-de.de"), ("dev.en-de.en", "dev.en-de.de"),
         ("test.en-de.en", "test.en-de.de")),
        (("train.src", "train.tgt"), ("val.src", "val.tgt"), ("test.src", "test.tgt")),
    ],
)  # fmt: skip
def test_names_tell_the_direction(tmp_path, names):
    assert proposed(lay(tmp_path, aligned(*names))) == SETS


@pytest.mark.parametrize("missing", ["validation", "test"])
def test_a_set_without_files_is_drawn_from_the_training_set_alone(tmp_path, missing):
    other = next(split for split in SPLITS[1:] if split != missing)
    names = ("train.en", "train.de"), (f"{other}.en", f"{other}.de")
    lay(tmp_path, aligned(*names, sets=(TRAIN, SETS[other])))
    read = proposed(tmp_path, {"source_file": "train.en"})
    assert read[other] == SETS[other]
    assert len(read[missing]) == 4
    assert sorted(read["train"] + read[missing]) == sorted(TRAIN)


PAIR_OF_FILES = {
    "europarl": ("europarl-v7.de-en.en", "europarl-v7.de-en.de"),
    "corpus": ("corpus.de-en.en.gz", "corpus.de-en.de.gz"),
    "source and target": ("data/all.source", "data/all.target"),
}


@pytest.mark.parametrize("kind", PAIR_OF_FILES)
def test_one_pair_of_files_among_others_is_found(tmp_path, kind):
    names = PAIR_OF_FILES[kind]
    lay(tmp_path, aligned(names, sets=(PAIRS,)) | {"corpus.de-en.ids": "1\n", "README": "x\n"})
    read = proposed(tmp_path, {"source_file": names[0], "target_file": names[1]})
    assert sorted(pair for split in read.values() for pair in split) == sorted(PAIRS)
    if kind != "source and target":  # then it is the order of the alphabet
        names = names[::-1]
    wanted = {"source_file": names[0], "target_file": names[1]}
    assert proposed(tmp_path) == proposed(tmp_path, wanted)


TABLES = {
    "tables with a test set": ("train.csv", "test.csv"),
    "tables with tabs and .txt": ("train.txt", "test.txt"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_without_a_validation_set_are_read(tmp_path, kind):
    mark = "," if TABLES[kind][0].endswith("csv") else "\t"
    for name, pairs in zip(TABLES[kind], (TRAIN, TEST), strict=True):
        lay(tmp_path, {name: "".join(f"{a}{mark}{b}\n" for a, b in [("en", "de"), *pairs])})
    read = proposed(tmp_path)
    assert read["test"] == TEST
    assert sorted(read["train"] + read["validation"]) == sorted(TRAIN)


def test_notes_beside_a_table_are_no_translations(tmp_path):
    table = "".join(f"{a}\t{b}\tCC-BY 2.0\n" for a, b in PAIRS)
    read = proposed(lay(tmp_path, {"deu.txt": table, "_about.txt": "Tab-delimited pairs\n"}))
    assert sorted(pair for split in read.values() for pair in split) == sorted(PAIRS)


STRAY = {"stats.csv": "word,meaning\nhund,dog\nkater,cat\n", "info.json": '[{"a": "b", "c": "d"}]'}
ODD = [("a.txt", "b.txt"), ("all.gsw", "all.nds"), ("in/one", "in/two"), ("a.txt.gz", "b.txt.gz")]


@pytest.mark.parametrize("names", ODD)
@pytest.mark.parametrize("table", STRAY)
def test_a_lone_table_beside_two_texts_is_not_taken_for_the_pairs(tmp_path, table, names):
    lay(tmp_path, aligned(names, sets=(PAIRS,)) | {table: STRAY[table]})
    with pytest.raises(DataError, match="holds 3 files, not two aligned ones; put both there"):
        proposed(tmp_path)
    read = proposed(tmp_path, {"source_file": names[0], "target_file": names[1]})
    assert sorted(pair for split in read.values() for pair in split) == sorted(PAIRS)


def test_a_table_beside_notes_and_programs_is_taken_for_the_pairs(tmp_path):
    besides = ("README", "LICENSE.txt", "about.md", "news.md", "a.py", "b.sh", "requirements.txt")
    table = "".join(f"{a}\t{b}\n" for a, b in PAIRS)
    lay(tmp_path, {"all.tsv": table} | dict.fromkeys(besides, "some text\n"))
    assert sorted(pair for split in proposed(tmp_path).values() for pair in split) == sorted(PAIRS)


REFUSED = {
    "several languages": (
        LAYOUTS["moses"] | {"train.fr": "a\n", "val.fr": "a\n"},
        r"texts in de, en, fr; .* such as --set 'source_file=\*\.de' --set 'target_file=\*\.en'",
    ),
    "several pairs of files": (
        aligned(("a.en", "a.de"), ("b.en", "b.de"), sets=(TRAIN, TEST)),
        r"several files of pairs, a\.\*, b\.\*; join them, or call them after their sets",
    ),
    "several training sets": (
        LAYOUTS["moses"] | {"train-2.en": "a\n", "train-2.de": "A\n"},
        r"called after the training set: train\.\*, train-2\.\*|train-2\.\*, train\.\*; join them",
    ),
    "parts of aligned files": (
        aligned(*((f"train-{k:02d}.en", f"train-{k:02d}.de") for k in range(3))),
        r"train-02\.\*; join them, such as by `cat train-\*\.de > train\.de && cat tr",
    ),
    "parts of a validation set": (
        {f"{name}.{one}": "a\n" for name in ("train", "val-0", "val-1") for one in ("de", "en")},
        r"the validation set: val-0\.\*, val-1\.\*; join them, such as by `cat val-\*\.de > ",
    ),
    "parts of a test set": (
        {"train.tsv": "a\tb\n", "test1.tsv": "a\tb\n", "test2.tsv": "a\tb\n"},
        r"the test set: test1\.tsv, test2\.tsv; join them, such as by `cat test\*\.tsv > test\.tsv",
    ),
    "pieces of a training set beside a test set": (
        {f"train-0000{k}-of-00003.csv": "en,de\na,b\n" for k in range(3)} | {"test.csv": "a,b\n"},
        r"join them, such as by `cat train-\*-of-00003\.csv > train\.csv`, and move",
    ),
    "parts of a table": (
        {f"part-{k:04d}.tsv": "a\tb\n" for k in range(8, 12)},
        r"part-0008\.tsv, .* are parts of one table; join them, such as by `cat part-\*\.tsv > p",
    ),
    "parts whose names are numbers": (
        {f"d/{k}.tsv": "a\tb\n" for k in range(1, 3)},
        r"join them, such as by `cat d/\*\.tsv > d/all\.tsv`, and move",
    ),
    "parts in folders of their own": (
        {f"d{k}/x.tsv": "a\tb\n" for k in range(1, 3)},
        r"d1/x\.tsv, d2/x\.tsv are parts of one table; join them$",
    ),
    "parts with blanks in their names": (
        {f"p {k}.tsv": "a\tb\n" for k in range(1, 3)},
        r"p 1\.tsv, p 2\.tsv are parts of one table; join them$",
    ),
    "a file of Arrow that is no stream": (
        {"x.arrow": b"ARROW1\0\0"},
        r"feather as f; f\.read_table",
    ),
    "a data set of Arrow": (
        {
            "dataset_dict.json": "{}",
            "train/data-00000-of-00001.arrow": b"\xff",
            "train/state.json": "{}",
        },
        r"data-00000-of-00001\.arrow is a table of Arrow, which is not read; save it as Parquet: `",
    ),
    "parts of Parquet": (
        {f"part-{k}.parquet": b"PAR1" for k in range(2)},
        r"part-1\.parquet are parts of one table; join them$",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_names_do_not_tell_is_refused_with_what_to_do(tmp_path, kind):
    files, message = REFUSED[kind]
    with pytest.raises(DataError, match=message):
        proposed(lay(tmp_path, files))


def test_two_of_several_languages_are_chosen_by_patterns(tmp_path):
    lay(tmp_path, LAYOUTS["moses"] | {"train.fr": "a\n", "val.fr": "a\n"})
    assert proposed(tmp_path, {"source_file": "*.en", "target_file": "*.de"}) == SETS


def test_columns_beside_texts_are_none_of_them(tmp_path):
    rows = [f"s-{i},news,{b},{a},0.9{i}" for i, (a, b) in enumerate(PAIRS)]
    lay(tmp_path, {"t.csv": "\n".join(["id,domain,sentence_de,sentence_en,score", *rows, ""])})
    assert Translation.suggest(tmp_path, {})["data"]["columns"] == [3, 4]
    read = read_pairs(Files(tmp_path / "t.csv", None), (4, 3), "utf-8")
    assert read == PAIRS


@pytest.mark.parametrize("name", ["pairs.txt", "pairs.tsv"])
def test_three_bars_part_a_text_from_its_translation(tmp_path, name):
    lay(tmp_path, {name: "".join(f"{a} ||| {b}\n" for a, b in PAIRS)})
    assert read_pairs(Files(tmp_path / name, None), (1, 2), "utf-8") == PAIRS


def test_notes_of_anki_are_read_as_they_are_seen(tmp_path):
    rows = "<b>Who</b>&nbsp;is\tWer<br>ist\nA < b\tA &lt; B\n"
    lay(tmp_path, {"notes.txt": "#separator:tab\n#html:true\n#tags column:3\n" + rows})
    read = read_pairs(Files(tmp_path / "notes.txt", None), (1, 2), "utf-8")
    assert read == [("Who is", "Wer ist"), ("A < b", "A < B")]


def asked(folder, name, columns=(1, 2), of_pairs=True):
    read = read_sources(folder / name, columns, "utf-8", of_pairs=of_pairs)
    return [text for _, text in read]


ASKED = {
    "pairs.tsv": "".join(f"{a}\t{b}\n" for a, b in PAIRS),
    "deu.txt": "".join(f"{a}\t{b}\tCC-BY\n" for a, b in PAIRS),
    "bars.txt": "".join(f"{a} ||| {b}\n" for a, b in PAIRS),
    "pairs.csv": "en,de\n" + "".join(f"{a},{b}\n" for a, b in PAIRS),
    "pairs.jsonl": "".join(json.dumps({"en": a, "de": b}) + "\n" for a, b in PAIRS),
    "texts.txt": lines(PAIRS, 0),
    "texts.csv": "text\n" + lines(PAIRS, 0),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_model_is_asked_with_what_it_learned_from_and_its_last_rows(tmp_path, name):
    sources = [pair.source for pair in PAIRS]
    lay(tmp_path, ASKED | {f"last.{name}": "".join(ASKED[name].splitlines(keepends=True)[-5:])})
    assert asked(tmp_path, name) == sources
    assert asked(tmp_path, f"last.{name}") == sources[-5:]


PO = "".join(f'msgid "{a}"\nmsgstr "{b}"\n\n' for a, b in PAIRS)
ZIPPED = {"a.csv": ASKED["pairs.csv"], "sub/a.po": PO, "a.jsonl": ASKED["pairs.jsonl"]}


@pytest.mark.parametrize("of_pairs", [True, False])
@pytest.mark.parametrize("name", ZIPPED)
def test_a_table_in_a_zip_is_known_by_its_own_name(tmp_path, name, of_pairs):
    lay(tmp_path, {"new.zip": zipped({name: ZIPPED[name]})})
    assert asked(tmp_path, "new.zip", of_pairs=of_pairs) == [pair.source for pair in PAIRS]


def test_a_catalogue_in_a_zip_is_to_be_called_so_itself(tmp_path):
    lay(tmp_path, {"new.zip": zipped({"a.txt": PO}), "de.txt": PO})
    for name, cure in (("new.zip", "what is in it a.txt.po"), ("de.txt", "it de.txt.po")):
        with pytest.raises(DataError, match=f"^{name} is a catalogue of gettext; call {cure}, or"):
            asked(tmp_path, name)
        with pytest.raises(DataError, match=f"^{name} is a catalogue of gettext; call {cure}, or"):
            asked(tmp_path, name, of_pairs=False)


@pytest.mark.parametrize("wanted", [{}, {"source_file": "pairs.zip"}])
@pytest.mark.parametrize("name", ZIPPED)
def test_a_table_in_a_zip_beside_another_file_is_the_one_of_pairs(tmp_path, name, wanted):
    lay(tmp_path, {"pairs.zip": zipped({name: ZIPPED[name]}), "extra.md": "# Pairs\n"})
    lay(tmp_path, {"broken.zip": b"PK\x03\x04 and no more"})
    read = proposed(tmp_path, wanted)
    assert sorted(pair for split in read.values() for pair in split) == sorted(PAIRS)


def test_a_model_of_two_files_is_asked_with_texts_of_a_table(tmp_path):
    rows = [f"{i}\t{a}\t{b}" for i, (a, b) in enumerate(PAIRS)]
    lay(tmp_path, {"t.tsv": "\n".join([*rows, ""]), "t.txt": "a\tb\n\nc\td\n"})
    assert asked(tmp_path, "t.tsv", of_pairs=False) == [pair.source for pair in PAIRS]
    assert asked(tmp_path, "t.txt", of_pairs=False) == ["a b", "", "c d"]


def test_rows_that_a_model_is_asked_about_have_their_numbers_in_the_file(tmp_path):
    lay(tmp_path, {"t.tsv": "en\tde\na b\tA\n\nc\tC\n"})
    found = read_sources(tmp_path / "t.tsv", (1, 2), "utf-8", of_pairs=True)
    assert found == [(2, "a b"), (4, "c")]


@pytest.mark.parametrize("names", [("a.en", "a.de"), ("swahili.txt", "malay.txt")])
def test_a_link_to_nothing_among_aligned_files_is_told_as_such(tmp_path, names):
    lay(tmp_path, aligned(names, sets=(TRAIN,)))
    assert proposed(tmp_path)["train"]
    (tmp_path / names[1]).unlink()
    (tmp_path / names[1]).symlink_to("gone")
    with pytest.raises(DataError) as refused:
        proposed(tmp_path)
    assert str(refused.value) == f"{names[1]} is a link to nothing; remove it, or repair it"
