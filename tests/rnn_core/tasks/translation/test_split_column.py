"""Tables of pairs with a column that says the split of each row."""

import pytest

from rnn_core.errors import DataError, ParameterError
from rnn_core.tasks.translation.learn import TranslationModel
from rnn_core.tasks.translation.pairs import read_splits
from rnn_core.tasks.translation.parameters import TranslationData
from rnn_core.tasks.translation.task import Translation

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
PAIRS = [(f"the {a} {b}", f"die {b} {a}") for a in NUMBERS for b in NUMBERS]


def split_of(place, names):
    """Every eleventh pair is for validation, those before them for the test."""
    return names[(place % 11 == 0) + 2 * (place % 11 == 10)]


USUAL = {"text": "en", "target": "de", "split": "subset"}


def table(folder, form, names=("train", "dev", "test"), header=USUAL, name="p.tsv"):
    rows = [header] if header else []
    rows += [
        {"text": a, "target": b, "split": split_of(i, names)} for i, (a, b) in enumerate(PAIRS)
    ]
    (folder / name).write_text("".join(form.format(**row) + "\n" for row in rows))
    return folder


def suggested(folder, **wanted):
    return Translation.suggest(folder, wanted)["data"]


def splits(data, folder):
    read = read_splits(folder, TranslationData(**data))
    return {split: [pair.source for pair in pairs] for split, pairs in read.items()}


WANTED = {
    split: [
        a for i, (a, _) in enumerate(PAIRS) if split_of(i, ("train", "validation", "test")) == split
    ]
    for split in ("train", "validation", "test")
}
FORMS = {
    "last": ("{text}\t{target}\t{split}", [1, 2], 3),
    "first": ("{split}\t{text}\t{target}", [2, 3], 1),
    "between": ("{text}\t{split}\t{target}", [1, 3], 2),
}


HEADERS = (
    USUAL,
    None,
    {"text": "input", "target": "output", "split": "split"},
    {"text": "question", "target": "answer", "split": "part"},
)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("form", FORMS)
def test_splits_are_those_of_a_column(tmp_path, form, header):
    written, columns, place = FORMS[form]
    data = suggested(table(tmp_path, written, header=header))
    assert (data["columns"], data["split_column"]) == (columns, place)
    assert splits(data, tmp_path) == WANTED


@pytest.mark.parametrize("name", ["p.tsv", "p.csv"])
def test_names_of_columns_are_known_by_that_of_splits_wherever_a_table_is_read(tmp_path, name):
    form = FORMS["first"][0].replace("\t", "\t" if name == "p.tsv" else ",")
    data = suggested(table(tmp_path, form, header=HEADERS[2], name=name))
    read = Translation.prepare(tmp_path, TranslationData(**data))
    told = Translation.understand(tmp_path, *read).read
    assert told[0].startswith(f"column 'input' of {name} is translated into column 'output'")
    model = TranslationModel(hidden_size=6, embedding_size=4, beam_size=2)
    task = Translation(read[1], model)
    assert task.read_input(tmp_path / name)["text"].tolist() == [a for a, _ in PAIRS]


def test_a_first_row_with_a_mistake_in_its_split_is_no_header(tmp_path):
    file = table(tmp_path, FORMS["last"][0], header=None) / "p.tsv"
    for wrong in ("", "x"):
        lines = file.read_text().splitlines(keepends=True)
        rest = f"the one more\tdie mehr\t{wrong}\n"
        file.write_text("".join([rest, rest, *lines]))
        with pytest.raises(DataError, match=rf"p\.tsv, line 1: '{wrong}' in column 3 is no split"):
            read_splits(tmp_path, TranslationData(source_file="p.tsv", split_column=3))


def notes(folder, **wanted):
    """Notes on a column of splits that is not read."""
    data = suggested(folder, **wanted)
    told = Translation.understand(folder, *Translation.prepare(folder, TranslationData(**data)))
    return [line for line in told.read if "is not read, since" in line]


def test_files_tell_the_splits_before_a_column_does(tmp_path):
    for name, split in (("train.tsv", "train"), ("test.tsv", "test")):
        pairs = (split, split, split)
        table(tmp_path, FORMS["last"][0].replace("{text}", f"{{text}} {split}"), pairs, name=name)
    assert notes(tmp_path) == [
        "column 'subset' of train.tsv is not read, since files tell the splits"
    ]


