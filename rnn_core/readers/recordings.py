"""Recordings of a person's own: found, read, checked and divided into sides."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.audio import Samples, read_wav
from rnn_core.readers.sides import check_shares

FLAT_NAME = re.compile(r"(?P<word>[^_]+)_(?P<speaker>.+)_(?P<take>\d+)\.wav", re.IGNORECASE)
SPEAKER_NAME = re.compile(r"(?P<speaker>.+)_(?P<take>\d+)\.wav", re.IGNORECASE)

LONGEST_RATIO = 10
"""A recording longer than so many times the median is taken for a mistake."""

FEWEST_TO_COMPARE = 5
"""Recordings that a median of lengths needs to mean something."""


SIDES = ("train", "validation", "test")
"""Sides are numbers of places in it."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SplitParameters:
    """Which recordings are on which side.

    Attributes:
        split_by: How sides differ: by `take` or `speaker`, of which `validation` and `test`
            name some; or by `share` of the recordings of each word, drawn at random.
        validation: Takes or speakers kept for choosing.
        test: Takes or speakers kept for the final score; all others are trained on.
        validation_share: Share kept for choosing where `split_by` is `share`.
        test_share: Share kept for the final score likewise.
        split_seed: Seed of that draw.
    """

    split_by: Literal["take", "speaker", "share"]
    validation: tuple[str | int, ...] = ()
    test: tuple[str | int, ...] = ()
    validation_share: float = 0.1
    test_share: float = 0.2
    split_seed: int = 0

    def __post_init__(self) -> None:
        if shared := set(map(str, self.validation)) & set(map(str, self.test)):
            raise ValueError(f"validation and test share the {self.split_by}s {sorted(shared)}")
        if self.split_by == "share" and (self.validation or self.test):
            raise ValueError("with split_by share sides are drawn; remove validation and test")
        check_shares(self.validation_share, self.test_share)


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


def split_recordings(recordings: list[Recording], parameters: SplitParameters) -> list[int]:
    """The side of each recording, as an index of `SIDES`.

    Raises:
        DataError: If a name does not tell what is needed, or a side lacks a word.
        ParameterError: If a take or speaker does not exist.
    """
    if parameters.split_by == "share":
        shares = parameters.validation_share, parameters.test_share
        return share_sides([r.word for r in recordings], *shares, parameters.split_seed)
    groups = named_groups(recordings, parameters.split_by)
    validation, test = set(map(str, parameters.validation)), set(map(str, parameters.test))
    check_groups(groups, validation | test, parameters.split_by)
    sides = [2 if group in test else int(group in validation) for group in groups]
    check_words(recordings, sides)
    return sides


def named_groups(recordings: list[Recording], by: Literal["take", "speaker"]) -> list[str]:
    """The take or speaker of each recording.

    Raises:
        DataError: If a name does not tell.
    """
    groups = []
    for recording in recordings:
        group = getattr(recording, by)
        if group is None:
            raise DataError(
                f"{recording.name} names no {by}; call it <speaker>_<take>.wav, or set "
                "data.split_by to share"
            )
        groups.append(group)
    return groups


def check_groups(groups: list[str], chosen: set[str], by: str) -> None:
    """Refuse takes or speakers that do not exist.

    Raises:
        ParameterError: If there is one.
    """
    for group in sorted(chosen - set(groups)):
        raise ParameterError(f"no recording has the {by} {group!r} of the split")


def check_words(recordings: list[Recording], sides: list[int], when: str = "") -> None:
    """Refuse a division in which a side lacks a word.

    Raises:
        DataError: If one does.
    """
    for split in SIDES:
        words = {r.word for r in of_side(recordings, sides, split)}
        if missing := {r.word for r in recordings} - words:
            raise DataError(f"the {split} side has no recording of {min(missing)!r}{when}")


def of_side(items: Sequence[T], sides: Sequence[int], split: str) -> list[T]:
    """The items of a side, where `sides` has the side of each."""
    return [item for item, side in zip(items, sides, strict=True) if SIDES[side] == split]


def speaker_numbers(speakers: Sequence[str | None]) -> list[int]:
    """A number for each speaker; who is unknown is taken as somebody of his own."""
    known = sorted({speaker for speaker in speakers if speaker is not None})
    numbers = {speaker: number for number, speaker in enumerate(known)}
    others = iter(range(len(known), len(known) + len(speakers)))
    return [next(others) if name is None else numbers[name] for name in speakers]


def suggest_split(
    speakers: Sequence[str | None], takes: Sequence[str | None], split_by: str | None = None
) -> dict[str, Any]:
    """A split for recordings, by speakers where there are three or more of them.

    Args:
        speakers: Who speaks in each; None if no name tells.
        takes: Which try each is; likewise.
        split_by: How the person wants them split; None: as is best.

    Returns:
        Values of `SplitParameters`; a fifth of the speakers or takes are for the test side,
        a tenth for choosing.
    """
    if split_by is None:
        several = None not in speakers and len(set(speakers)) >= 3
        split_by = "speaker" if several else "share"
    if split_by == "share":
        return {"split_by": split_by, "validation_share": 0.1, "test_share": 0.2}
    groups = in_order(speakers if split_by == "speaker" else takes)
    test, validation = max(len(groups) // 5, 1), max(len(groups) // 10, 1)
    if split_by == "each_speaker":
        return {"split_by": split_by, "validation": groups[:validation]}
    return {
        "split_by": split_by,
        "validation": groups[-test - validation : -test],
        "test": groups[-test:],
    }


def suggest_word_split(recordings: list[Recording], split_by: str | None) -> dict[str, Any]:
    """As `suggest_split`, but by shares where otherwise a side would lack a word."""
    named = [r.speaker for r in recordings], [r.take for r in recordings]
    split = suggest_split(*named, split_by)
    if split_by is None:
        try:
            split_recordings(recordings, SplitParameters(**split))
        except DataError:
            return suggest_split(*named, "share")
    return split


def in_order(groups: Sequence[str | None]) -> list[str]:
    """The different speakers or takes that names tell, numbers by their size."""
    known = {group for group in groups if group is not None}
    return sorted(known, key=lambda group: (not group.isdigit(), group.zfill(9), group))


def share_sides(
    groups: Sequence[str], validation_share: float, test_share: float, seed: int
) -> list[int]:
    """Divide recordings at random, each group (such as a word) in the same shares.

    Args:
        groups: The group of each recording.
        validation_share: Share of the recordings kept for choosing.
        test_share: Share of the recordings kept for the final score.
        seed: Seed of the draw.

    Returns:
        The side of each recording, as an index of `SIDES`.

    Raises:
        DataError: If a group has fewer than three recordings.
    """
    sides = [0] * len(groups)
    for index, (group, count) in enumerate(sorted(Counter(groups).items())):
        if count < 3:
            raise DataError(
                f"{group!r} has {count} of the 3 recordings that three sides need at least; "
                "record more"
            )
        order = np.random.default_rng([seed, index]).permutation(count)
        places = np.flatnonzero(np.array(groups) == group)[order]
        test = min(max(round(test_share * count), 1), count - 2)
        validation = min(max(round(validation_share * count), 1), count - 1 - test)
        for place in places[:test]:
            sides[place] = 2
        for place in places[test : test + validation]:
            sides[place] = 1
    return sides


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
