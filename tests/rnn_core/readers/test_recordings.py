"""Recordings of one's own: what a name says, and shares that are of every group."""

from collections import Counter

import numpy as np
import pytest

from rnn_core.errors import DataError
from rnn_core.readers.recording_sides import share_sides, suggest_split
from rnn_core.readers.recordings import (
    LONGEST_RATIO,
    check_lengths,
    list_words,
    read_at_rate,
    wav_rows,
)
from rnn_core.sources.synthetic_digits import write_wav


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_flat_names_give_word_speaker_and_take(tmp_path):
    touch(tmp_path, "7_mary_ann_12.wav", "ja_bo_0.WAV", ".hidden.wav")
    found = [(r.word, r.speaker, r.take, r.name) for r in list_words(tmp_path)]
    assert found == [
        ("7", "mary_ann", "12", "7_mary_ann_12.wav"),
        ("ja", "bo", "0", "ja_bo_0.WAV"),
    ]


def test_folders_give_words_and_names_what_they_can(tmp_path):
    touch(tmp_path, "no/b.wav", "yes/0ff_nohash_1.wav", "turn left/a.wav", "no/.b.wav.swp")
    found = [(r.word, r.speaker, r.take, r.name) for r in list_words(tmp_path)]
    assert found == [
        ("no", None, None, "no/b.wav"),
        ("turn left", None, None, "turn left/a.wav"),
        ("yes", "0ff_nohash", "1", "yes/0ff_nohash_1.wav"),
    ]


def test_empty_folder_of_a_word_is_named(tmp_path):
    touch(tmp_path, "no/b.wav")
    (tmp_path / "yes").mkdir()
    with pytest.raises(DataError, match="the folder yes holds no recording; fill or remove it"):
        list_words(tmp_path)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("counts", [(3, 3), (10, 7, 31), (4, 100)])
def test_shares_are_of_every_group_and_leave_something_on_each_side(seed, counts):
    groups = [f"word {i}" for i, count in enumerate(counts) for _ in range(count)]
    order = np.random.default_rng(seed).permutation(len(groups))
    groups = [groups[i] for i in order]
    sides = share_sides(groups, 0.1, 0.25, seed)
    found = Counter(zip(groups, sides, strict=True))
    for i, count in enumerate(counts):
        of_group = [found[f"word {i}", side] for side in range(3)]
        assert sum(of_group) == count
        assert min(of_group) >= 1
        assert of_group[2] == min(max(round(0.25 * count), 1), count - 2)
    assert sides == share_sides(groups, 0.1, 0.25, seed)


@pytest.mark.parametrize(
    ("count", "shares", "expected"),
    [
        (3, (0.1, 0.1), [1, 1, 1]),
        (4, (0.05, 0.9), [1, 1, 2]),
        (4, (0.9, 0.05), [1, 2, 1]),
        (30, (0.01, 0.01), [28, 1, 1]),
    ],
)
def test_small_groups_and_shares_leave_no_side_empty(count, shares, expected):
    sides = share_sides(["a"] * count, *shares, 0)
    assert [sides.count(side) for side in range(3)] == expected


def test_shares_draw_by_their_seed():
    groups = ["a"] * 40
    first, second = (share_sides(groups, 0.2, 0.2, seed) for seed in (0, 1))
    assert sorted(first) == sorted(second)
    assert first != second


def test_recording_may_be_ten_times_as_long_as_half_of_them_and_no_longer():
    names = [f"{i}.wav" for i in range(5)]
    check_lengths([1.0, 1.0, 1.0, 0.5, LONGEST_RATIO], names)
    check_lengths([1.0, 1.0, 1.0, 99.0], names)  # too few to compare
    with pytest.raises(DataError, match=r"3\.wav lasts 10\.5 s, half .* at most 1\.0 s; cut it"):
        check_lengths([1.0, 1.0, 1.0, LONGEST_RATIO + 0.5, 0.5], names)


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


def test_input_is_a_file_or_every_wav_file_below_a_folder(tmp_path):
    touch(tmp_path, "b/c.wav", "notes.txt", ".x.wav")
    write_wav(tmp_path / "a.wav", np.linspace(-1, 1, 9))
    content = (tmp_path / "a.wav").read_bytes()
    assert wav_rows(tmp_path / "a.wav") == [("a.wav", content)]
    assert wav_rows(tmp_path) == [("a.wav", content), ("b/c.wav", b"")]
    samples = read_at_rate(content, 8000, "a.wav")
    np.testing.assert_allclose(samples, np.linspace(-1, 1, 9), atol=1 / 32768)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty holds no \.wav files"):
        wav_rows(tmp_path / "empty")
