"""Texts of a folder, and the split of each."""

import gzip

import pytest

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.readers.text_files import by_split, only_text_file, text_files, usual_encoding


def laid_out(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a text\n")
    return folder


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (["Book.TXT"], ["Book.TXT"]),
        (["book.md"], ["book.md"]),
        (["b.text", "a.txt", "c.txt.gz"], ["a.txt", "b.text", "c.txt.gz"]),
        (["book.txt", "README.md", "notes.md"], ["book.txt"]),
        (["book.txt", "README.txt", "License.txt"], ["book.txt"]),
        (["readme.txt"], ["readme.txt"]),
        (["z.txt", "part 1/b.txt", ".hidden.txt", ".git/c.txt"], ["part 1/b.txt", "z.txt"]),
    ],
)
def test_texts_are_found_by_their_endings(tmp_path, names, texts):
    found = text_files(laid_out(tmp_path, *names), "it")
    assert [str(file.relative_to(tmp_path)) for file in found] == texts


@pytest.mark.parametrize(
    ("files", "texts"),
    [
        ({"one.py": b"x = 1\n"}, ["one.py"]),
        ({"a.c": b"int\tx;\n", "b.c": b"y", "Makefile": b"all:\n"}, ["a.c", "b.c"]),
        ({"tunes.abc": b"X:1\n", "cover.png": b"\x89PNG\r\n\x1a\n\0"}, ["tunes.abc"]),
        ({"book": "\u00e9t\u00e9".encode("utf-16")}, ["book"]),
        (
            {"ptb.train": b"a b", "ptb.valid": b"c", "ptb.test": b"d", "run.sh": b"x" * 99},
            ["ptb.test", "ptb.train", "ptb.valid"],
        ),
        ({"corpus.tok": b"a b", "prep.py": b"x" * 99, "clean.py": b"y"}, ["corpus.tok"]),
        ({"book": b"a b", "a.yaml": b"x" * 99, "b.yaml": b"y"}, ["book"]),
        ({"a.abc": b"a" * 9, "b.tex": b"b", "c.tex": b"c"}, ["a.abc"]),
        ({"log.gz": gzip.compress(b"one two")}, ["log.gz"]),
        ({"wiki_00": b'<doc id="1">\none\n</doc>\n', "page": b"<html>two"}, ["wiki_00"]),
        ({"book.txt": b"x", "b.tex": b"y", "c.tex": b"z"}, ["book.txt"]),
    ],
)
def test_other_files_are_texts_by_their_content(tmp_path, files, texts):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = text_files(tmp_path, "it")
    assert [str(file.relative_to(tmp_path)) for file in found] == texts


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"text\nx y\n", "a.csv is a table, and it reads plain text; save its column"),
        ("a.jsonl", b'{"text": "x"}', "a.jsonl is a table"),
        ("a.arrow", b"ARROW1\0\0", "a.arrow is a table"),
        ("a.html", b" <HTML><p>x", "only a.html; it reads plain text"),
        ("a.docx", b"PK\x03\x04", "only a.docx"),
        ("a.rtf", b"{\\rtf1 x}", "only a.rtf"),
        ("a.gz", b"\x1f\x8bno gzip", "a.gz is packed; unpack it, and give what is in it"),
        ("a.tgz", bytes(257) + b"ustar", "a.tgz is packed; unpack it, and give what is in it"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0", "a.7z is packed; unpack it, and give what is in it"),
    ],
)
def test_other_kinds_are_no_texts(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=told):
        text_files(tmp_path, "it")


def test_what_lies_beside_pages_is_not_taken_for_the_text(tmp_path):
    (tmp_path / "style.css").write_text("a { color: red }\n")
    (tmp_path / "chat.htm").write_text("<!DOCTYPE html><p>Hello there, how are you today?</p>")
    with pytest.raises(DataError, match=r"most of the data is chat\.htm and the like, and"):
        text_files(tmp_path, "it")


def test_what_is_there_instead_is_told(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "b.html").write_text("<!DOCTYPE html><p>x")
    with pytest.raises(DataError, match=r"only a.pdf, b.html; it reads plain text"):
        text_files(tmp_path, "it")
    with pytest.raises(DataError, match=r"holds 2 text files, a.txt and b.txt"):
        only_text_file(laid_out(tmp_path, "a.txt", "b.txt"), "it")


def test_files_are_of_splits_only_where_all_are(tmp_path):
    names = ["a.train.txt", "b.train.txt", "val.txt", "test.txt"]
    found = by_split(text_files(laid_out(tmp_path, *names), "it"))
    assert {split: len(files) for split, files in found.items()} == {
        "train": 2,
        "validation": 1,
        "test": 1,
    }
    assert by_split(text_files(laid_out(tmp_path, "more.txt"), "it")) is None
    (tmp_path / "more.txt").unlink()
    (tmp_path / "test.txt").unlink()
    assert by_split(text_files(tmp_path, "it")) is None


@pytest.mark.parametrize(
    "names",
    [
        ["train/a.txt", "Validation/a.txt", "test/a.txt"],
        ["my-corpus/train/1.txt", "my-corpus/dev/1.txt", "my-corpus/eval/1.txt"],
        ["train.txt", "eval.txt", "test.txt"],
    ],
)
def test_files_are_of_splits_by_their_folders_too(tmp_path, names):
    found = by_split(text_files(laid_out(tmp_path, *names), "it"))
    there = {split: [str(f.relative_to(tmp_path)) for f in files] for split, files in found.items()}
    assert there == {split: [name] for split, name in zip(SPLITS, names, strict=True)}


GERMAN = "Die Größe der Tür war schön. Für Männer gab es süße Äpfel.\n"
CHINESE = "今天天气很好我们一起去公园散步吧然后回家吃饭。\n"


@pytest.mark.parametrize(
    ("texts", "encoding"),
    [
        ([(GERMAN, "cp1252"), ("plain\n", "ascii")], "cp1252"),
        ([(GERMAN, "utf-8-sig"), (GERMAN, "utf-16"), (CHINESE, "gb18030")], "gb18030"),
        ([("a text that is plain\n" * 3, "utf-16-le")], "utf-16-le"),
        ([(GERMAN, "utf-8"), ("plain\n", "ascii")], None),
    ],
)
def test_the_encoding_of_texts_is_found_where_it_is_certain(tmp_path, texts, encoding):
    for place, (text, written) in enumerate(texts):
        (tmp_path / f"{place}.txt").write_bytes(text.encode(written))
    found = usual_encoding(text_files(tmp_path, "it"))
    assert found == ({} if encoding is None else {"encoding": encoding})


def test_texts_of_two_encodings_are_not_read_as_one(tmp_path):
    (tmp_path / "a.txt").write_bytes(GERMAN.encode("cp1252"))
    (tmp_path / "b.txt").write_bytes(GERMAN.encode())
    with pytest.raises(DataError, match=r"a.txt is in cp1252 and b.txt is in utf-8; save all"):
        usual_encoding(text_files(tmp_path, "it"))
