"""Texts and translations as people have them: read rightly, or refused with the true cause."""

import itertools
import random
import unicodedata

import pandas as pd
import pytest

from rnn_core.errors import DataError

NOUNS = {"dog": "Hund", "cat": "Kater", "man": "Mann", "bird": "Vogel", "boy": "Junge"}
VERBS = {"sees": "sieht", "hears": "h\u00f6rt", "likes": "mag"}
WORDS = {"big": "gro\u00dfe", "old": "alte", "red": "rote"}
PAIRS = [
    (
        f"The {a} {n} {v} the {b} {m}.",
        f"Der {WORDS[a]} {NOUNS[n]} {VERBS[v]} den {WORDS[b]} {NOUNS[m]}.",
    )
    for a, n, v, b, m in itertools.product(WORDS, NOUNS, VERBS, WORDS, NOUNS)
]
random.Random(0).shuffle(PAIRS)
PAIRS = PAIRS[:300]
SOURCES, TARGETS = [list(texts) for texts in zip(*PAIRS, strict=True)]
ALIGNED = "240 pairs in the training set, 30 in the validation set, 30 in the test set"


def files(sources=SOURCES, targets=TARGETS, ends=("\n", "\n")):
    return {
        name: end.join([*lines, ""])
        for name, lines, end in zip(("c.en", "c.de"), (sources, targets), ends, strict=True)
    }


def put(lines, place, mark):
    """Lines, in one of which a mark stands for the first blank."""
    return [line.replace(" ", mark, 1) if i == place else line for i, line in enumerate(lines)]


def without(lines, place):
    return [line for i, line in enumerate(lines) if i != place]


def table(end=""):
    return "".join(f"{source}\t{target}{end}\n" for source, target in PAIRS)


MARKS = put(put(SOURCES, 5, "\u2028"), 6, "\x85"), put(put(TARGETS, 7, "\f"), 9, "\v")
MIXED = random.Random(3).sample(TARGETS, len(TARGETS))
UPPER = [line.upper() for line in SOURCES], [line.upper() for line in TARGETS]
OTHERS = [line.replace("Der", "Ein") for line in TARGETS]
NOTHING_IN_COMMON = (
    "the lengths and words of texts have nothing to do with those of their translati"
)

READ = {
    "returns within lines of both": (
        files(put(SOURCES, 10, "\r"), put(TARGETS, 250, "\r")),
        ALIGNED,
    ),
    "returns within lines of one": (files(put(SOURCES, 10, "\r")), ALIGNED),
    "copies in capitals": (
        files(SOURCES + UPPER[0], TARGETS + UPPER[1]),
        "pairs that came before are left out",
    ),
    "two translations of each": (
        files(SOURCES * 2, TARGETS + OTHERS),
        "480 pairs in the training set, 60 in",
    ),
    "a blank line at the end of one": (files() | {"c.en": "\n".join([*SOURCES, "", ""])}, ALIGNED),
    "marks that end lines elsewhere": (files(*MARKS), ALIGNED),
    "ends of Windows in one": (files(ends=("\r\n", "\n")), ALIGNED),
    "a table of pairs": (
        {"pairs.tsv": table()},
        "column 1 of pairs.tsv is translated into column 2",
    ),
    "a table of Anki": (
        {"deu.txt": table("\tCC-BY 2.0 (France) tatoeba.org #1")},
        "column 1 of deu.txt is tr",
    ),
    "a line missing in each, elsewhere": (
        files(without(SOURCES, 50), without(TARGETS, 250)),
        "seem to be shifted by 1 line",
    ),
    "lines in another order": (files(SOURCES, MIXED), NOTHING_IN_COMMON),
}


@pytest.mark.parametrize("kind", READ)
def test_pairs_are_read_rightly_and_told(bring, kind):
    given, told = READ[kind]
    sets = ["lower_case=true"] if kind == "copies in capitals" else ()
    assert told in bring("translation", given, sets=sets).told


