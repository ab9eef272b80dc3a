"""Recordings divided into splits, by their words, takes and speakers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from rnn_core.errors import DataError, ParameterError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.sound.name_tokens import Recording
from rnn_core.readers.splits import SETS, TEST, TRAIN, VALIDATION, check_shares

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SplitParameters:
    """Division of recordings into splits.

    Attributes:
        split_by: How splits differ: by `take` or `speaker`, where `validation` and `test` name
            some; by `share` of the recordings of each word, drawn at random; or as is
            `given` by folders or lists of splits that the data has.
        validation: Takes or speakers kept for choosing.
        test: Takes or speakers kept for the final score; all others are trained on.
        validation_share: Share kept for choosing where `split_by` is `share`, or where no
            validation set is given.
        test_share: Share kept for the final score.
        split_seed: Seed of that draw.
    """

    split_by: Literal["take", "speaker", "share", "given"]
    validation: tuple[str | int, ...] = ()
    test: tuple[str | int, ...] = ()
    validation_share: float = 0.1
    test_share: float = 0.2
    split_seed: int = 0

    def __post_init__(self) -> None:
        if shared := set(map(str, self.validation)) & set(map(str, self.test)):
            raise ValueError(f"validation and test share the {self.split_by}s {sorted(shared)}")
        if self.split_by == "share" and (self.validation or self.test):
            raise ValueError("with split_by share splits are drawn; remove validation and test")
        if self.split_by == "given" and (self.validation or self.test):
            raise ValueError("with split_by given the data says them; remove validation and test")
        check_shares(self.validation_share, self.test_share)


def split_recordings(recordings: list[Recording], parameters: SplitParameters) -> list[int]:
    """The split of each recording, as an index of `SPLITS`.

    Raises:
        DataError: If a name does not tell what is needed, or a split lacks a word.
        ParameterError: If a take or speaker does not exist.
    """
    if parameters.split_by == "share":
        shares = parameters.validation_share, parameters.test_share
        return share_splits([r.word for r in recordings], *shares, parameters.split_seed)
    if parameters.split_by == "given":
        given, words = [r.split for r in recordings], [r.word for r in recordings]
        splits = given_splits(given, words, [r.name for r in recordings], parameters)
        check_words(recordings, splits)
        return splits
    splits = splits_of_groups(named_groups(recordings, parameters.split_by), parameters)
    check_words(recordings, splits)
    return splits


def given_splits(
    given: Sequence[Split | None],
    groups: Sequence[str],
    names: Sequence[str],
    parameters: SplitParameters,
) -> list[int]:
    """The split that folders, lists or tables give each recording, as an index of `SPLITS`.

    Where none is given for choosing, or none for the final score, a share of each group (such
    as a word) is drawn for it from the recordings for training.

    Raises:
        DataError: If nothing gives one.
    """
    splits = []
    for one, name in zip(given, names, strict=True):
        if one is None:
            raise DataError(f"nothing says the split of {name}; set data.split_by to share")
        splits.append(SPLITS.index(one))
    draw = np.random.default_rng(parameters.split_seed)
    for split, share in ((TEST, parameters.test_share), (VALIDATION, parameters.validation_share)):
        if split not in splits:
            for group in sorted(set(groups)):
                places = [i for i, g in enumerate(groups) if g == group and splits[i] == TRAIN]
                count = min(max(round(share * len(places)), 1), max(len(places) - 1, 0))
                for place in draw.permutation(places)[:count]:
                    splits[int(place)] = split
    return splits


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


def splits_of_groups(groups: list[str], parameters: SplitParameters) -> list[int]:
    """The split of each recording by its take or speaker, as an index of `SPLITS`.

    Raises:
        ParameterError: If a take or speaker of the split does not exist.
    """
    validation, test = set(map(str, parameters.validation)), set(map(str, parameters.test))
    for group in sorted((validation | test) - set(groups)):
        raise ParameterError(f"no recording has the {parameters.split_by} {group!r} of the split")
    return [
        TEST if group in test else VALIDATION if group in validation else TRAIN for group in groups
    ]


def check_words(recordings: list[Recording], splits: list[int], when: str = "") -> None:
    """Refuse a division in which a split lacks a word.

    Raises:
        DataError: If one does.
    """
    for split in SPLITS:
        words = {r.word for r in of_split(recordings, splits, split)}
        if missing := {r.word for r in recordings} - words:
            raise DataError(f"the {SETS[split]} has no recording of {min(missing)!r}{when}")


def of_split(items: Sequence[T], splits: Sequence[int], split: str) -> list[T]:
    """The items of a split, where `splits` has that of each as an index of `SPLITS`."""
    return [item for item, one in zip(items, splits, strict=True) if SPLITS[one] == split]


def speaker_numbers(speakers: Sequence[str | None]) -> list[int]:
    """A number for each speaker; a recording without a speaker counts as its own speaker."""
    known = sorted({speaker for speaker in speakers if speaker is not None})
    numbers = {speaker: number for number, speaker in enumerate(known)}
    others = iter(range(len(known), len(known) + len(speakers)))
    return [next(others) if name is None else numbers[name] for name in speakers]


def suggest_split(
    speakers: Sequence[str | None], takes: Sequence[str | None], split_by: str | None = None
) -> dict[str, Any]:
    """A split for recordings, by speakers where there are three or more of them.

    Args:
        speakers: Speaker of each; None if unknown.
        takes: Number of the take of each; None if unknown.
        split_by: How the user wants them split; None: as is best.

    Returns:
        Values of `SplitParameters`; a fifth of the speakers or takes are for the test set,
        a tenth for choosing: the last by name, or those with the fewest recordings where
        otherwise less than half as many were trained on as if all had equally many.
    """
    if split_by is None:
        several = None not in speakers and len(set(speakers)) >= 3
        split_by = "speaker" if several else "share"
    if split_by == "share":
        return {"split_by": split_by, "validation_share": 0.1, "test_share": 0.2}
    if split_by in {"each_speaker", "given"}:
        return {"split_by": split_by}
    each = speakers if split_by == "speaker" else takes
    groups, counts = in_order(each), Counter(each)
    test, validation = max(len(groups) // 5, 1), max(len(groups) // 10, 1)
    trained = groups[: -test - validation]
    usual = counts.total() * len(trained) / len(groups)
    if 2 * sum(counts[group] for group in trained) < usual:
        groups.sort(key=lambda group: -counts[group])
    return {
        "split_by": split_by,
        "validation": groups[-test - validation : -test],
        "test": groups[-test:],
    }


def suggest_word_split(recordings: list[Recording], split_by: str | None) -> dict[str, Any]:
    """As `suggest_split`, but by shares where otherwise a split would lack a word.

    What folders or lists of splits give is taken first.
    """
    if split_by is None and recordings and all(r.split is not None for r in recordings):
        split_by = "given"
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


def share_splits(
    groups: Sequence[str], validation_share: float, test_share: float, seed: int
) -> list[int]:
    """Divide recordings at random, each group (such as a word) in the same shares.

    Args:
        groups: The group of each recording.
        validation_share: Share of the recordings kept for choosing.
        test_share: Share of the recordings kept for the final score.
        seed: Seed of the draw.

    Returns:
        The split of each recording, as an index of `SPLITS`.

    Raises:
        DataError: If a group has fewer than three recordings.
    """
    splits = [TRAIN] * len(groups)
    for index, (group, count) in enumerate(sorted(Counter(groups).items())):
        if count < 3:
            raise DataError(
                f"{group!r} has {count} of the 3 recordings that three splits need at least; "
                "record more"
            )
        order = np.random.default_rng([seed, index]).permutation(count)
        places = np.flatnonzero(np.array(groups) == group)[order]
        test = min(max(round(test_share * count), 1), count - 2)
        validation = min(max(round(validation_share * count), 1), count - 1 - test)
        for place in places[:test]:
            splits[place] = TEST
        for place in places[test : test + validation]:
            splits[place] = VALIDATION
    return splits
