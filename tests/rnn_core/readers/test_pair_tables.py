"""Pairs of texts in the tables that people and other libraries have."""

import gzip
import json

import pandas as pd
import pytest

from rnn_core.errors import DataError
from rnn_core.readers.faults import FaultsError
from rnn_core.readers.pair_files import Files
from rnn_core.readers.parallel_text import Pair, read_pairs, told_columns, usual_columns

PAIRS = [
    Pair("Go, now.", 'Va, "vite" !'),
    Pair("Wait\there.", "Attends ici."),
    Pair("No?", "Non ?"),
]
TABLE = pd.DataFrame(
    {"id": [1, 2, 3], "en": [p.source for p in PAIRS], "fr": [p[1] for p in PAIRS]}
)
EXPECTED = [Pair(pair.source.replace("\t", " "), pair.target) for pair in PAIRS]


def nested(file):
    rows = [{"translation": {"en": p.source, "fr": p.target}} for p in PAIRS]
    pd.DataFrame(rows).to_json(file, orient="records", lines=True)


FORMS = {
    "t.csv": lambda file: TABLE.to_csv(file, index=False),
    "semicolons.csv": lambda file: TABLE.to_csv(file, index=False, sep=";"),
    "no_names.csv": lambda file: TABLE.to_csv(file, index=False, header=False),
    "t.csv.gz": lambda file: file.write_bytes(gzip.compress(TABLE.to_csv(index=False).encode())),
    "t.xlsx": lambda file: TABLE.to_excel(file, index=False),
    "t.parquet": TABLE.to_parquet,
    "t.json": TABLE.to_json,
    "t.jsonl": nested,
    "languages.csv": lambda file: TABLE.set_axis(
        ["id", "english_sentence", "hindi_sentence"], axis="columns"
    ).to_csv(file, index=False),
    "languages.tsv": lambda file: (
        TABLE.set_axis(["id", "Korean", "thai"], axis="columns")
        .replace("\t", " ", regex=True)
        .to_csv(file, index=False, sep="\t", quoting=3)
    ),
    "own_names.csv": lambda file: TABLE.set_axis(
        ["id", "Suomi", "Fran\u00e7ais"], axis="columns"
    ).to_csv(file, index=False, sep=";"),
    "asked.csv": lambda file: TABLE.set_axis(["id", "Prompt", "Response"], axis="columns").to_csv(
        file, index=False
    ),
    "names.csv": lambda file: TABLE.set_axis(
        ["", "English words/sentences", "French words/sentences"], axis="columns"
    ).to_csv(file, index=False),
}


@pytest.mark.parametrize("name", FORMS)
def test_pairs_are_read_from_each_table(name, tmp_path):
    FORMS[name](tmp_path / name)
    columns = usual_columns(tmp_path / name, "utf-8").texts
    assert read_pairs(Files(tmp_path / name, None), columns, "utf-8") == EXPECTED


def test_no_advice_names_a_parameter_that_pairs_do_not_have(tmp_path):
    (tmp_path / "t.csv").write_text('"Ja, ja","Yes"\n"Nein, nein","No, no"\n"Gut","Good\n')
    with pytest.raises(DataError, match=r"opened and not closed; close it$"):
        usual_columns(tmp_path / "t.csv", "utf-8")


def test_row_that_lacks_a_text_is_named(tmp_path):
    TABLE.assign(fr=["Va !", None, "Non ?"]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(FaultsError, match=r"t\.csv, line 3 lacks a text"):
        read_pairs(Files(tmp_path / "t.csv", None), (2, 3), "utf-8")


def test_table_without_translations_is_told(tmp_path):
    (tmp_path / "t.csv").write_text("one\ntwo\n")
    with pytest.raises(DataError, match=r"t\.csv has one column alone; put the translations"):
        read_pairs(Files(tmp_path / "t.csv", None), (1, 2), "utf-8")
    row = {"id": "1", "both": ["a dog", "ein Hund"]}
    (tmp_path / "t.jsonl").write_text(f"{json.dumps(row)}\n" * 2)
    with pytest.raises(DataError, match=r"has one column alone.*; left out, .* inside: 'both'$"):
        read_pairs(Files(tmp_path / "t.jsonl", None), (1, 2), "utf-8")


def test_a_sentence_that_is_a_language_is_no_name_of_a_column(tmp_path):
    """Nothing tells that the first row is one, if only one of its texts is such a name."""
    (tmp_path / "t.csv").write_text("English,Anglais !\nFrench,Le français\n")
    assert len(read_pairs(Files(tmp_path / "t.csv", None), (1, 2), "utf-8")) == 2


def test_column_that_says_where_a_pair_comes_from_is_no_text(tmp_path):
    """As the table of pairs of IIT Bombay has it, whose column is called as texts are."""
    rows = [(("ted talks", "news of 1990")[i % 2], f"text {i} x", f"lekh {i} y") for i in range(40)]
    table = pd.DataFrame(rows, columns=["source", "english_sentence", "hindi_sentence"])
    table.to_csv(tmp_path / "t.csv", index=False)
    assert usual_columns(tmp_path / "t.csv", "utf-8").texts == (2, 3)
    read = read_pairs(Files(tmp_path / "t.csv", None), (2, 3), "utf-8")
    assert read[0] == Pair("text 0 x", "lekh 0 y")
    assert len(read) == 40


def test_a_few_rows_with_more_columns_are_told(tmp_path):
    rows = [f"text {i}\tTexte {i}" for i in range(20)]
    (tmp_path / "p.tsv").write_text("\n".join(rows) + "\n")
    assert told_columns(tmp_path / "p.tsv", (1, 2), "utf-8").notes == ()
    rows[6] = "te\txt 6\tTexte 6"
    (tmp_path / "p.tsv").write_text("\n".join(rows) + "\n")
    (note,) = told_columns(tmp_path / "p.tsv", (1, 2), "utf-8").notes
    assert note.startswith("p.tsv, line 7, and 1 in all have more columns than the 2 of most lines")
    (tmp_path / "p.tsv").write_text("\n".join(f"{row}\tx" for row in rows[:6]) + "\n")
    assert told_columns(tmp_path / "p.tsv", (1, 2), "utf-8").notes == ()
