"""TMX, XLIFF and catalogues of gettext: the pairs in them, and what is refused."""

import gzip
from xml.sax.saxutils import escape

import pytest

from rnn_core.errors import DataError
from rnn_core.readers.pair_files import Files
from rnn_core.readers.parallel_text import (
    Pair,
    read_lines,
    read_pairs,
    told_columns,
    usual_columns,
)

PAIRS = [Pair("Go & <see> now.", "Geh & <sieh>!"), Pair("No.", "Nein."), Pair("Tea?", "Tée ö?")]


def tmx(pairs=PAIRS, head="", encoding="UTF-8", source="en"):
    units = "".join(
        f'<tu><tuv xml:lang="de-DE"><seg>{escape(b)}</seg></tuv>'
        f'<tuv xml:lang="en"><seg>{escape(a)}</seg></tuv></tu>\n'
        for a, b in pairs
    )
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>\n{head}<tmx version="1.4">'
        f'<header srclang="{source}"/><body>{units}</body></tmx>'
    )


def xliff(pairs=PAIRS):
    units = "".join(
        f'<trans-unit id="{i}"><source>{escape(a)}</source><target>{escape(b)}</target>'
        "<alt-trans><target>wrong</target></alt-trans></trans-unit>"
        for i, (a, b) in enumerate(pairs)
    )
    return (
        '<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"><file '
        f'source-language="en" target-language="de"><body>{units}</body></file></xliff>'
    )


def xliff_2(pairs=PAIRS):
    units = "".join(
        f'<unit id="{i}"><segment><source>{escape(a)}</source><target>{escape(b)}</target>'
        "</segment></unit>"
        for i, (a, b) in enumerate(pairs)
    )
    head = '<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" srcLang="en" trgLang="de">'
    return f'{head}<file id="f">{units}</file></xliff>'


def read(file):
    columns = usual_columns(file, "utf-8").texts
    return read_pairs(Files(file, None), columns, "utf-8")


def told(file, columns=(1, 2)):
    return told_columns(file, columns, "utf-8")


DOCTYPE = '<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'
FORMS = {
    "a.tmx": (tmx().encode(), ("en", "de-DE")),
    "from German.tmx": (tmx(source="de").encode(), ("de-DE", "en")),
    "wide.tmx": (tmx(encoding="UTF-16").encode("utf-16"), ("en", "de-DE")),
    "old.TMX": (tmx(encoding="ISO-8859-1", head=DOCTYPE).encode("latin-1"), ("en", "de-DE")),
    "packed.tmx.gz": (gzip.compress(tmx().encode()), ("en", "de-DE")),
    "a.xlf": (xliff().encode(), ("en", "de")),
    "b.xliff": (xliff_2().encode(), ("en", "de")),
    "memo.mqxliff": (xliff().encode(), ("en", "de")),
    "cloud.txlf": (xliff().encode(), ("en", "de")),
}


@pytest.mark.parametrize("name", FORMS)
def test_pairs_and_languages_are_read_from_each_format(tmp_path, name):
    content, names = FORMS[name]
    (tmp_path / name).write_bytes(content)
    assert told(tmp_path / name) == (names, ())
    expected = [pair[::-1] for pair in PAIRS] if names[0] == "de-DE" else PAIRS
    assert read(tmp_path / name) == expected
    (tmp_path / "c.en").write_text("".join(f"{pair.source}\n" for pair in PAIRS))
    (tmp_path / "c.de").write_text("".join(f"{pair.target}\n" for pair in PAIRS))
    plain = read_pairs(Files(tmp_path / "c.en", tmp_path / "c.de"), (1, 2), "utf-8")
    assert sorted(map(sorted, plain)) == sorted(map(sorted, read(tmp_path / name)))


def test_codes_inside_of_a_text_are_none_of_it(tmp_path):
    seg = 'Go <bpt i="1">&lt;b&gt;</bpt><hi>out</hi><ept i="1">&lt;/b&gt;</ept> <ph>{0}</ph>now'
    text = tmx([*PAIRS, Pair("SEG", "Raus")]).replace("SEG", seg)
    (tmp_path / "a.tmx").write_text(text)
    assert read(tmp_path / "a.tmx")[-1] == ("Go out now", "Raus")


