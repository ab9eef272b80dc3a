"""The user's own recordings: read, checked and brought to one sample rate."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_core.errors import DataError
from rnn_core.readers.alike_sounds import alike_ones
from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.folders import check_link, link_to_nothing
from rnn_core.readers.formats.packed import refuse_packed
from rnn_core.readers.sound.audio import Samples, Sound, read_sound, resampled
from rnn_core.readers.sound.name_tokens import Recording
from rnn_core.readers.sound.recorded_words import find_words
from rnn_core.readers.sound.recording_files import find_files
from rnn_core.readers.sound.sound_checks import check_lengths, check_sound, flaws


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Findings about the recordings of a dataset.

    Attributes:
        seconds: How long they are together.
        rates: How many had each sample rate, in Hz.
        kinds: How many were stored in each way.
        mixed_down: How many had several channels.
        copies: Recordings left out, each with the one that it is a copy of.
        flaws: Recordings that may be bad, by the names of `FLAWS`.
        short: Recordings far shorter than the others.
        alike: Recordings that are another one at another loudness, or in another encoding.
    """

    seconds: float
    rates: dict[str, int]
    kinds: dict[str, int]
    mixed_down: int
    copies: dict[str, str]
    flaws: dict[str, list[str]]
    short: list[str]
    alike: dict[str, str] = field(default_factory=dict)


class Named(NamedTuple):
    """A recording to be read.

    Attributes:
        path: The file.
        name: What to call it in errors.
        said: What is said in it.
    """

    path: Path
    name: str
    said: str


class Sounds(NamedTuple):
    """Recordings that were read.

    Attributes:
        rate_hz: Their samples a second.
        kept: Which of the files they are; copies are left out.
        samples: Of each that is kept, (N,).
        marks: By what each is known again in other files.
        heard: What was found in them.
    """

    rate_hz: int
    kept: list[int]
    samples: list[Samples]
    marks: list[bytes]
    heard: Heard


def read_all(files: Sequence[Named], rate_hz: int | None, faults: Faults) -> Sounds:
    """Read recordings, and bring them to one sample rate.

    Args:
        files: The files, one at least.
        rate_hz: Samples a second that are wanted; None: the commonest of the recordings.
        faults: Where faults are noted of those already found.

    Raises:
        FaultsError: If something was or is wrong: a recording is broken, or nothing is heard in
            it, or is far longer than the others, or the same recording is said to be of two texts.
    """
    sounds: list[Sound | None] = []
    for file in files:
        sounds.append(None)
        with faults.noted():
            sounds[-1] = read_checked(file)
    marks = [sound_mark(sound) if sound else b"" for sound in sounds]
    copies = find_copies(files, marks, faults)
    kept = [i for i, sound in enumerate(sounds) if sound and files[i].name not in copies]
    whole = [sound for i in kept if (sound := sounds[i])]
    names = [files[i].name for i in kept]
    short = check_lengths([len(s.samples) / s.rate_hz for s in whole], names, faults)
    faults.check()
    rate = rate_hz or commonest(whole)
    samples = [resampled(sound.samples, sound.rate_hz, rate) for sound in whole]
    said = [files[i].said for i in kept]
    alike = {names[i]: names[j] for i, j in alike_ones(samples, said, rate)}
    found = replace(heard(names, whole, copies, short), alike=alike)
    return Sounds(rate, kept, samples, [marks[i] for i in kept], found)


def read_words(
    raw: Path, form: str = "", rate_hz: int | None = None
) -> tuple[list[Recording], Sounds]:
    """The recordings of words in a folder that are no copies, and their samples.

    Args:
        raw: The folder.
        form: See `NameParameters`.
        rate_hz: See `read_all`.

    Raises:
        FaultsError: If names do not tell words, or recordings cannot be used; with all of them.
    """
    faults = Faults()
    recordings = find_words(raw, form, faults).recordings
    sounds = read_all([Named(r.path, r.name, r.word) for r in recordings], rate_hz, faults)
    return [recordings[i] for i in sounds.kept], sounds


