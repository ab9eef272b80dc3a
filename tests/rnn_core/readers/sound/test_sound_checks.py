"""Recordings in which nothing is heard, and such as only look odd."""

import numpy as np
import pytest

from rnn_core.readers.sound.sound_checks import flaws, nothing_heard

RATE = 8000
DRAW = np.random.default_rng(0)
SPEECH = (0.2 * DRAW.standard_normal(2400) * np.hanning(2400)).astype(np.float32)


def dither(steps, values=(-1, 0, 1)):
    return np.array(DRAW.choice(values, 2400) / steps, np.float32)


def click(at, ground):
    samples = np.array(ground, np.float32)
    samples[at] = 0.5
    return samples


NOTHING = {
    "two samples": (SPEECH[1000:1002], "lasts 0.25 ms; no word is that short"),
    "5 ms": (SPEECH[1000:1040], "lasts 5 ms; no word is that short"),
    "zeros": (np.zeros(2400, np.float32), "is silent from start to end"),
    "one value": (np.full(2400, 0.6, np.float32), "is silent from start to end"),
    "the last bit of 16": (dither(32768), "holds the noise of a converter and nothing else"),
    "the same off zero": (0.3 + dither(32768), "holds the noise of a converter"),
    "the last bit of 8": (dither(128), "holds the noise of a converter"),
    "what an encoder makes of silence": (
        np.float32(2e-5) * DRAW.uniform(-1, 1, 2400).astype(np.float32),
        "holds the noise of a converter",
    ),
    "a click in silence": (click(500, np.zeros(2400)), "holds a click and nothing else"),
    "a click in the last bit": (click(2399, dither(32768)), "holds a click and nothing else"),
    "a click at the start": (click(0, dither(32768)), "holds a click and nothing else"),
    "a step of a few samples": (click(range(900, 930), np.zeros(2400)), "holds a click"),
}

SOMETHING = {
    "a word": SPEECH,
    "a word that is far too quiet": SPEECH / 2000,
    "a word in silence": np.pad(SPEECH, 40_000),
    "a word of 8 bits": np.round(SPEECH * 128) / 128,
    "a word of one bit": np.sign(SPEECH) * np.float32(0.3),
    "a tone": np.sin(np.arange(2400) * 2 * np.pi / 8).astype(np.float32),
    "a word with a click": click(30, SPEECH),
    "20 ms": SPEECH[1000:1160],
    "a knock that fades": np.exp(-np.arange(2400) / 100, dtype=np.float32)
    * DRAW.choice([-1, 1], 2400),
}


@pytest.mark.parametrize("kind", NOTHING)
def test_recording_in_which_nothing_is_heard_is_told_why(kind):
    samples, message = NOTHING[kind]
    assert nothing_heard(samples, RATE).startswith(message)


@pytest.mark.parametrize("kind", SOMETHING)
def test_recording_in_which_something_is_heard_is_taken(kind):
    assert nothing_heard(SOMETHING[kind].astype(np.float32), RATE) == ""


ODD = {
    "clipped": np.clip(SPEECH * 10, -0.6, 0.6),
    "off zero": SPEECH + np.float32(0.6),
    "too loud": SPEECH * np.float32(32768),
}


@pytest.mark.parametrize("kind", ODD)
def test_flaw_is_named_and_no_other(kind):
    assert flaws(ODD[kind]) == [kind]


@pytest.mark.parametrize("kind", sorted(SOMETHING.keys() - {"a word of one bit"}))
def test_sound_as_it_should_be_has_no_flaws(kind):
    assert flaws(SOMETHING[kind].astype(np.float32)) == []
