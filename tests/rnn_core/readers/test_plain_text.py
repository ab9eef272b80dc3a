# ruff: noqa: RUF001 - letters of other scripts look like Latin ones
"""Plain texts: what a line is, encodings, and what the eye does not see."""

import gzip
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_core.errors import DataError
from rnn_core.readers import plain_text
from rnn_core.readers.odd_characters import odd_characters
from rnn_core.readers.plain_text import read_file_lines, read_plain_text, text_pieces


def written(folder, content, name="text.txt"):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\ntwo", ["one", "two"]),
        ("a b\rc\nd\n", ["a b c", "d"]),
        ("a\r\rb\r\r\nc\n", ["a  b", "c"]),
        ("of\rold\rMacs\r", ["of", "old", "Macs"]),
        ("a\u2028b\u2029\x85c\x0bd\x0ce\n", ["a\u2028b\u2029\x85c\x0bd\x0ce"]),
        ("end\n\x00\x00\x1a", ["end"]),
    ],
)
def test_lines_end_where_wc_counts_them(tmp_path, content, lines):
    assert read_file_lines(written(tmp_path, content)) == lines


@given(st.lists(st.text(st.sampled_from("ab \r\t\u2028\x85é")), min_size=2))
def test_a_carriage_return_moves_no_line(tmp_path_factory, lines):
    folder = tmp_path_factory.mktemp("lines")
    file = written(folder, "x" + "".join(f"{line}\n" for line in lines))
    assert len(read_file_lines(file)) == file.read_bytes().count(b"\n")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding_whatever_was_said(tmp_path, encoding):
    file = written(tmp_path, "größer\r\n\u4e2d\u6587\n".encode(encoding))
    assert read_plain_text(file) == read_plain_text(file, "gb18030") == "größer\n中文\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("déjà – vu", "windows-1252"), ("映画です", "shift-jis"), ("привет", "koi8-r")],
)
def test_an_encoding_that_is_named_is_read(tmp_path, text, encoding):
    file = written(tmp_path, f"{text}\n".encode(encoding))
    assert read_plain_text(file, encoding) == f"{text}\n"
    with pytest.raises(DataError, match=r"line 1 is not UTF-8 \(byte \d+ of the file\).*encoding"):
        read_plain_text(file, "utf-8")
    with pytest.raises(DataError, match=r"save the file as UTF-8$"):
        read_plain_text(file)


def test_packed_files_are_unpacked(tmp_path):
    packed = gzip.compress("größer\n".encode())
    assert read_plain_text(written(tmp_path, packed, "text.TXT.GZ")) == "größer\n"


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        ("cafe\u0301", "café"),
        ("one\ufefftwo", "onetwo"),
        ("Wort\u00adtrennung\u200b \u2060hier", "Worttrennung hier"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_what_looks_alike_is_alike_and_joiners_stay(tmp_path, content, seen):
    assert read_plain_text(written(tmp_path, content)) == seen


@given(st.text(st.sampled_from("ab é\u0301\n\r\u200b中ก้")), st.integers(1, 20))
def test_pieces_are_the_text_however_large_they_are(tmp_path_factory, text, size):
    file = written(tmp_path_factory.mktemp("pieces"), f"x{text}")
    content = f"x{text}"
    ends = content.replace("\r\n", "\n")
    while ends != content:
        content, ends = ends, ends.replace("\r\n", "\n")
    content = content.replace("\r", " " if "\n" in content else "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_text, "PIECE_BYTES", size)
        pieces = list(text_pieces(file))
    assert "".join(pieces) == unicodedata.normalize("NFC", content.replace("\u200b", ""))


def test_the_line_of_a_fault_counts_the_pieces_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr(plain_text, "PIECE_BYTES", 8)
    with pytest.raises(DataError, match=r"text.txt, line 5 holds the control character U\+0007"):
        read_plain_text(written(tmp_path, "one\ntwo\nthree\nfour\nfi\x07ve\nsix\n"))
    with pytest.raises(DataError, match=r"text.txt, line 4 is not UTF-8 \(byte 16 of the file\)"):
        read_plain_text(written(tmp_path, b"one\ntwo\nthree\nf\xe9ur\nfive\n"))


def test_characters_that_were_lost_or_shifted_are_told_with_their_line(tmp_path):
    file = written(tmp_path, "fine\nit\u0092s\nno \ufffd here\n\ufffd\nbr\x85eak\n")
    lost, shifted = odd_characters([file])
    assert lost.startswith("text.txt, line 3, and 2 characters in all are U+FFFD")
    assert shifted.startswith("text.txt, line 2, and 1 characters in all are control characters")
    assert odd_characters([written(tmp_path, "naïve – “fine”\x85\n")]) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "fine\nsch\u00f6n f\u00fcr M\u00e4dchen\n",
            "line 2, and 3 places in all have characters such as",
        ),
        (
            "\u201eja\u201c \u201enein\u201c\n",
            "line 1, and 4 places in all have characters such as '\u00e2\u20ac\u017e'",
        ),
        ("Straße\nÜber Maß\n", "line 1, and 3 places in all have characters such as 'ÃŸ'"),
        ("год и век\n", "line 1, and 7 places in all have characters such as"),
        ("ひらがなと\n漢字です。\n", "line 1, and"),
        ("안녕하세요 여러분\n", "line 1, and"),
        ("你好，世界。谢谢\n", "line 1, and"),
        ("Dzień, żółty Kraków\n", "line 1, and 5 places in all have characters such as"),
        ("ελληνικά\nγράμματα\n", "line 1, and 16 places in all have characters such as"),
        ("ŞİŞ ığşç ĞÜÖÇİ\n", "line 1, and 12 places in all have characters such as"),
        ("हिन्दी\n", "line 1, and 6 places in all have characters such as"),
        ("السلام عليكم\n", "line 1, and 11 places in all have characters such as"),
        ("Tiếng Việt đẹp\n", "line 1, and 4 places in all have characters such as"),
        ("so \U0001f600 nice \U0001f601 \U0001f602\n", "line 1, and 3 places in all have"),
    ],
)
def test_utf_8_that_was_read_as_another_encoding_is_told(tmp_path, text, told):
    wrong = "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in text.encode())
    (found,) = odd_characters([written(tmp_path, wrong)])
    assert told in found
    assert found.endswith("read the original as UTF-8, and export it again")
    assert odd_characters([written(tmp_path, text)]) == []
    (found,) = odd_characters([written(tmp_path, text.encode().decode("latin-1"))])
    assert told.partition(" such as")[0] in found
    assert found.endswith("read the original as UTF-8, and export it again")


