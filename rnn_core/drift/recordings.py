"""Traits of recordings."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnn_core.drift.traits import Floats, Traits
from rnn_core.errors import DataError
from rnn_core.metric import SPLITS
from rnn_core.readers.sound.audio import Samples, read_sound, resampled
from rnn_core.readers.sound.recordings import read_words
from rnn_core.tasks.base.serves import required_column
from rnn_core.tasks.speech_recognition.prepare import split_folds
from rnn_core.tasks.speech_recognition.task import SpeechRecognition
from rnn_core.tasks.speech_transcription.prepare import read_utterances
from rnn_core.tasks.speech_transcription.task import SpeechTranscription

if TYPE_CHECKING:
    import pandas as pd

FRAME_SECONDS = 0.02
"""Length of the stretches that are called loud or silent."""

SILENT_DB = -30.0
"""A stretch is silent if it is at least this much below the loudest one."""

FLOOR = 1e-6
"""The smallest amplitude that differs from silence."""


class Recording(NamedTuple):
    """The traits of a recording.

    Attributes:
        seconds: Its length in seconds.
        level: Its root mean square, in decibels relative to the largest possible sample.
        silence: The share of silent stretches.
        centroid: The mean of its frequencies, weighted by their power, in Hz.
    """

    seconds: float
    level: float
    silence: float
    centroid: float


NAMES = dict(
    zip(Recording._fields, ("seconds", "level (dB)", "silence", "centroid (Hz)"), strict=True)
)
"""Names of the traits, by field of `Recording`."""


class Sounds:
    """Recordings of the user."""

    items = "recordings"
    in_time = False

    def of_input(
        self, task: SpeechRecognition | SpeechTranscription, table: "pd.DataFrame"
    ) -> Traits:
        rate, rates, heard = task.meta.rate_hz, Counter[str](), []
        names = table["file"].tolist() if "file" in table.columns else [None] * len(table)
        for name, content in zip(names, required_column(table, "wav"), strict=True):
            if not isinstance(content, bytes):
                raise DataError(f"{name or 'a recording'} has no content")
            sound = read_sound(content, name)
            rates[str(sound.rate_hz)] += 1
            heard.append(traits_of(resampled(sound.samples, sound.rate_hz, rate), rate))
        return together(heard, rates)


class Words(Sounds):
    """Recordings of words."""

    def of_training(self, task: SpeechRecognition, raw: Path) -> Traits:
        asked, rate = task.meta.parameters, task.meta.rate_hz
        recordings, sounds = read_words(raw, asked.names, rate)
        folds = list(split_folds(recordings, asked).values())
        trained = of_train(sounds.samples, folds[task.seed % len(folds)])
        return together([traits_of(one, rate) for one in trained], task.meta.heard.rates)


class Transcribed(Sounds):
    """Recordings to be transcribed."""

    def of_training(self, task: SpeechTranscription, raw: Path) -> Traits:
        rate = task.meta.rate_hz
        found = read_utterances(raw, task.meta.parameters).each
        trained = of_train([one.samples for one in found], [one.split for one in found])
        return together([traits_of(one, rate) for one in trained], task.meta.heard.rates)


def of_train(samples: Sequence[Samples], splits: Sequence[int]) -> list[Samples]:
    """The samples of the recordings of the training set."""
    pairs = zip(samples, splits, strict=True)
    return [one for one, split in pairs if SPLITS[split] == "train"]


def traits_of(samples: Samples, rate_hz: int) -> Recording:
    """The traits of a recording.

    Args:
        samples: Its samples, in [-1, 1], float32 (N,).
        rate_hz: Samples a second.
    """
    size = max(1, round(FRAME_SECONDS * rate_hz))
    whole = samples[: max(len(samples) // size, 1) * size].astype(np.float64)
    frames = whole.reshape(-1, min(size, len(whole)))
    loudness = decibels((frames**2).mean(axis=1))
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    frequencies = np.fft.rfftfreq(frames.shape[1], 1 / rate_hz)
    mean_power = power.mean(axis=0)
    return Recording(
        seconds=len(samples) / rate_hz,
        level=float(decibels(np.array(np.mean(whole**2)))),
        silence=float((loudness < loudness.max() + SILENT_DB).mean()),
        centroid=float(mean_power @ frequencies / max(mean_power.sum(), FLOOR**2)),
    )


def decibels(power: Floats) -> Floats:
    """A power in decibels; silence has the level of `FLOOR`."""
    return np.asarray(10 * np.log10(np.maximum(power, FLOOR**2)), np.float64)


def together(heard: Sequence[Recording], rates: Mapping[str, int]) -> Traits:
    """Collect the traits of recordings."""
    columns: Iterable[tuple[float, ...]] = zip(*heard, strict=True)
    numbers = {
        name: np.array(column, np.float64)
        for name, column in zip(NAMES.values(), columns, strict=True)
    }
    return Traits(num_items=len(heard), numbers=numbers, categories={"sample rate (Hz)": rates})
