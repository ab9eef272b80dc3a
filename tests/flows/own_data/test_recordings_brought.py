"""Recordings as people have them: read rightly, or refused with the true cause."""

import gzip
import io
import random
import struct
import wave

import numpy as np
import pytest
import soundfile

from rnn_core.errors import DataError

NOISE = random.Random(7).randbytes(4800)
PEOPLE = ("ann", "bob", "cleo", "dora")


def wav(seed, samples=2400, rate=8000):
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setparams((1, 2, rate, 0, "NONE", ""))
        target.writeframes(random.Random(seed).randbytes(2 * samples))
    return file.getvalue()


def chunks(tag, bits, data, channels=1, extra=b"", sizes=None):
    """A wav file with a given header."""
    rate, width = 8000, channels * bits // 8
    body = struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits) + extra
    size = len(data) if sizes is None else sizes[1]
    content = b"WAVEfmt " + struct.pack("<I", len(body)) + body
    content += b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", len(content) if sizes is None else sizes[0]) + content


def stored(kind, subtype, seed=0):
    file, sound = io.BytesIO(), np.random.default_rng(seed).normal(size=2400) * 0.2
    soundfile.write(file, sound, 8000, format=kind, subtype=subtype)
    return file.getvalue()


def words(form="{w}_{s}_{t}.wav", spoken=("no", "yes"), people=PEOPLE, takes=2, **more):
    found = {
        form.format(w=w, s=s, t=t): wav(f"{w}{s}{t}")
        for w in spoken
        for s in people
        for t in range(takes)
    }
    return found | more


def one(content):
    """Recordings of two words, and another one."""
    return words() | {"yes_ann_9.wav": content}


def samples(of):
    return chunks(1, 16, struct.pack("<2400h", *map(of, range(2400))))


CHANCE = random.Random(1)
ODD = chunks(1, 16, NOISE)
ODD = ODD[:36] + b"LIST" + struct.pack("<I", 13) + b"INFOICMTxxxxx" + ODD[36:]
EXTENDED = struct.pack("<HHIH", 22, 16, 4, 1) + bytes.fromhex("000000001000800000aa00389b71")
BEXT = ODD[:12] + b"bext" + struct.pack("<I", 24) + b"fmt \x01\0\0\0\x03\0" + bytes(14) + ODD[12:]
FLOATS = np.random.default_rng(0).normal(size=2400).astype("<f4").tobytes()
HASHES = ("0a1b2c3d", "1f2e3d4c", "aa11bb22", "ccddee00")
SPLIT = "training set: ann, bob; validation set: cleo; test set: dora"


def commands():
    """Speech Commands as it unpacks."""
    found = words("{w}/{s}_nohash_{t}.wav", ("no", "yes", "go"), HASHES)
    for name, person in (("validation", "aa11bb22"), ("testing", "ccddee00")):
        listed = [path for path in found if person in path]
        found[f"{name}_list.txt"] = "\n".join(listed)
    noise = {"_background_noise_/README.md": "x", "_background_noise_/doing.wav": wav("d", 80_000)}
    return found | noise | {"LICENSE": "x", "README.md": "x"}