def words_to_suggest(raw: Path, form: str) -> list[Recording]:
    """The recordings whose names can be understood, at least one; faults are reported later.

    Raises:
        FaultsError: If none can.
    """
    faults = Faults()
    recordings = find_words(raw, form, faults).recordings
    if not recordings:
        faults.check()
    return recordings


def read_checked(file: Named) -> Sound:
    """A recording in which something is heard."""
    check_link(file.path, file.name)
    sound = read_sound(file.path, file.name)
    check_sound(sound.samples, sound.rate_hz, file.name)
    return sound


def commonest(sounds: Sequence[Sound]) -> int:
    """The sample rate that most recordings have; of several such, the lowest."""
    counts = Counter(sound.rate_hz for sound in sounds)
    return min(counts, key=lambda rate: (-counts[rate], rate))


def find_copies(files: Sequence[Named], marks: Sequence[bytes], faults: Faults) -> dict[str, str]:
    """Recordings with the same samples as one before, and the name of that one.

    What is said must be the same too: of two texts for one recording, one is wrong, which is
    noted.
    """
    first: dict[bytes, Named] = {}
    copies: dict[str, str] = {}
    for file, mark in zip(files, marks, strict=True):
        if not mark:
            continue
        other = first.setdefault(mark, file)
        if other is file:
            continue
        copies[file.name] = other.name
        if other.said != file.said:
            faults.add(
                f"{file.name} is a copy of {other.name}, but is said to be {file.said!r}, and that "
                f"one {other.said!r}",
                "remove one of them",
            )
    return copies


def sound_mark(sound: Sound) -> bytes:
    """By what a recording is known again in any file: its samples, in 16 bits, without silence."""
    steps = np.round(sound.samples * 32768).astype("<i4")
    loud = np.flatnonzero(steps)
    inside = steps[loud[0] : loud[-1] + 1] if len(loud) else steps
    return hashlib.blake2b(inside.tobytes() + str(sound.rate_hz).encode(), digest_size=16).digest()


def heard(
    names: Sequence[str], sounds: Sequence[Sound], copies: dict[str, str], short: list[str]
) -> Heard:
    """Examine recordings."""
    odd: dict[str, list[str]] = {}
    for name, sound in zip(names, sounds, strict=True):
        for flaw in flaws(sound.samples):
            odd.setdefault(flaw, []).append(name)
    return Heard(
        seconds=sum(len(sound.samples) / sound.rate_hz for sound in sounds),
        rates=dict(Counter(str(sound.rate_hz) for sound in sounds)),
        kinds=dict(Counter(sound.kind for sound in sounds)),
        mixed_down=sum(sound.channels > 1 for sound in sounds),
        copies=copies,
        flaws=odd,
        short=short,
    )


def read_at_rate(content: object, rate_hz: int, name: str | None) -> Samples:
    """Samples of a recording to answer, (N,); what no training takes is refused here too.

    Args:
        content: Bytes of a file; None: a link to nothing.
        rate_hz: Sample rate of the training.
        name: What to call it in errors.

    Raises:
        FaultsError: If it cannot be read, or nothing is heard in it.
    """
    label = name or "the recording"
    if content is None:
        raise link_to_nothing(label)
    if not isinstance(content, bytes | bytearray | memoryview):
        what = f"{label} is given as {type(content).__name__}, not as bytes"
        raise FaultsError.one(what, "give the content of its file")
    sound = read_sound(bytes(content), label)
    check_sound(sound.samples, sound.rate_hz, label)
    return resampled(sound.samples, sound.rate_hz, rate_hz)


def recording_rows(path: Path) -> list[tuple[str, bytes | None]]:
    """Name and content of a recording, or of all in a folder.

    Raises:
        DataError: If there is none.
    """
    if not path.exists():
        raise DataError(f"there is no {path}; give a recording or a folder of them")
    if path.is_file():
        return [(path.name, path.read_bytes())]
    files, others = find_files(path)
    if not files:
        refuse_packed(others)
        raise DataError(f"{path} holds no recordings")
    return [
        (file.relative_to(path).as_posix(), file.read_bytes() if file.is_file() else None)
        for file in files
    ]
