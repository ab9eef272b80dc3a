"""Strings of words, joined from recordings of single words."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from rnn_core.metric import SPLITS
from rnn_core.readers.sound.audio import Samples
from rnn_core.readers.sound.name_tokens import Recording
from rnn_core.readers.sound.recording_splits import (
    SplitParameters,
    of_split,
    split_recordings,
)
from rnn_core.readers.sound.recordings import Heard, read_words

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class JoinParameters:
    """Settings that join recordings of single words to strings; without `strings`, none are joined.

    Attributes:
        strings: Strings of the training, validation and test set; empty: the raw folder has
            recordings with transcripts.
        string_words: Fewest and most words of a string.
        pause_seconds: Shortest and longest pause before, between and after words.
        snr_db: Lowest and highest ratio of a string's speech to the noise that is added.
        strings_seed: Seed of all that is drawn.
    """

    strings: tuple[int, ...] = ()
    string_words: tuple[int, int] = (3, 5)
    pause_seconds: tuple[float, float] = (0.0, 0.2)
    snr_db: tuple[float, float] = (15.0, 40.0)
    strings_seed: int = 0

    def check_joining(self) -> None:
        """Refuse what is out of range.

        Raises:
            ValueError: If something is.
        """
        if self.strings and (len(self.strings) != len(SPLITS) or min(self.strings) < 1):
            raise ValueError("strings must be three numbers above 0: train, validation and test")
        if not 1 <= self.string_words[0] <= self.string_words[1]:
            raise ValueError("string_words must be the fewest words, at least 1, then the most")
        if not 0 <= self.pause_seconds[0] <= self.pause_seconds[1]:
            raise ValueError(
                "pause_seconds must be the shortest pause, at least 0, then the longest"
            )
        if self.snr_db[0] > self.snr_db[1]:
            raise ValueError("snr_db must be the lowest ratio, then the highest")


class Utterance(NamedTuple):
    """A recording and what is said in it.

    Attributes:
        name: What to call it in errors.
        samples: (N,).
        symbols: Words or characters.
        split: The index of its split in `SPLITS`.
        speaker: Who says it; None if unknown.
        marks: Marks by which its recordings are recognised in other files.
    """

    name: str
    samples: Samples
    symbols: list[str]
    split: int
    speaker: str | None = None
    marks: tuple[bytes, ...] = ()


class Utterances(NamedTuple):
    """Recordings of texts.

    Attributes:
        rate_hz: Their samples a second.
        each: The recordings.
        heard: What was found in their files.
    """

    rate_hz: int
    each: list[Utterance]
    heard: Heard


def joined_utterances(
    raw: Path,
    division: SplitParameters,
    join: JoinParameters,
    form: str = "",
    rate_hz: int | None = None,
) -> Utterances:
    """Strings of words by one speaker each, joined from recordings of their split alone.

    Args:
        raw: The folder of recordings.
        division: Which of them are in which split.
        join: How strings are joined.
        form: See `NameParameters`.
        rate_hz: See `read_all`.

    Returns:
        The strings, split by split. Each is marked by all recordings that it may be joined of.

    Raises:
        DataError: If a recording cannot be used.
        ParameterError: If the split names what does not exist.
    """
    recordings, sounds = read_words(raw, form, rate_hz)
    splits = split_recordings(recordings, division)
    rate = sounds.rate_hz
    utterances = []
    for split, (name, count) in enumerate(zip(SPLITS, join.strings, strict=True)):
        draw = np.random.default_rng([join.strings_seed, split])
        whose = of_split(recordings, splits, name)
        by_speaker = by_voice(whose, of_split(sounds.samples, splits, name))
        marks = by_voice(whose, of_split(sounds.marks, splits, name))
        for index in range(count):
            speaker = list(by_speaker)[draw.integers(len(by_speaker))]
            length = draw.integers(join.string_words[0], join.string_words[1] + 1)
            pool = by_speaker[speaker]
            chosen = [pool[place] for place in draw.integers(len(pool), size=length)]
            whole = join_samples([sound for _, sound in chosen], rate, join, draw)
            symbols = [word for word, _ in chosen]
            title = f"{name} string {index + 1}"
            marked = tuple(mark for _, mark in marks[speaker])
            utterances.append(Utterance(title, whole, symbols, split, speaker, marked))
    return Utterances(rate, utterances, sounds.heard)


def by_voice(
    recordings: Sequence[Recording], values: Sequence[T]
) -> dict[str | None, list[tuple[str, T]]]:
    """Words and values of each speaker; those whose speaker is unknown count as one."""
    by_speaker: dict[str | None, list[tuple[str, T]]] = defaultdict(list)
    for recording, value in zip(recordings, values, strict=True):
        by_speaker[recording.speaker].append((recording.word, value))
    return by_speaker


def join_samples(
    pieces: list[Samples], rate_hz: int, join: JoinParameters, draw: np.random.Generator
) -> Samples:
    """Recordings one after the other, with pauses of random length and noise over all."""
    bounds = [round(seconds * rate_hz) for seconds in join.pause_seconds]
    pauses = draw.integers(bounds[0], bounds[1] + 1, size=len(pieces) + 1)
    whole = np.zeros(sum(map(len, pieces)) + pauses.sum())
    place = 0
    for pause, piece in zip(pauses, pieces, strict=False):
        whole[place + pause : place + pause + len(piece)] = piece
        place += pause + len(piece)
    loudness = np.sqrt(np.mean(np.concatenate(pieces).astype(np.float64) ** 2))
    noise = loudness * 10 ** (-draw.uniform(*join.snr_db) / 20)
    noisy: Samples = (whole + noise * draw.standard_normal(len(whole))).astype(np.float32)
    return noisy