def test_a_text_that_is_the_name_of_a_column_of_splits_is_no_name(tmp_path):
    words = [("set", "Satz"), *PAIRS]
    (tmp_path / "p.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in words))
    assert notes(tmp_path) == []


def test_a_column_that_is_read_as_wanted_is_not_called_unread(tmp_path):
    form = FORMS["last"][0] + "\t{target}"
    header = {"text": "en", "target": "set", "split": "split"}
    table(tmp_path, form, header=header)
    assert notes(tmp_path, columns=[1, 2], split_column=3) == []


@pytest.mark.parametrize("names", [("Training", "Valid", "EVAL"), ("train", "validation", "test")])
def test_splits_may_have_other_usual_names(tmp_path, names):
    folder = table(tmp_path, '"{text}","{target}",{split}', names, name="p.csv")
    assert splits(suggested(folder), folder) == WANTED


def test_a_split_without_rows_is_drawn_from_the_training_pairs(tmp_path):
    data = suggested(table(tmp_path, FORMS["last"][0], ("train", "train", "test")))
    found = splits(data, tmp_path)
    assert found["test"] == WANTED["test"]
    assert sorted(found["train"] + found["validation"]) == sorted(
        WANTED["train"] + WANTED["validation"]
    )
    assert len(found["validation"]) == 9
    told = Translation.understand(tmp_path, *Translation.prepare(tmp_path, TranslationData(**data)))
    assert "no rows belong to the validation set; it is drawn from the training pairs" in told.read
    assert "column 3 says the split of each row; --set split_column=null draws splits" in told.read


@pytest.mark.parametrize(
    "names", [("train", "train", "train"), ("a", "b", "c"), ("train", "x", "")]
)
def test_a_column_that_does_not_say_splits_for_certain_is_none(tmp_path, names):
    assert "split_column" not in suggested(table(tmp_path, FORMS["last"][0], names))


@pytest.mark.parametrize("names", [("0", "1", "2"), ("a", "train", "test"), ("train", "x", "")])
def test_a_column_that_is_called_so_and_says_no_splits_is_told(tmp_path, names):
    table(tmp_path, FORMS["last"][0], names)
    data = suggested(tmp_path)
    assert "split_column" not in data
    told = Translation.understand(tmp_path, *Translation.prepare(tmp_path, TranslationData(**data)))
    note = "column 'subset' of p.tsv is not read, since its values are no names of splits"
    assert any(line.startswith(note) for line in told.read)


def test_rows_that_lack_their_split_are_told(tmp_path):
    table(tmp_path, FORMS["last"][0], ("train", "", "test"))
    with pytest.raises(DataError, match=r"p\.tsv, line 2: '' in column 3 is no split") as refused:
        suggested(tmp_path)
    assert "write train, validation or test, or set data.split_column to null" in str(refused.value)
    assert suggested(tmp_path, split_column=None)["columns"] == [1, 2]


def test_a_column_of_splits_can_be_left_alone(tmp_path):
    data = suggested(table(tmp_path, FORMS["last"][0]), split_column=None)
    assert splits(data, tmp_path) != WANTED


def test_a_column_that_is_named_must_say_splits(tmp_path):
    table(tmp_path, FORMS["last"][0], ("train", "x", "test"))
    data = {"source_file": "p.tsv", "split_column": 3}
    with pytest.raises(DataError, match=r"p\.tsv, line 2: 'x' in column 3 is no split") as refused:
        read_splits(tmp_path, TranslationData(**data))
    assert "set data.split_column to null" in str(refused.value)
    table(tmp_path, FORMS["last"][0], ("dev", "dev", "test"))
    with pytest.raises(DataError, match=r"p\.tsv: no row has 'train' in column 3"):
        read_splits(tmp_path, TranslationData(**data))


def test_two_files_have_no_column_of_splits(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("x\ny\n")
    with pytest.raises(ParameterError, match="split_column belongs to a single table"):
        read_splits(tmp_path, TranslationData(source_file="a", split_column=3))
    with pytest.raises(ValueError, match="split_column must be another one than columns"):
        TranslationData(split_column=2)
