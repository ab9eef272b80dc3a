"""Recordings of a person's own: found, read and checked."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_core.errors import DataError
from rnn_core.readers.audio import Samples, read_wav

FLAT_NAME = re.compile(r"(?P<word>[^_]+)_(?P<speaker>.+)_(?P<take>\d+)\.wav", re.IGNORECASE)

SPEAKER_NAME = re.compile(r"(?P<speaker>.+)_(?P<take>\d+)\.wav", re.IGNORECASE)

LONGEST_RATIO = 10
"""A recording longer than so many times the median is taken for a mistake."""

FEWEST_TO_COMPARE = 5
"""Recordings that a median of lengths needs to mean something."""


class Recording(NamedTuple):
    """What the names of a file and its folder say.

    Attributes:
        path: The file.
        name: Its path from the raw folder, for a person.
        word: What is said, or the class.
        speaker: Who says it; None if no name tells.
        take: Which try it is; None if no name tells.
    """

    path: Path
    name: str
    word: str
    speaker: str | None
    take: str | None


def visible_files(folder: Path) -> list[Path]:
    """All files below a folder but hidden ones, in the order of their names."""
    files = (path for path in folder.rglob("*") if path.is_file())
    shown = (p for p in files if not any(x.startswith(".") for x in p.relative_to(folder).parts))
    return sorted(shown, key=lambda path: path.relative_to(folder).as_posix())


def is_wav(path: Path) -> bool:
    """Whether a file is called .wav."""
    return path.suffix.lower() == ".wav"


def check_stray(path: Path, raw: Path) -> None:
    """Refuse a file that is no wav file.

    Raises:
        DataError: If it is not.
    """
    if not is_wav(path):
        raise DataError(
            f"{path.relative_to(raw).as_posix()} is not called .wav; convert it to wav if it is a "
            "recording, else move it out of the folder"
        )


def list_words(raw: Path) -> list[Recording]:
    """All recordings of single words in a raw folder, in the order of their names.

    Files are called `<word>_<speaker>_<take>.wav`, or lie in one folder a word, with names
    `<speaker>_<take>.wav` or any others.

    Raises:
        DataError: If there are none, or a file does not fit in.
    """
    files = visible_files(raw)
    for path in files:
        check_stray(path, raw)
    if not files:
        raise DataError(f"{raw} holds no .wav files; put one folder of them a word there")
    flat = [path for path in files if path.parent == raw]
    if flat and len(flat) < len(files):
        raise DataError(
            f"{flat[0].name} lies beside folders of words; move it into the folder of its word"
        )
    for folder in sorted(path for path in raw.iterdir() if path.is_dir()):
        if not folder.name.startswith(".") and not visible_files(folder):
            raise DataError(f"the folder {folder.name} holds no recording; fill or remove it")
    return [flat_recording(path) if flat else folder_recording(path, raw) for path in files]


def flat_recording(path: Path) -> Recording:
    """A recording `<word>_<speaker>_<take>.wav`.

    Raises:
        DataError: If it is not called so.
    """
    match = FLAT_NAME.fullmatch(path.name)
    if not match:
        raise DataError(
            f"{path.name} is not called <word>_<speaker>_<take>.wav; rename it, or put the "
            "recordings into one folder a word"
        )
    return Recording(path, path.name, match["word"], match["speaker"], match["take"])


def folder_recording(path: Path, raw: Path) -> Recording:
    """A recording in the folder of its word.

    Raises:
        DataError: If it lies deeper.
    """
    name = path.relative_to(raw)
    if len(name.parts) > 2:
        raise DataError(
            f"{name.as_posix()} lies {len(name.parts) - 1} folders deep; put recordings right "
            "into the folder of their word"
        )
    match = SPEAKER_NAME.fullmatch(path.name)
    speaker, take = (match["speaker"], match["take"]) if match else (None, None)
    return Recording(path, name.as_posix(), name.parts[0], speaker, take)


def read_all(paths: Sequence[Path], names: Sequence[str]) -> tuple[int, list[Samples]]:
    """Read recordings, which must fit together.

    Args:
        paths: The files.
        names: What to call each in errors.

    Returns:
        Their sample rate in Hz, and the samples of each.

    Raises:
        DataError: If one is broken, silent, at another sample rate, a copy, or far longer
            than the others.
    """
    every: list[Samples] = []
    first_rate = 0
    seen: dict[bytes, str] = {}
    for path, name in zip(paths, names, strict=True):
        content = path.read_bytes()
        samples, rate = read_wav(content, name)
        first_rate = first_rate or rate
        if rate != first_rate:
            raise DataError(
                f"{name} has {rate} samples a second, {names[0]} has {first_rate}; "
                "resample one of them"
            )
        digest = hashlib.sha256(content).digest()
        if digest in seen:
            raise DataError(f"{name} is a copy of {seen[digest]}; remove one of them")
        seen[digest] = name
        check_sound(samples, name)
        every.append(samples)
    check_lengths([len(samples) / first_rate for samples in every], names)
    return first_rate, every


def check_sound(samples: Samples, name: str) -> None:
    """Refuse a recording in which nothing is heard.

    Raises:
        DataError: If all samples are the same.
    """
    if samples.min() == samples.max():
        raise DataError(f"{name} is silent from start to end; record it again or remove it")


def check_lengths(seconds: Sequence[float], names: Sequence[str]) -> None:
    """Refuse a recording that is far longer than the others.

    Raises:
        DataError: If there is one.
    """
    if len(seconds) < FEWEST_TO_COMPARE:
        return
    longest, median = int(np.argmax(seconds)), float(np.median(seconds))
    if seconds[longest] > LONGEST_RATIO * median:
        raise DataError(
            f"{names[longest]} lasts {seconds[longest]:.1f} s, half of all recordings at most "
            f"{median:.1f} s; cut it"
        )


def read_at_rate(wav: bytes, rate_hz: int, name: str | None) -> Samples:
    """Samples of a recording to answer.

    Args:
        wav: Content of a wav file.
        rate_hz: Sample rate of the training.
        name: What to call it in errors.

    Raises:
        DataError: If it is no such file, or at another rate.
    """
    samples, rate = read_wav(wav, name)
    if rate != rate_hz:
        raise DataError(
            f"{name or 'the wav content'} has {rate} samples a second, the model was trained on "
            f"{rate_hz}; resample it"
        )
    return samples


def wav_rows(path: Path) -> list[tuple[str, bytes]]:
    """Name and content of a wav file, or of all in a folder.

    Raises:
        DataError: If there is none.
    """
    if not path.exists():
        raise DataError(f"there is no {path}; give a wav file or a folder of them")
    if path.is_file():
        return [(path.name, path.read_bytes())]
    files = [file for file in visible_files(path) if is_wav(file)]
    if not files:
        raise DataError(f"{path} holds no .wav files")
    return [(file.relative_to(path).as_posix(), file.read_bytes()) for file in files]
