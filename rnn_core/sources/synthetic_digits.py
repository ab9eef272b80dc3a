"""Spoken digits and numbers from a small formant synthesiser, by voices that never existed.

A number is read digit by digit with pauses between; numbers that share their digits differ in
their order alone, so that nothing but memory tells them apart.

Each digit is a sequence of phonemes; each phoneme is a target for three formants, a
loudness of the voice and a loudness and place of friction noise. A voice has a pitch, a
length of vocal tract, a tempo and a breathiness; a take varies them a little. After
Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67 (1980),
doi:10.1121/1.383940, simplified: harmonics are weighed by the formants' resonance curve
and summed, instead of filtering a pulse train.
"""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnn_core.sources.base import Source

Track = NDArray[np.float64]

SAMPLE_RATE_HZ = 8000


@dataclass(frozen=True)
class Phoneme:
    """Targets of the synthesiser.

    Attributes:
        formants_hz: Centres of the first three resonances.
        voice: Loudness of the voice, 0 to 1.
        noise: Loudness of the friction, 0 to 1.
        noise_hz: Centre of the friction.
        seconds: Duration at tempo 1.
    """

    formants_hz: tuple[float, float, float]
    voice: float
    noise: float
    noise_hz: float
    seconds: float


# Formant targets of vowels after Peterson and Barney (1952), doi:10.1121/1.1906875.
PHONEMES = {
    "AH": Phoneme((640, 1190, 2390), 1.0, 0.0, 1000, 0.11),
    "AO": Phoneme((570, 840, 2410), 1.0, 0.0, 1000, 0.13),
    "AA": Phoneme((730, 1090, 2440), 1.0, 0.0, 1000, 0.09),
    "EH": Phoneme((530, 1840, 2480), 1.0, 0.0, 1000, 0.10),
    "EY": Phoneme((480, 2000, 2600), 1.0, 0.0, 1000, 0.12),
    "IH": Phoneme((390, 1990, 2550), 1.0, 0.0, 1000, 0.09),
    "IY": Phoneme((270, 2290, 3010), 1.0, 0.0, 1000, 0.13),
    "OW": Phoneme((450, 900, 2400), 1.0, 0.0, 1000, 0.14),
    "UW": Phoneme((300, 870, 2240), 1.0, 0.0, 1000, 0.15),
    "W": Phoneme((290, 650, 2200), 0.6, 0.0, 1000, 0.07),
    "R": Phoneme((420, 1300, 1600), 0.7, 0.0, 1000, 0.07),
    "N": Phoneme((260, 1400, 2500), 0.4, 0.0, 1000, 0.08),
    "V": Phoneme((280, 1150, 2400), 0.3, 0.15, 2500, 0.06),
    "Z": Phoneme((280, 1700, 2500), 0.2, 0.40, 3500, 0.08),
    "F": Phoneme((300, 1150, 2400), 0.0, 0.20, 2300, 0.09),
    "S": Phoneme((300, 1700, 2500), 0.0, 0.50, 3500, 0.10),
    "TH": Phoneme((300, 1400, 2500), 0.0, 0.20, 2900, 0.08),
    "K": Phoneme((300, 1900, 2500), 0.0, 0.00, 1900, 0.05),
    "T": Phoneme((300, 1700, 2600), 0.0, 0.00, 3200, 0.04),
    "t": Phoneme((300, 1700, 2600), 0.0, 0.60, 3200, 0.02),
}

DIGITS = (
    ("Z", "IH", "R", "OW"),
    ("W", "AH", "N"),
    ("T", "t", "UW"),
    ("TH", "R", "IY"),
    ("F", "AO", "R"),
    ("F", "AA", "IY", "V"),
    ("S", "IH", "K", "S"),
    ("S", "EH", "V", "AH", "N"),
    ("EY", "IH", "T", "t"),
    ("N", "AA", "IY", "N"),
)


@dataclass(frozen=True)
class Voice:
    """A speaker: `pitch_hz`, and factors on formants, durations and noise."""

    pitch_hz: float
    tract: float
    tempo: float
    breath: float


def draw_voice(draw: np.random.Generator) -> Voice:
    """A voice at random, from a low and slow to a high and quick one."""
    return Voice(
        pitch_hz=draw.uniform(80, 260),
        tract=draw.uniform(0.82, 1.22),
        tempo=draw.uniform(0.75, 1.3),
        breath=draw.uniform(0.02, 0.2),
    )


