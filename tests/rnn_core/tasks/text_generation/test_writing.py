"""Continuation of a text: sampling, penalties, and its end."""

import math
import random
import re

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from rnn_core.errors import DataError, ParameterError
from rnn_core.parameters import parse
from rnn_core.tasks.text_generation.learn import TextModel
from rnn_core.tasks.text_generation.parameters import TextData
from rnn_core.tasks.text_generation.task import TextGeneration
from rnn_core.tasks.text_generation.write import TextAnswer, nucleus, sample, until
from rnn_core.training.models import build_model


@given(
    st.lists(st.floats(-6, 6, width=32), min_size=2, max_size=12, unique=True),
    st.floats(0.01, 1, exclude_max=True),
)
def test_a_nucleus_is_the_fewest_likeliest_tokens_that_add_up(logits, top_p):
    chances = torch.tensor(logits, dtype=torch.float64).softmax(0)
    kept, total = set(), 0.0
    for place in sorted(range(len(logits)), key=lambda i: -float(chances[i])):
        if total >= top_p:
            break
        kept.add(place)
        total += float(chances[place])
    found = nucleus(chances, top_p)
    assert set(found.nonzero().flatten().tolist()) == kept
    assert all(float(found[i]) == float(chances[i]) for i in kept)


def drawn(logits, number=4000, there=(), **how):
    generator = torch.Generator().manual_seed(0)
    parameters = TextAnswer(**how)
    found = [sample(logits, parameters, generator, 0, there) for _ in range(number)]
    return np.bincount(found, minlength=len(logits)) / number


def test_only_the_nucleus_is_drawn_in_its_proportions():
    logits = torch.tensor([9.0, math.log(0.5), math.log(0.3), math.log(0.15), math.log(0.05)])
    assert drawn(logits, top_p=0.75) == pytest.approx([0, 0.625, 0.375, 0, 0], abs=0.03)
    assert drawn(logits, top_p=0.01) == pytest.approx([0, 1, 0, 0, 0])


@pytest.mark.parametrize("shift", [0.0, 50.0, -50.0])
def test_a_penalty_multiplies_log_probabilities_of_what_is_there(shift):
    probabilities = np.array([0.4, 0.3, 0.2, 0.1])
    logits = torch.tensor([-math.inf, *np.log(probabilities)], dtype=torch.float64) + shift
    weights = np.where([True, False, True, False], probabilities**1.7, probabilities)
    found = drawn(logits, there=[1, 3, 1], repetition_penalty=1.7)
    assert found[1:] == pytest.approx(weights / weights.sum(), abs=0.03)
    likeliest = sample(logits, TextAnswer(temperature=0, repetition_penalty=1.7), None, 0, [1])
    assert likeliest == 2


@pytest.mark.parametrize("penalty", [1e20, 1e39, 1e308])
def test_any_penalty_leaves_something_to_draw(penalty):
    """One that takes all logarithms out of range left nothing, and drawing failed."""
    logits = torch.tensor([3.0, 1.0, 0.5, -2.0])
    with_rest = drawn(logits, 50, there=[1, 2], repetition_penalty=penalty)
    assert with_rest == pytest.approx([0, 0, 0, 1])
    all_there = drawn(logits, 50, there=[0, 1, 2, 3], repetition_penalty=penalty)
    assert all_there[0] == 0 and all_there.sum() == 1


def cut(text, stops):
    """A text up to where the first stop that is complete begins, found letter by letter."""
    for end in range(len(text) + 1):
        ended = [stop for stop in stops if text[:end].endswith(stop)]
        if ended:
            return text[: end - max(map(len, ended))]
    return text


@given(
    st.lists(st.text("ab\n", max_size=4), max_size=12),
    st.lists(st.text("ab\n", min_size=1, max_size=4), min_size=1, max_size=4),
)
@example(["abb"], ["abb", "b"])
def test_pieces_end_where_the_first_stop_begins_and_none_is_lost(pieces, stops):
    written = list(until(pieces, stops))
    assert "".join(written) == cut("".join(pieces), stops)
    assert all(written)


@given(
    st.text("ab\n", max_size=16),
    st.lists(st.text("ab\n", min_size=1, max_size=4), min_size=1, max_size=4),
)
def test_nothing_of_a_stop_is_printed_and_nothing_else_is_waited_for(text, stops):
    """After each letter, all is printed but what may still turn out to be a stop."""
    goes_on = cut(text, stops) == text
    told, pieces = "", []
    for place, piece in enumerate(until(recorded(text, pieces), stops)):
        told += piece
        read = "".join(pieces)
        held = read[len(told) :]
        assert read.startswith(told), place
        assert not held or any(stop.startswith(held) for stop in stops) or read == text
    assert not goes_on or told == text


def recorded(text, pieces):
    """The letters of a text, each noted when it is asked for."""
    for letter in text:
        pieces.append(letter)
        yield letter


def test_pieces_come_as_soon_as_they_are_no_beginning_of_the_stop():
    asked = []

    def pieces():
        for piece in ("one", " E", "N", "d", " END"):
            asked.append(piece)
            yield piece

    stream = until(pieces(), ["END", "One"])
    assert next(stream) == "one" and asked == ["one"]
    assert next(stream) == " " and asked == ["one", " E"]
    assert "".join(stream) == "ENd "


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"seed": 2**64}, "seed must be below 2"),
        ({"seed": -1}, "seed must not be negative"),
        ({"top_p": 0.0}, "top_p must be above 0, and 1 at most, not 0.0"),
        ({"top_p": 1.5}, "top_p must be above 0"),
        ({"top_p": math.nan}, "top_p must be above 0"),
        ({"repetition_penalty": 0.5}, "repetition_penalty must be at least 1"),
        ({"repetition_penalty": math.inf}, "repetition_penalty must be at least 1"),
        ({"stop": 3}, "stop"),
        ({"stop": ["a", 3]}, "stop"),
    ],
)
def test_what_cannot_be_asked_is_refused(setting, message):
    with pytest.raises(ParameterError, match=message):
        parse(TextAnswer, setting, "", "--set")


@pytest.fixture
def writer(tmp_path):
    draw = random.Random(0)
    (tmp_path / "t.txt").write_text("".join(draw.choice("abcd \n") for _ in range(600)))
    _, meta = TextGeneration.prepare(tmp_path, TextData())
    task = TextGeneration(meta, TextModel(hidden_size=8, embedding_size=4, sequence_length=8))
    return task, build_model(task, "gru").eval()


def test_the_largest_seed_writes(writer):
    task, model = writer
    assert len(task.generate(model, "a", TextAnswer(seed=2**64 - 1, num_tokens=5))) == 6


def test_a_text_that_stops_is_the_beginning_of_one_that_goes_on(writer):
    task, model = writer
    whole = task.generate(model, "ab", TextAnswer(num_tokens=80, seed=3))
    for stop in ("\n", "d", whole[20:23]):
        how = TextAnswer(num_tokens=80, seed=3, stop=stop)
        assert task.generate(model, "ab", how) == "ab" + whole[2:].split(stop)[0]
    several = TextAnswer(num_tokens=80, seed=3, stop=("d", "", "\n"))
    assert task.generate(model, "ab", several) == "ab" + re.split("[d\n]", whole[2:])[0]


def test_a_prompt_that_cannot_be_read_is_refused_before_anything_comes(writer):
    task, model = writer
    with pytest.raises(DataError, match="character 2 of the prompt is 'Ω'"):
        next(task.stream(model, "aΩ", TextAnswer(stop="x")))