REFUSED = {
    "lines that are missing": (
        files(without(SOURCES, 9)),
        "c.en and c.de are not aligned: they have 299 and 300 lines",
    ),
    "an empty translation": (
        files(targets=["" if i == 8 else line for i, line in enumerate(TARGETS)]),
        "c.de, line 9 is empty, but that of c.en is not; remove the line from both",
    ),
    "the same twice": (
        files(targets=SOURCES),
        "have the same text on 300 of 300 lines; is one of them untranslated?",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_lines_that_do_not_belong_together_are_refused_with_the_cause(bring, kind):
    given, message = REFUSED[kind]
    assert message in bring("translation", given).told


def test_each_line_is_translated_where_it_stands(bring, tmp_path):
    """A return within a line ends none, and an empty line stays."""
    (tmp_path / "asked.en").write_text(
        f"{put(SOURCES, 0, chr(13))[0]}\n\n{SOURCES[1]}\n", newline=""
    )
    brought = bring("translation", files())
    answer, faults = brought.answer(tmp_path / "asked.en")
    assert not faults.found
    assert len(answer) == 3
    assert answer.iloc[1, 0] == ""
    (tmp_path / "plain.en").write_text(f"{SOURCES[0]}\n")
    assert brought.answer(tmp_path / "plain.en")[0].iloc[0, 0] == answer.iloc[0, 0]


def test_sentences_of_unknown_characters_are_told_and_the_others_are_answered(bring, tmp_path):
    lines = ["\u72d7\u732b \u72d7", UPPER[0][0], SOURCES[0]]
    (tmp_path / "asked.en").write_text("\n".join([*lines, ""]), encoding="utf-8")
    answer, faults = bring("translation", files()).answer(tmp_path / "asked.en")
    assert answer.iloc[:, 0].isna().tolist() == [True, True, False]
    told = [what for alike in faults.found.values() for what in alike]
    assert all("are in no text that the model learned from" in what for what in told)
    assert len(told) == 2


CHANCE = random.Random(1)
THINGS = ("the caf\u00e9", "a na\u00efve", "old cr\u00e8me")
FRENCH = "".join(
    f"{CHANCE.choice(THINGS)} is {CHANCE.choice(('here', 'there'))}.\n" for _ in range(300)
)
HINDI = ["हिन्दी", "में", "लिखा", "हुआ", "वाक्य"]
NAMES = sorted(
    {
        f"{a}{b}"
        for a in ["an", "be", "ca", "da", "el", "fa", "ga", "ha", "in", "jo", "ka", "la", "ma"]
        for b in ["na", "bel", "rin", "lia", "mon", "tha", "vid"]
    }
)
COUNT = f"{len(set(FRENCH))} different characters that a model knows"
MANY = ["the", "cat", "dog", "sees", "a", "big", "old", "man", "and", "runs", "away"]
PASTED = " ".join(CHANCE.choice(MANY) for _ in range(300)) + "\n"

TEXTS = {
    "a text pasted several times": (
        {"t.txt": PASTED * 8},
        (),
        "100% of the test set is in the training set too",
    ),
    "marks that stay with their letters": (
        {"t.txt": " ".join(CHANCE.choice(HINDI) for _ in range(900))},
        ["tokens=word"],
        "6 different words and marks",
    ),
    "characters in parts": ({"t.txt": unicodedata.normalize("NFD", FRENCH)}, (), COUNT),
    "marks without a width": (
        {"t.txt": FRENCH + "\ufeff" + FRENCH.replace("old", "o\u200bld")},
        (),
        COUNT,
    ),
    "quotes of Windows and lost letters": (
        {"t.txt": FRENCH + "it\u0092s \ufffd\n" + FRENCH},
        (),
        "are U+FFFD: a program that did not know",
    ),
    "names in order": ({"t.txt": "\n".join(NAMES)}, (), "lines are in alphabetical order"),
    "names in order, as lines": (
        {"t.txt": "\n".join(NAMES)},
        ["split=lines"],
        "(whole lines, drawn)",
    ),
    "subtitles": (
        {"f.vtt": f"WEBVTT\n\n00:01.000 --> 00:02.000\n{FRENCH}"},
        (),
        "f.vtt is a file of subtitles, so that its numbers and times are learned as text",
    ),
    "a PDF by another name": (
        {"t.txt": b"%PDF-1.5\n%\xe2\xe3\xcf\n"},
        (),
        "t.txt is a PDF; save its",
    ),
    "an old document": (
        {"t.txt": b"\xd0\xcf\x11\xe0\xa1"},
        (),
        "is a document of Office; save its",
    ),
    "markdown": ({"book.md": FRENCH}, (), COUNT),
    "capitals in the ending": ({"Book.TXT": FRENCH}, (), COUNT),
    "end of file of DOS": ({"t.txt": FRENCH + "\x1a"}, (), COUNT),
    "NULs at the end": ({"t.txt": FRENCH + "\0\0\0"}, (), COUNT),
    "one line": ({"t.txt": FRENCH.replace("\n", " ")}, (), "different characters"),
    "latin-1": ({"t.txt": FRENCH.encode("latin-1")}, (), "read as cp1252"),
    "UTF-16": ({"t.txt": FRENCH.encode("utf-16")}, (), COUNT),
    "ends of old Macs": ({"t.txt": FRENCH.replace("\n", "\r")}, (), COUNT),
    "ends of Windows": ({"t.txt": FRENCH.replace("\n", "\r\n")}, (), COUNT),
    "few characters": (
        {"t.txt": FRENCH[:60]},
        (),
        "51 characters in the training set, 3 in the validat",
    ),
    "too few": (
        {"t.txt": FRENCH[:25]},
        (),
        "which leaves the validation set fewer than 2; it is too short",
    ),
    "NULs within": (
        {"t.txt": FRENCH + "\0\0" + FRENCH},
        (),
        "t.txt, line 301 holds the control character U+0000",
    ),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_texts_are_read_rightly_and_told(bring, kind):
    given, sets, told = TEXTS[kind]
    assert told in bring("text_generation", given, sets=sets).told


def test_prompts_are_composed_as_the_text_and_unknown_characters_are_refused(bring):
    brought = bring("text_generation", {"t.txt": unicodedata.normalize("NFD", FRENCH)})
    prompts = [unicodedata.normalize(form, "the caf\u00e9") for form in ("NFC", "NFD")]
    texts = [
        brought.answer_of(pd.DataFrame({"prompt": [prompt]}))[0].iloc[0, 0] for prompt in prompts
    ]
    assert texts[0] == unicodedata.normalize("NFC", texts[1])
    with pytest.raises(DataError, match="character 1 of the prompt is '\u03a9'"):
        brought.answer_of(pd.DataFrame({"prompt": ["\u03a9"]}))


def test_lines_of_digits_end_as_those_of_windows(bring):
    lines = [f"{CHANCE.randrange(10**6):06d}" for _ in range(100)]
    told = bring("copy_memory", {"c.txt": "\r\n".join([*lines, ""])}).told
    assert "70 lines in the training set, 10 in the validation set, 20 in the test set" in told