def test_one_of_several_languages_is_chosen_by_its_column(tmp_path):
    french = '<tu><tuv xml:lang="en"><seg>Yes</seg></tuv><tuv lang="fr"><seg>Oui</seg></tuv></tu>'
    file = tmp_path / "a.tmx"
    file.write_text(tmx().replace("</body>", f"{french}</body>"))
    assert read(file) == PAIRS
    assert read_pairs(Files(file, None), (1, 3), "utf-8") == [("Yes", "Oui")]
    assert told(file, (1, 3)) == (
        ("en", "fr"),
        (
            "3 units of a.tmx that lack a text are left out",
            "a.tmx has texts in en (1), de-DE (2), fr (3); --set columns=[2,1] takes others",
        ),
    )


ENTITIES = '<!DOCTYPE tmx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n'
BROKEN = {
    "entities.tmx": (tmx(head=ENTITIES), "declares the entity 'a' in its DOCTYPE"),
    "cut.tmx": (tmx()[:-30], r"cut\.tmx, line 4 is not XML as it has to be"),
    "odd.tmx": (
        tmx(encoding="klingon"),
        "declares the encoding 'klingon', which is not known; save",
    ),
    "hex.tmx": (tmx(encoding="hex"), "declares the encoding 'hex', which is not known"),
    "wrong.tmx": (
        tmx(encoding="ascii"),
        "holds bytes that are not ascii, its encoding by its start",
    ),
    "page.tmx": ("<html><body/></html>", "is no TMX or XLIFF: its outermost element is <html>"),
    "one.tmx": (tmx([]), "has texts in two languages nowhere; there: none"),
    "text.xlf": ("hello\n", r"text\.xlf, line 1 is not XML"),
    "a.po": ('msgid "a"\nmsgstr "b"\nnonsense\n', r"a\.po, line 3 is no line of a catalogue"),
    "cut.po": (
        'msgid "a"\nmsgstr "b"\n\nmsgctxt "z"\n',
        r"cut\.po, line 4 has msgctxt without msgid",
    ),
    "odd.po": ('msgctxt "z"\nmsgstr "b"\n', r"odd\.po, line 1 has msgctxt without msgid; export"),
    "b.po": ('msgstr "b"\n', r"b\.po, line 1 has no msgid before it"),
    "c.pot": ('msgid "a"\nmsgstr ""\n', r"c\.pot holds no pairs"),
    "news.sgm": ('<srcset setid="n" srclang="any">\n', r"news\.sgm is XML, SGML or HTML"),
    "film.srt": (
        "1\n00:00:01,000 --> 00:00:02,500\nGo.\n",
        "is a file of subtitles, and its times",
    ),
    "news.txt": ('# hi\nmsgid ""\n', r"news\.txt is a catalogue of gettext; call it"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_refused_with_its_cause(tmp_path, name):
    content, message = BROKEN[name]
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        read_pairs(Files(tmp_path / name, None), (1, 2), "utf-8")


def test_tags_are_not_taken_for_sentences(tmp_path):
    (tmp_path / "c.en").write_text('<srcset setid="a">\n<seg id="1">Go.</seg>\n')
    with pytest.raises(DataError, match=r"c\.en is XML, SGML or HTML"):
        read_lines(tmp_path / "c.en", "utf-8")


EAST = [Pair("Go.", "\u884c\u304f"), Pair("Tea?", "\u8336")]
ENCODINGS = {
    "GB2312": EAST[1:],
    "Shift_JIS": EAST,
    "euc-jp": EAST,
    "windows-1252": PAIRS,
    "koi8-r": [Pair("Tea?", "\u0447\u0430\u0439")],
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("packed", [False, True])
def test_declared_encodings_are_read(tmp_path, encoding, packed):
    content = tmx(ENCODINGS[encoding] * 400, encoding=encoding).encode(encoding)
    file = tmp_path / ("a.tmx.gz" if packed else "a.tmx")
    file.write_bytes(gzip.compress(content) if packed else content)
    assert read(file) == ENCODINGS[encoding] * 400


@pytest.mark.parametrize(
    ("saved", "declared"),
    [("utf-8", "utf-16"), ("utf-8", "UTF8"), ("utf-16-le", "gb2312")]
    + [(saved, name) for saved in ("utf-8-sig", "utf-16") for name in ("utf-16", "gb2312", "UTF8")],
)
def test_a_mark_or_the_bytes_tell_more_than_what_is_declared(tmp_path, saved, declared):
    (tmp_path / "a.tmx").write_bytes(tmx(encoding=declared).encode(saved))
    assert read(tmp_path / "a.tmx") == PAIRS


def unit(**texts):
    each = (f'<tuv lang="{k.replace("_", "-")}"><seg>{t}</seg></tuv>' for k, t in texts.items())
    return f"<tu>{''.join(each)}</tu>"


def memory(*units, source="en"):
    return f'<tmx><header srclang="{source}"/><body>{"".join(units)}</body></tmx>'


@pytest.mark.parametrize("source", ["en", "en-US", "EN-gb", "*all*"])
def test_codes_of_one_language_are_read_as_one_where_no_unit_has_both(tmp_path, source):
    units = [unit(en="a", de="A"), unit(de_AT="B", en_US="b"), unit(en_us="c", de="C")]
    (tmp_path / "a.tmx").write_text(memory(*units, source=source))
    pairs = [("a", "A"), ("b", "B"), ("c", "C")]
    assert read(tmp_path / "a.tmx") == pairs
    notes = (
        "de and de-AT are read as one language, de",
        "en-US and en are read as one language, en-US",
    )
    assert told(tmp_path / "a.tmx") == (("en-US", "de"), notes)


@pytest.mark.parametrize("other", ["de", "gsw"])
def test_codes_of_one_language_in_one_unit_are_two_columns_and_no_pair(tmp_path, other):
    units = [unit(en="a", en_US="x", **{other: "A"}), unit(en="b", en_US="y")]
    (tmp_path / "a.tmx").write_text(memory(*units, unit(en="c", **{other: "C"})))
    assert read(tmp_path / "a.tmx") == [("a", "A"), ("c", "C")]
    assert told(tmp_path / "a.tmx").names == ("en", other)
    assert read_pairs(Files(tmp_path / "a.tmx", None), (1, 3), "utf-8") == [("a", "x"), ("b", "y")]


def test_scripts_of_one_language_are_two(tmp_path):
    units = [unit(zh_Hans="a", en="A"), unit(zh_Hant="b", en="B"), unit(zh_Hans="c", en="C")]
    (tmp_path / "a.tmx").write_text(memory(*units))
    assert read(tmp_path / "a.tmx") == [("A", "a"), ("C", "c")]


def test_deep_texts_are_read(tmp_path):
    deep = "<hi>x" * 3000 + "y</hi>" * 3000
    (tmp_path / "a.tmx").write_text(tmx([Pair("SEG", "Raus")]).replace("SEG", deep))
    assert read(tmp_path / "a.tmx") == [("x" * 3000 + "y" * 3000, "Raus")]


def test_an_old_fuzzy_entry_leaves_the_next_one_as_it_is(tmp_path):
    old = '#, fuzzy\n#~ msgid "Gone"\n#~ msgstr "Weg"\n\n'
    (tmp_path / "a.po").write_text(f'{old}msgid "Go."\nmsgstr "Geh."\n')
    assert read(tmp_path / "a.po") == [("Go.", "Geh.")]
    assert told(tmp_path / "a.po").notes == ("1 obsolete entries of a.po are left out",)


CATALOGUE = r"""
# Translators
msgid ""
msgstr ""
"Language: de\n"

#: main.c:3
msgid "Go.\n"
msgstr "Geh.\n"

msgctxt "menu"
msgid ""
"Say \"no\" "
"again"
msgstr "Sag \"nein\" "
"nochmal"
msgid "%d dog"
msgid_plural "%d dogs"
msgstr[0] "%d Hund"
msgstr[1] "%d Hunde"

#, fuzzy, c-format
#| msgid "Old %s"
msgid "New %s"
msgstr "Alt %s"

msgid "Later"
msgstr ""

#~ msgid "Gone"
#~ msgstr "Weg"
"""


def test_translations_of_a_catalogue_are_read_and_others_are_counted(tmp_path):
    (tmp_path / "de.po").write_text(CATALOGUE)
    assert read(tmp_path / "de.po") == [
        ("Go.", "Geh."),
        ('Say "no" again', 'Sag "nein" nochmal'),
        ("%d dog", "%d Hund"),
    ]
    assert told(tmp_path / "de.po") == (
        ("msgid", "msgstr"),
        (
            "1 fuzzy entries of de.po are left out",
            "1 obsolete entries of de.po are left out",
            "1 lines of de.po that lack a text are left out",
        ),
    )