def speak(
    digits: Sequence[int],
    voice: Voice,
    draw: np.random.Generator,
    noise: float,
    pause_seconds: tuple[float, float] = (0.0125, 0.1),
) -> Track:
    """One take of a number: samples in [-1, 1] at `SAMPLE_RATE_HZ`.

    Args:
        digits: What is read, each 0 to 9.
        voice: Who speaks.
        draw: Source of what differs between takes.
        noise: Loudness of the background, as a share of the speech's own.
        pause_seconds: Shortest and longest pause before, between and after digits.
    """
    pitch = voice.pitch_hz * draw.uniform(0.92, 1.08)
    spoken = [_utter(digit, voice, pitch, draw) for digit in digits]
    loudness = np.sqrt(np.mean(np.concatenate(spoken) ** 2))
    bounds = [round(seconds * SAMPLE_RATE_HZ) for seconds in pause_seconds]
    pauses = [np.zeros(draw.integers(bounds[0], bounds[1])) for _ in range(len(digits) + 1)]
    pairs = zip(pauses, [*spoken, np.zeros(0)], strict=True)
    whole = np.concatenate([piece for pair in pairs for piece in pair])
    whole += noise * loudness * draw.standard_normal(len(whole))
    return np.asarray(whole * draw.uniform(0.3, 0.9) / np.abs(whole).max())


def _utter(digit: int, voice: Voice, pitch_hz: float, draw: np.random.Generator) -> Track:
    """A digit without pauses and noise."""
    phonemes = [PHONEMES[name] for name in DIGITS[digit]]
    seconds = [p.seconds / voice.tempo * draw.uniform(0.75, 1.3) for p in phonemes]
    spread = draw.uniform(0.94, 1.06, size=(len(phonemes), 3))
    formants = np.array([p.formants_hz for p in phonemes]) * spread * voice.tract
    rows = [(*f, p.voice, p.noise, p.noise_hz) for f, p in zip(formants, phonemes, strict=True)]
    tracks = _glide(np.array(rows), np.array(seconds))
    speech = _voiced(tracks[:3], tracks[3], pitch_hz, len(tracks[0]))
    return speech + _friction(tracks[4] + voice.breath * tracks[3], tracks[5], draw)


def _glide(targets: Track, seconds: Track) -> Track:
    """Targets (phonemes, tracks) to smooth tracks (tracks, samples)."""
    lengths = (seconds * SAMPLE_RATE_HZ).astype(int)
    steps = np.repeat(targets, lengths, axis=0)
    window = np.hanning(int(0.04 * SAMPLE_RATE_HZ))
    padded = np.pad(steps, ((len(window) // 2, len(window) - 1 - len(window) // 2), (0, 0)), "edge")
    columns = [np.convolve(c, window / window.sum(), "valid") for c in padded.T]
    return np.array(columns)


def _voiced(formants: Track, loudness: Track, pitch_hz: float, num_samples: int) -> Track:
    time = np.linspace(0, 1, num_samples)
    pitch = pitch_hz * (1.08 - 0.18 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE_HZ
    harmonics = np.arange(1, int(3900 / pitch.max()) + 1)[:, None]
    bandwidths = np.array([70.0, 100.0, 150.0])[:, None, None]
    distance = (harmonics * pitch - formants[:, None, :]) / bandwidths
    weight = (1 / (1 + distance**2)).sum(axis=0) / np.sqrt(harmonics)
    return np.asarray(loudness * (weight * np.sin(harmonics * phase)).sum(axis=0))


def _friction(loudness: Track, centre_hz: Track, draw: np.random.Generator) -> Track:
    hiss = np.convolve(draw.standard_normal(len(loudness) + 7), np.ones(8) / np.sqrt(8), "valid")
    carrier = np.cos(2 * np.pi * np.cumsum(centre_hz) / SAMPLE_RATE_HZ)
    return np.asarray(loudness * hiss * carrier)


def write_wav(path: Path, samples: Track) -> None:
    """Write samples in [-1, 1] as 16-bit mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


class SyntheticDigits(Source):
    """Files `<number>_<voice>_<take>.wav`, named as those of the Free Spoken Digits are.

    Args:
        num_voices: Voices.
        num_takes: Takes of each number by each voice.
        noise: Loudness of the background, as a share of the speech's own.
        seed: Seed of all that is drawn.
        numbers: What is read, as strings of digits.
        pause_seconds: Shortest and longest pause before, between and after digits.
    """

    def __init__(
        self,
        num_voices: int,
        num_takes: int,
        noise: float,
        seed: int,
        numbers: tuple[str, ...] = tuple("0123456789"),
        pause_seconds: tuple[float, float] = (0.0125, 0.1),
    ) -> None:
        self.num_voices = num_voices
        self.num_takes = num_takes
        self.noise = noise
        self.seed = seed
        self.numbers = numbers
        self.pause_seconds = pause_seconds

    def fetch(self, folder: Path) -> None:
        for index in range(self.num_voices):
            draw = np.random.default_rng([self.seed, index])
            voice = draw_voice(draw)
            for number in self.numbers:
                digits = [int(digit) for digit in number]
                for take in range(self.num_takes):
                    samples = speak(digits, voice, draw, self.noise, self.pause_seconds)
                    write_wav(folder / f"{number}_voice{index:02d}_{take}.wav", samples)


SOURCE = SyntheticDigits(
    num_voices=30,
    num_takes=2,
    noise=0.5,
    seed=2026,
    numbers=("12", "21", "37", "73", "58", "85", "09", "90", "46", "64"),
    pause_seconds=(0.05, 0.25),
)
