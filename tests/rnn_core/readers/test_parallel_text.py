"""Aligned files and tables of pairs; what is refused is in malformed/translation.py."""

import json

import pytest

from rnn_core.errors import DataError
from rnn_core.readers.pair_files import Files, pair_files
from rnn_core.readers.parallel_text import Pair, read_lines, read_pairs, usual_columns


def files(folder, **contents):
    for name, content in contents.items():
        (folder / f"c.{name}").write_text(content, newline="")
    return Files(*(folder / f"c.{name}" for name in contents))


def pairs(folder, **contents):
    return read_pairs(files(folder, **contents), (1, 2), "utf-8")


def test_a_carriage_return_on_each_side_moves_no_pair(tmp_path):
    read = pairs(tmp_path, en="a dog\rhere\nb\nc\n", de="A\nB\nein\rC\n")
    assert read == [("a dog here", "A"), ("b", "B"), ("c", "ein C")]


def test_blank_lines_at_the_end_of_one_file_are_none(tmp_path):
    assert pairs(tmp_path, en="a\nb\n\n \n", de="A\nB") == [("a", "A"), ("b", "B")]
    assert pairs(tmp_path, en="a\n\nb\n", de="A\n\nB\n\n\n") == [("a", "A"), ("b", "B")]


def test_counts_are_those_of_lines_as_wc_counts_them(tmp_path):
    with pytest.raises(DataError, match="they have 3 and 2 lines"):
        pairs(tmp_path, en="a\nb\rx\nc\n", de="A\nB\n")


def test_all_lines_without_a_translation_are_told_at_once(tmp_path):
    with pytest.raises(DataError) as caught:
        pairs(tmp_path, en="a\n\nc\nd\n", de="A\nB\n \nD\n")
    assert str(caught.value).splitlines() == [
        "2 faults",
        "  c.en, line 2 is empty, but that of c.de is not",
        "  c.de, line 3 is empty, but that of c.en is not",
        "    what to do: remove the line from both",
    ]


def test_characters_that_break_lines_elsewhere_stay_inside(tmp_path):
    (tmp_path / "in.txt").write_text("a\u2028b\x85c\n\nd\x0ce\x0bf\n")
    assert read_lines(tmp_path / "in.txt", "utf-8") == ["a b c", "", "d e f"]


@pytest.mark.parametrize(("indent", "times"), [(1, 1), (None, 2)])
def test_texts_of_a_program_in_json_are_no_lines(tmp_path, indent, times):
    both = ({"menu": {"file": "A file"}}, {"menu": {"file": "Eine Datei"}})
    en, de = ((json.dumps(texts, indent=indent) + "\n") * times for texts in both)
    with pytest.raises(DataError, match=r"c\.en is JSON, and its keys are no text; save its texts"):
        pairs(tmp_path, en=en, de=de)
    marked = {"en": "{a} dog\n[b]\n", "de": "{ein} Hund\n[b] zwei\n"}
    assert pairs(tmp_path, **marked) == [("{a} dog", "{ein} Hund"), ("[b]", "[b] zwei")]


def test_a_single_file_is_a_table_of_pairs(tmp_path):
    content = 'Go.\tGeh.\tCC-BY 2.0 #1\n\nHe said "go\tEr sagte "geh\tCC-BY\n'
    (tmp_path / "deu.txt").write_text(content)
    found = pair_files(tmp_path, None, None)
    assert found == Files(tmp_path / "deu.txt", None)
    assert read_pairs(found, (1, 2), "utf-8") == [("Go.", "Geh."), ('He said "go', 'Er sagte "geh')]
    assert read_pairs(found, (2, 1), "utf-8")[0] == Pair("Geh.", "Go.")


def test_names_of_columns_in_each_joined_part_are_no_pairs(tmp_path):
    part = "English\tGerman\na dog\tein Hund\n"
    path = tmp_path / "all.tsv"
    path.write_text(part + part.replace("dog", "cat").replace("Hund", "Kater"))
    assert read_pairs(Files(path, None), (1, 2), "utf-8") == [
        ("a dog", "ein Hund"),
        ("a cat", "ein Kater"),
    ]


@pytest.mark.parametrize(
    ("header", "kept"), [("en\tde", 2), ("Source\tTarget", 2), ("go\tva", 3), ("Hi\tSalut", 3)]
)
def test_names_of_columns_are_no_pair(tmp_path, header, kept):
    (tmp_path / "pairs.tsv").write_text(f"{header}\na\tA\nb\tB\n")
    written = [tuple(header.split("\t")), ("a", "A"), ("b", "B")]
    assert read_pairs(pair_files(tmp_path, None, None), (1, 2), "utf-8") == written[-kept:]


def test_columns_after_numbers_of_sentences_are_found(tmp_path):
    (tmp_path / "a.tsv").write_text("1276\tLet's go!\t77\tLos!\n1277\tNo.\t1002\tNein.\n")
    assert usual_columns(tmp_path / "a.tsv", "utf-8").texts == (2, 4)
    (tmp_path / "b.tsv").write_text("1276\tone\t77\tLos!\n12 a\tNo.\t1002\tNein.\n")
    assert usual_columns(tmp_path / "b.tsv", "utf-8").texts == (1, 2)


def test_all_lines_of_a_table_that_are_no_pairs_are_told_at_once(tmp_path):
    (tmp_path / "pairs.tsv").write_text("a\tA\nb\nc\tC\nd\t\ne e\n")
    with pytest.raises(DataError) as caught:
        read_pairs(pair_files(tmp_path, None, None), (1, 2), "utf-8")
    told = str(caught.value)
    assert told.startswith("3 faults\n  pairs.tsv, line 2 has 1 column\n  pairs.tsv, line 5 has 1")
    assert "pairs.tsv, line 4 lacks a text\n    what to do: complete the line" in told


def test_no_message_names_the_folder_that_files_were_copied_to(tmp_path):
    for name in ("c.en", "c.de", "c.fr"):
        (tmp_path / name).write_text("a\n")
    for names in (("c.en", "c.es"), ("c.es", None), ("c.en", None)):
        with pytest.raises(DataError) as caught:
            pair_files(tmp_path, *names)
        assert str(tmp_path) not in str(caught.value)


def test_column_of_row_numbers_is_no_text(tmp_path):
    rows = [f"{i}\tHaus Nummer {i}\thouse number {i}\tof a list" for i in range(1, 9)]
    (tmp_path / "rows.tsv").write_text("\n".join(["id\tde\ten\tfrom", *rows, ""]))
    assert usual_columns(tmp_path / "rows.tsv", "utf-8").texts == (2, 3)


def test_numbers_in_words_are_translated_from_numbers(tmp_path):
    (tmp_path / "numbers.tsv").write_text("1\tone\n2\ttwo\n3\tthree\n")
    assert usual_columns(tmp_path / "numbers.tsv", "utf-8").texts == (1, 2)