NAMES = {
    "words with an underscore": (
        words(spoken=("turn_left", "turn_right", "stop")),
        f"3 words: stop 8, turn_left 8, turn_right 8|4 speakers: ann 6|{SPLIT}",
    ),
    "folders of speakers": (
        words("{s}/{w}_{s}_{t}.wav", "0123", ("01", "02", "03", "04"), 3),
        "4 words: 0 12, 1 12, 2 12, 3 12|4 speakers: 01 12",
    ),
    "folders of sets": (
        {
            f"{'train' if t < 3 else 'test'}/{w}_{s}_{t}.wav": wav(f"{w}{s}{t}")
            for w in ("no", "yes")
            for s in PEOPLE
            for t in range(4)
        },
        "2 words: no 16, yes 16|8 in the test set|voices that are trained on",
    ),
    "speakers first": (
        words("{s}_{w}_{t}.wav", ("no", "yes", "stop")),
        f"3 words: no 8, stop 8, yes 8|{SPLIT}",
    ),
    "words in folders and in names": (
        words("{w}/{w}_{s}_{t}.wav"),
        f"2 words: no 8, yes 8|{SPLIT}",
    ),
    "a table of words, as in ESC-50": (
        {f"audio/1-{i * 7919 % 1000}-A.wav": wav(i) for i in range(24)}
        | {
            "meta/esc50.csv": "filename,fold,target,category\n"
            + "".join(
                f"1-{i * 7919 % 1000}-A.wav,{i // 6},{i % 2},{('rain', 'wind')[i % 2]}\n"
                for i in range(24)
            )
        },
        "2 words: rain 12, wind 12|words are read from meta/esc50.csv|4 speakers: 0 6",
    ),
    "words and numbers": (
        {f"{w}/{w}_{i:03d}.wav": wav(f"{w}{i}") for w in ("no", "yes", "go") for i in range(12)},
        "3 words: go 12, no 12, yes 12|nothing tells who speaks",
    ),
    "noise in the background": (
        words("{w}/{s}_nohash_{t}.wav", people=HASHES)
        | {f"_background_noise_/n{i}.wav": wav(i) for i in range(3)},
        "2 words: no 8, yes 8|left out: background noise (3",
    ),
    "Speech Commands": (
        commands(),
        "3 words: go 8, no 8, yes 8|6 in the test set|left out: background noise (1 rec",
    ),
    "what systems leave": (
        words() | {"Thumbs.db": b"x", "desktop.ini": b"x", "__MACOSX/._a": b"x"},
        "2 words: no 8, yes 8",
    ),
    "names of what was converted": (words("{w}_{s}_{t}.mp3.wav"), f"2 words: no 8, yes 8|{SPLIT}"),
    "a download that has not ended": (
        words() | {"yes_ann_9.wav.part": wav("x"), "yes_bob_9.crdownload": wav("y")},
        "2 words: no 8, yes 8|left out: yes_ann_9.wav.part, yes_bob_9.crdownload",
    ),
    "two files of one recording": (
        words() | {f"yes_ann_{t}.flac": stored("FLAC", "PCM_16", 4) for t in (8, 9)},
        "left out as copies: yes_ann_9.flac (of yes_ann_8.flac)",
    ),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_of_recordings_are_understood_and_told(understood, kind):
    understood("speech_recognition", *NAMES[kind])


SOUNDS = {
    "an odd chunk without a pad": (ODD, "17 recordings (17 WAV (16 bits))"),
    "piped": (chunks(1, 16, NOISE, sizes=(2**32 - 1, 2**32 - 1)), "17 recordings"),
    "piped by others": (chunks(1, 16, NOISE, sizes=(2**31 - 1, 2**31 - 1)), "17 recordings"),
    "no size of the whole": (chunks(1, 16, NOISE, sizes=(0, 4800)), "17 recordings"),
    "extensible": (chunks(0xFFFE, 16, NOISE, extra=EXTENDED), "17 recordings (17 WAV (16 bits))"),
    "mu-law": (stored("WAV", "ULAW"), "1 WAV (mu-law)"),
    "A-law": (stored("WAV", "ALAW"), "1 WAV (A-law)"),
    "ADPCM": (stored("WAV", "IMA_ADPCM"), "1 WAV (IMA_ADPCM)"),
    "GSM": (stored("WAV", "GSM610"), "1 WAV (GSM610)"),
    "a tag before": (b"ID3\x03\0\0\0\0\0\x0a" + bytes(10) + ODD, "17 recordings"),
    "a header within another chunk": (BEXT, "17 recordings (17 WAV (16 bits))"),
    "24 bits": (chunks(1, 24, NOISE), "1 WAV (24 bits)"),
    "floating point": (chunks(3, 32, FLOATS), "1 WAV (floating point)"),
    "stereo": (chunks(1, 16, NOISE, channels=2), "mixed down to one channel: 1 recording"),
    "mp3 by another name": (stored("MP3", "MPEG_LAYER_III"), "1 MP3 (layer III)"),
    "RF64": (stored("RF64", "PCM_16"), "1 RF64 (16 bits)"),
    "AU by another name": (stored("AU", "PCM_16"), "1 AU (16 bits)"),
    "another rate": (wav(1, 13_230, 44_100), "resampled to 8,000 Hz: 1 from 44,100"),
    "clipped": (samples(lambda _: CHANCE.choice((-32768, 32767))), "cut off at its loudest"),
    "off zero": (
        samples(lambda _: int(19_660 + CHANCE.gauss(0, 1500))),
        "lies off zero all the time",
    ),
}


@pytest.mark.parametrize("kind", SOUNDS)
def test_sound_is_read_and_told(bring, kind):
    content, told = SOUNDS[kind]
    brought = bring("speech_recognition", one(content))
    assert told in brought.told
    assert SPLIT in brought.told


REFUSED = {
    "silent": (chunks(1, 16, bytes(4800)), "yes_ann_9.wav is silent from start to end"),
    "one voltage": (samples(lambda _: 9000), "yes_ann_9.wav is silent from start to end"),
    "one sample": (chunks(1, 16, b"\1\2"), "lasts 0.12 ms; no word is that short"),
    "two samples": (chunks(1, 16, b"\1\2\3\4"), "lasts 0.25 ms; no word is that short"),
    "5 ms": (wav("x", 40), "lasts 5 ms; no word is that short"),
    "noise of a converter": (samples(lambda _: CHANCE.choice((-1, 0, 1))), "noise of a converter"),
    "a click": (samples(lambda i: 30_000 * (i == 0)), "holds a click and nothing else"),
    "cut off in a chunk": (ODD[:44], "is not a readable wav file: it is cut off; export it again"),
    "cut off in its samples": (chunks(1, 16, NOISE)[:1000], "announces 2400 samples and holds 478"),
    "webm": (b"\x1aE\xdf\xa3" + bytes(200), "webm or Matroska; convert it: `ffmpeg -i FILE"),
    "m4a": (bytes(4) + b"ftypM4A " + bytes(200), "m4a or mp4; convert it: `ffmpeg -i FILE"),
    "a page": (b"<!DOCTYPE html><html>", "is a page of HTML; download the recording again"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid 1", "run `git lfs pull`"),
    "packed": (b"\x1f\x8b" + bytes(99), "yes_ann_9.wav is a packed file; unpack it"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c" + bytes(99), "yes_ann_9.wav is a packed file; unpack it"),
    "a picture": (b"\xff\xd8\xff\xe0" + bytes(99), "yes_ann_9.wav is a picture; remove it"),
    "a text in UTF-16": ("hello".encode("utf-16"), "yes_ann_9.wav is a text; remove it"),
    "cut off MP3": (
        stored("MP3", "MPEG_LAYER_III")[:300],
        "is broken, or cut off; export it again",
    ),
    "samples before the header": (
        b"RIFF"
        + struct.pack("<I", 4844)
        + b"WAVEdata"
        + struct.pack("<I", 4800)
        + NOISE
        + ODD[12:36],
        "yes_ann_9.wav is not a readable wav file: its header comes after its samples",
    ),
    "empty": (b"", "is an empty file; export it again or remove it"),
    "a text": (b"hello", "it begins with 'hello'; download the recording again, or remove"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_recording_of_a_word_is_refused_with_the_cause(refuse, kind):
    content, message = REFUSED[kind]
    refuse("speech_recognition", one(content), message)


@pytest.mark.parametrize("name", ["words.zip", "words.tar.gz"])
def test_packed_recordings_are_refused_with_what_to_do(bring, name):
    tar = gzip.compress(bytes(257) + b"ustar")
    content = tar if name.endswith("gz") else b"PK\x03\x04" + bytes(99)
    told = bring("speech_recognition", {name: content}).told
    assert told == f"{name} is packed; unpack it, and give what is in it"


def test_a_word_in_two_capitals_is_refused(bring):
    files = {f"{w}/{i}.wav": wav(f"{w}{i}") for w in ("Yes", "yes", "no") for i in range(6)}
    assert "'Yes' and 'yes' are the same word" in bring("speech_recognition", files).told


def laid(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_every_recording_is_answered_or_told(bring, tmp_path):
    files = {
        "a.wav": wav("a"),
        "b.flac": stored("FLAC", "PCM_16"),
        "c.mp3": stored("MP3", "MPEG_LAYER_III"),
    }
    files |= {"d.wav": b"RIFF", "e.wav": REFUSED["silent"][0], "f.wav": SOUNDS["piped"][0]}
    (tmp_path / "asked").mkdir()
    answer, faults = bring("speech_recognition", words()).answer(laid(tmp_path / "asked", files))
    assert answer["file"].tolist() == list(files)
    assert answer["word"].isna().tolist() == [False, False, False, True, True, False]
    told = [what for alike in faults.found.values() for what in alike]
    assert [what.partition(" ")[0] for what in told] == ["d.wav", "e.wav"]


def test_why_no_recording_is_answered_is_told_of_each(bring, tmp_path):
    names = ("silent", "one voltage", "one sample", "5 ms")
    files = {f"{place}.wav": REFUSED[name][0] for place, name in enumerate(names)}
    (tmp_path / "asked").mkdir()
    with pytest.raises(DataError) as caught:
        bring("speech_recognition", words()).answer(laid(tmp_path / "asked", files))
    assert all(f"{place}.wav" in str(caught.value) for place in range(4))
