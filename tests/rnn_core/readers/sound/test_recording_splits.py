"""Splits of recordings: shares of every group, whole speakers, or as the data gives them."""

from collections import Counter

import numpy as np
import pytest

from rnn_core.readers.sound.name_tokens import Recording
from rnn_core.readers.sound.recording_splits import (
    SplitParameters,
    share_splits,
    split_recordings,
    suggest_split,
    suggest_word_split,
)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("counts", [(3, 3), (10, 7, 31), (4, 100)])
def test_shares_are_of_every_group_and_leave_something_on_each_split(seed, counts):
    groups = [f"word {i}" for i, count in enumerate(counts) for _ in range(count)]
    order = np.random.default_rng(seed).permutation(len(groups))
    groups = [groups[i] for i in order]
    splits = share_splits(groups, 0.1, 0.25, seed)
    found = Counter(zip(groups, splits, strict=True))
    for i, count in enumerate(counts):
        of_group = [found[f"word {i}", split] for split in range(3)]
        assert sum(of_group) == count
        assert min(of_group) >= 1
        assert of_group[2] == min(max(round(0.25 * count), 1), count - 2)
    assert splits == share_splits(groups, 0.1, 0.25, seed)


@pytest.mark.parametrize(
    ("count", "shares", "expected"),
    [
        (3, (0.1, 0.1), [1, 1, 1]),
        (4, (0.05, 0.9), [1, 1, 2]),
        (4, (0.9, 0.05), [1, 2, 1]),
        (30, (0.01, 0.01), [28, 1, 1]),
    ],
)
def test_small_groups_and_shares_leave_no_split_empty(count, shares, expected):
    splits = share_splits(["a"] * count, *shares, 0)
    assert [splits.count(split) for split in range(3)] == expected


def test_shares_draw_by_their_seed():
    groups = ["a"] * 40
    first, second = (share_splits(groups, 0.2, 0.2, seed) for seed in (0, 1))
    assert sorted(first) == sorted(second)
    assert first != second


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (2, None),
        (3, (["1"], ["2"])),
        (10, (["7"], ["8", "9"])),
        (20, (["14", "15"], ["16", "17", "18", "19"])),
    ],
)
def test_split_that_is_suggested_keeps_speakers_apart_where_it_can(count, expected):
    speakers = [str(i) for i in range(count)] * 2
    found = suggest_split(speakers, [None] * len(speakers))
    if expected is None:
        assert found["split_by"] == "share"
    else:
        assert found["split_by"] == "speaker"
        assert (found["validation"], found["test"]) == expected
    assert suggest_split([*speakers, None], [None])["split_by"] == "share"


def test_split_that_is_wanted_is_filled_in():
    takes = ["10", "9", "1", "2", "0"]
    assert suggest_split("ababa", takes, "take") == {
        "split_by": "take",
        "validation": ["9"],
        "test": ["10"],
    }
    assert suggest_split("ababa", takes, "each_speaker") == {"split_by": "each_speaker"}
    assert suggest_split("abcde", takes, "share")["split_by"] == "share"


def test_speakers_with_few_recordings_are_tested_where_the_last_have_most():
    """The last speaker by name has nine of ten recordings, which are to be trained on."""
    speakers = ["ann", "bob", "cleo", *["dora"] * 27]
    found = suggest_split(speakers, [None] * len(speakers))
    assert (found["validation"], found["test"]) == (["bob"], ["cleo"])


def given(*splits):
    return [
        Recording(None, f"{split}/{word}/{i}.wav", word, None, None, split)
        for split in splits
        for word in ("no", "yes")
        for i in range(10)
    ]


def test_splits_that_the_data_gives_are_taken():
    recordings = given("train", "validation", "test")
    split = suggest_word_split(recordings, None)
    assert split == {"split_by": "given"}
    assert split_recordings(recordings, SplitParameters(**split)) == [0] * 20 + [1] * 20 + [2] * 20


@pytest.mark.parametrize("there", ["validation", "test"])
def test_a_split_that_is_not_given_is_drawn_from_the_training_set(there):
    recordings = given("train", there)
    parameters = SplitParameters(split_by="given", validation_share=0.2, test_share=0.2)
    splits = split_recordings(recordings, parameters)
    number = 1 if there == "validation" else 2
    assert splits[20:] == [number] * 20
    drawn = Counter(
        r.word for r, split in zip(recordings, splits, strict=True) if split == 3 - number
    )
    assert drawn == {"no": 2, "yes": 2}
    assert splits == split_recordings(recordings, parameters)
