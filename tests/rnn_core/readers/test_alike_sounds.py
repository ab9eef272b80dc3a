"""Copies at another loudness or in another encoding: found, and takes of one voice are none."""

import io

import numpy as np
import pytest
import soundfile
import soxr

from rnn_core.readers import alike_sounds
from rnn_core.readers.alike_sounds import alike_ones
from rnn_core.readers.sound.audio import read_sound
from rnn_core.readers.sound.recordings import read_words
from rnn_core.readers.sound.telling import sound_doubts
from rnn_core.sources.synthetic_digits import SOURCE

RATE = 8000


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Spoken numbers by synthetic voices, two takes by each, and their names."""
    folder = tmp_path_factory.mktemp("digits")
    SOURCE.fetch(folder)
    files = sorted(folder.rglob("*.wav"))[::5]
    return [read_sound(file, file.name).samples for file in files], [f.name[:2] for f in files]


def stored(samples, kind, subtype, **options):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=kind, subtype=subtype, **options)
    file.seek(0)
    found, rate = soundfile.read(file, dtype="float32")
    return soxr.resample(found, rate, RATE)


NOISE = np.random.default_rng(0)
WAYS = {
    "quieter": lambda x: x * 0.3,
    "upside down": lambda x: -x,
    "silence around": lambda x: np.pad(x * 0.5, (900, 1700)),
    "off zero": lambda x: x + np.float32(0.05),
    "a little noise": lambda x: x + NOISE.normal(size=len(x)).astype("f4") * 0.1 * x.std(),
    "mu-law": lambda x: stored(x * 0.7, "WAV", "ULAW"),
    "MP3": lambda x: stored(x * 0.4, "MP3", "MPEG_LAYER_III", compression_level=0.5),
    "MP3, lowest quality": lambda x: stored(x, "MP3", "MPEG_LAYER_III", compression_level=0.99),
    "Vorbis": lambda x: stored(x * 0.5, "OGG", "VORBIS"),
    "Opus": lambda x: stored(x * 0.5, "OGG", "OPUS"),
    "another rate and back": lambda x: soxr.resample(soxr.resample(x, RATE, 44100), 44100, RATE),
}


@pytest.mark.parametrize("way", WAYS)
def test_copies_are_found_among_takes_of_the_same_words(digits, way):
    samples, said = digits
    some = range(0, len(samples), 10)
    copies = [WAYS[way](samples[place]).astype(np.float32) for place in some]
    found = alike_ones([*samples, *copies], [*said, *(said[place] for place in some)], RATE)
    assert found == list(zip(range(len(samples), len(samples) + len(copies)), some, strict=True))


def test_takes_are_no_copies(digits, monkeypatch):
    samples, _ = digits
    assert alike_ones(samples, ["one word"] * len(samples), RATE) == []
    monkeypatch.setattr(alike_sounds, "AT_ONCE", 7)
    twice = [*samples[:20], *(x * np.float32(0.5) for x in samples[:20])]
    assert alike_ones(twice, ["a"] * 40, RATE) == [(20 + i, i) for i in range(20)]
    assert alike_ones(twice, [*"a" * 20, *"b" * 20], RATE) == []


def test_copies_are_told_with_those_that_they_are_of(digits, tmp_path):
    for place, sound in enumerate(digits[0][:12]):
        soundfile.write(tmp_path / f"{'yes' if place % 2 else 'no'}_ann_{place}.wav", sound, RATE)
    sound = digits[0][3] * 0.5
    soundfile.write(tmp_path / "yes_bob_1.mp3", sound, RATE, "MPEG_LAYER_III", format="MP3")
    _, sounds = read_words(tmp_path)
    assert len(sounds.samples) == 13
    (doubt,) = sound_doubts(sounds.heard, RATE)
    assert doubt.startswith("1 recording is another one at another loudness or in another encodi")
    assert doubt.endswith("remove it: yes_bob_1.mp3 (of yes_ann_3.wav)")