def test_windows_1252_that_was_read_as_latin_1_is_told_with_that_cure_alone(tmp_path):
    text = "« à…\u00a0» il l’a été…\u00a0» “Ã” is a letter\n" * 4
    (found,) = odd_characters([written(tmp_path, text.encode("cp1252").decode("latin-1"))])
    assert found.endswith("read it as windows-1252, and save it as UTF-8")


def test_letters_beside_marks_are_as_they_were_written(tmp_path):
    text = "« déjà\u00a0» “irmã”… été…\u00a0» «é™» NÃO, coração — «maçã»\n" * 5
    assert odd_characters([written(tmp_path, text)]) == []


PROPER = {
    "Portuguese": "A «IRMû, “MANHÃ”, ALEMÃ… MAÇÃ — “IRMÃ”",
    "Vietnamese": "“NGÔ ĐÃ… “ĐÃ” XÃ… ĐÃ»",
    "Icelandic": "„ORД „BORД „GARД FJÖRÐ…",
    "Spanish": "la «Ñ», la “Ñ”, una Ñ… “Ñ”",
    "footnotes of French": "«liberté»¹ «égalité»² «fraternité»³ «sécurité»¹",
    "German with few umlauts": "„Spaß“ „Fuß“ „Gruß“ Maß” Fuß’",
    "volumes": "5 Å³, 7 Å³ and 9 Å³",
    "cups": "3×½ cups, 2×½ and 4×¼",
    "program": "f(&ptr;) &Black&Decker; &count; &Noble; &foo;",
}


@pytest.mark.parametrize("kind", PROPER)
def test_nothing_is_told_of_proper_texts(tmp_path, kind):
    assert odd_characters([written(tmp_path, f"{PROPER[kind]}\n" * 5)]) == []


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
@pytest.mark.parametrize("text", ["déjà vu, été", "год и век", "日本語です", "ok 😀 so 🎉 it 🚀"])
def test_some_lines_that_were_read_as_another_encoding_are_told(tmp_path, text, encoding):
    wrong = "".join(bytes([b]).decode(encoding, "ignore") or chr(b) for b in text.encode())
    proper = "“Où” était-ce ? «Là», à côté ; ça été naïf.\n" * 20
    (found,) = odd_characters([written(tmp_path, f"{proper}{wrong}\n")])
    assert found.startswith("text.txt, line 21, and ")


def test_entities_and_tags_are_told_and_letters_that_only_look_so_are_not(tmp_path):
    (found,) = odd_characters([written(tmp_path, "x\na &amp; b &lt;c&gt; &#8217;\n")])
    assert "line 2, and 4 places in all have entities of HTML such as '&amp;'" in found
    for text in ("&#x27;a&#X2019;b&#xe9;", "&Uuml;ber&frac12;&Eacute;", "&hellip;&sup2;&there4;"):
        (found,) = odd_characters([written(tmp_path, f"{text}\n")])
        assert "line 1, and 3 places in all have entities of HTML" in found
    for text in ("a<br /><br/>b<BR>", "<p>a <a href='b'>c</p>", "<i>a</i> <b>c"):
        (found,) = odd_characters([written(tmp_path, f"{text}\n")])
        assert "line 1, and 3 places in all have tags of HTML" in found
    fine = "a <3 b, x<y>z, List<int>, <user> <url> <number>\n"
    assert odd_characters([written(tmp_path, fine)]) == []
    fine = "AT&T; R&D, \u00abN\u00c3O\u00bb \u00c2ge \u00abCRIAN\u00c7\u00c3\u00bb a & b;\n"
    assert odd_characters([written(tmp_path, fine)]) == []


def test_a_folder_in_place_of_a_text_is_told(tmp_path):
    (tmp_path / "chapters").mkdir()
    with pytest.raises(DataError, match=r"^chapters is a folder; give a file$"):
        read_plain_text(tmp_path / "chapters")
