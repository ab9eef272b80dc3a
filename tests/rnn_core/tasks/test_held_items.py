"""Items that choose one validation set earlier: the last of each kind, or whole groups."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.errors import ParameterError
from rnn_core.sources.synthetic_digits import SyntheticDigits
from rnn_core.tasks import get_task
from rnn_core.tasks.base.divides import divide
from rnn_core.tasks.base.splits import items_of, last_groups, last_of_each


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=40))
def test_last_of_each_stratum_are_taken_and_as_many_as_are_there_to_choose_by(drawn):
    splits, strata = (torch.tensor(each) for each in zip(*drawn, strict=True))
    train, chosen = items_of(splits, "train").tolist(), items_of(splits, "validation").tolist()
    held = last_of_each(splits, strata).tolist()
    assert held == sorted(set(held))
    assert set(held) <= set(train)
    assert len(held) == min(len(chosen), len(train))
    for stratum in range(4):
        there = [i for i in train if strata[i] == stratum]
        wanted = min(sum(int(strata[i]) == stratum for i in chosen), len(there) // 2)
        assert set(there[len(there) - wanted :]) <= set(held)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 2), min_size=3, max_size=7), st.data())
def test_whole_groups_are_taken_as_many_as_are_there_to_choose_by(of_group, data):
    groups = torch.tensor(data.draw(st.lists(st.integers(0, len(of_group) - 1), min_size=4)))
    splits = torch.tensor(of_group)[groups]
    held = last_groups(splits, groups).tolist()
    train = groups[items_of(splits, "train")].unique().tolist()
    number = len(groups[items_of(splits, "validation")].unique())
    last = train[max(len(train) - number, 0) :] if number else []
    assert held == [i for i, group in enumerate(groups.tolist()) if group in last]


def test_three_speakers_that_take_turns_are_too_few(tmp_path):
    SyntheticDigits(3, 1, noise=0.3, seed=1, numbers=tuple("147")).fetch(tmp_path)
    kind = get_task("speech_recognition")
    data, meta = kind.prepare(tmp_path, kind.DataParameters(num_mels=6, split_by="each_speaker"))
    divide(kind, data, meta, "refit")
    with pytest.raises(ParameterError, match=r"it takes 4 speakers.*there are 3"):
        divide(kind, data, meta, "moved_back")


@pytest.mark.parametrize("take", [0, 1])
def test_by_takes_the_last_takes_of_each_speaker_and_word_choose(tmp_path, take):
    SyntheticDigits(2, 5, noise=0.3, seed=1, numbers=tuple("147")).fetch(tmp_path)
    kind = get_task("speech_recognition")
    asked = kind.DataParameters(num_mels=6, split_by="take", validation=(take,), test=(1 - take,))
    data, meta = kind.prepare(tmp_path, asked)
    moved, _ = divide(kind, data, meta, "moved_back")
    held = items_of(moved["splits"][0], "validation")
    names = sorted(path.name for path in tmp_path.glob("*.wav"))
    assert {names[i].rpartition("_")[2] for i in held.tolist()} == {"4.wav"}
    assert len(held) == len(items_of(data["splits"][0], "validation"))


def test_strings_that_share_their_recordings_cannot_choose_for_one_another(tmp_path):
    SyntheticDigits(2, 5, noise=0.3, seed=1, numbers=tuple("147")).fetch(tmp_path)
    kind = get_task("speech_transcription")
    how = {"num_mels": 6, "strings": (9, 3, 3), "string_words": (1, 2), "split_by": "share"}
    data, meta = kind.prepare(tmp_path, kind.DataParameters(**how))
    with pytest.raises(ParameterError, match=r"joined of the same recordings.*split_by to speaker"):
        divide(kind, data, meta, "moved_back")
