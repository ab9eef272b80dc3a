"""Sources of aligned files: what the generator says, and what the public set holds to."""

import gzip
import hashlib
import os

import pytest

from rnn_core.errors import SourceError
from rnn_core.files import digest_of
from rnn_core.sources.download import MIRROR_VARIABLE, RemoteFile
from rnn_core.sources.multi30k import SOURCE as MULTI30K
from rnn_core.sources.multi30k import PackedFiles
from rnn_core.sources.number_words import SOURCE, NumberWords

UNITS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
UNITS |= {"eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13}
UNITS |= {"fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18}
UNITS |= {"nineteen": 19}
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70}
TENS |= {"eighty": 80, "ninety": 90}
EINER = {"ein": 1, "eins": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6}
EINER |= {"sieben": 7, "acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12}
EINER |= {"dreizehn": 13, "vierzehn": 14, "fünfzehn": 15, "sechzehn": 16, "siebzehn": 17}
EINER |= {"achtzehn": 18, "neunzehn": 19}
ZEHNER = {"zwanzig": 20, "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60}
ZEHNER |= {"siebzig": 70, "achtzig": 80, "neunzig": 90}


def english(word):
    tens, _, unit = word.partition("-")
    return UNITS[word] if word in UNITS else TENS[tens] + UNITS.get(unit, 0)


def german(word):
    if word in EINER:
        return EINER[word]
    unit, _, tens = word.rpartition("und")
    return ZEHNER[tens] + (EINER[unit] if unit else 0)


def test_both_languages_say_the_same_sum(tmp_path):
    NumberWords(200, largest=99, seed=4).fetch(tmp_path)
    sums = (tmp_path / "sums.en").read_text().splitlines()
    translations = (tmp_path / "sums.de").read_text().splitlines()
    assert len(sums) == len(set(sums)) == 200
    operators = {"plus": "plus", "minus": "minus", "times": "mal"}
    numbers = set()
    for ours, theirs in zip(sums, translations, strict=True):
        left, right = ours.split(), theirs.split()
        assert [english(word) for word in left[0::2]] == [german(word) for word in right[0::2]]
        assert [operators[word] for word in left[1::2]] == right[1::2]
        assert len(left) == 5
        numbers.update(map(english, left[0::2]))
    assert min(numbers) == 1
    assert 90 < max(numbers) <= 99


def test_sums_are_the_same_every_time(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        SOURCE.fetch(tmp_path / name)
    assert digest_of(tmp_path / "one") == digest_of(tmp_path / "two")
    assert (tmp_path / "one/sums.en").read_text().count("\n") == 3000


def packed(folder, text, promised=None):
    """A source whose one file lies compressed in a mirror."""
    content = gzip.compress(text)
    (folder / "mirror/host").mkdir(parents=True)
    (folder / "mirror/host/a.en.gz").write_bytes(content)
    promised = promised or content
    return PackedFiles(
        RemoteFile(
            url="https://host/a.en.gz",
            name="a.en.gz",
            size=len(promised),
            sha256=hashlib.sha256(promised).hexdigest(),
        )
    )


def test_packed_file_is_unpacked(tmp_path, monkeypatch):
    source = packed(tmp_path, b"one\ntwo\n")
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "mirror"))
    (tmp_path / "raw").mkdir()
    source.fetch(tmp_path / "raw")
    assert [(p.name, p.read_bytes()) for p in (tmp_path / "raw").iterdir()] == [
        ("a.en", b"one\ntwo\n")
    ]


def test_packed_file_that_changed_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    source = packed(tmp_path, b"one\ntwo\n", promised=b"something else")
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "mirror"))
    (tmp_path / "raw").mkdir()
    with pytest.raises(SourceError, match="the copy there has changed or is damaged"):
        source.fetch(tmp_path / "raw")
    assert list((tmp_path / "raw").iterdir()) == []


@pytest.mark.skipif(MIRROR_VARIABLE not in os.environ, reason=f"{MIRROR_VARIABLE} is not set")
def test_public_files_are_aligned(tmp_path):
    MULTI30K.fetch(tmp_path)
    counts = {p.name: p.read_bytes().count(b"\n") for p in tmp_path.iterdir()}
    assert counts == {
        f"{split}.{language}": number
        for split, number in (("train", 29_000), ("val", 1014), ("test_2016_flickr", 1000))
        for language in ("en", "de")
    }
