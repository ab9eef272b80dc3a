"""Texts cut into subwords: scores by characters, and texts that are written on from anywhere."""

import math
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_core.baselines.ngrams import kneser_ney
from rnn_core.errors import DataError, ParameterError
from rnn_core.parameters import parse
from rnn_core.tasks.base.divides import divide
from rnn_core.tasks.base.rescores import known_again
from rnn_core.tasks.text_generation import write
from rnn_core.tasks.text_generation.learn import TextModel
from rnn_core.tasks.text_generation.parameters import TextData
from rnn_core.tasks.text_generation.scoring import ITEM_CHARACTERS, score_characters
from rnn_core.tasks.text_generation.task import TextGeneration
from rnn_core.tasks.text_generation.write import TextAnswer
from rnn_core.training.models import build_model

WORDS = ("the table", "a stable", "Tisch", "los niños", "tables\n", "été,", "nine  times", "end.\n")


def text_of(number, seed=0):
    draw = random.Random(seed)
    return " ".join(draw.choice(WORDS) for _ in range(number))


def prepared(folder, text, **parameters):
    folder.mkdir(exist_ok=True)
    (folder / "t.txt").write_text(text)
    asked = TextData(**{"tokens": "subword", "max_vocabulary": 330, **parameters})
    data, meta = TextGeneration.prepare(folder, asked)
    task = TextGeneration(meta, TextModel(hidden_size=8, embedding_size=6, sequence_length=8))
    return task, build_model(task, "gru").eval(), data


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    return prepared(tmp_path_factory.mktemp("some"), text_of(900))


def log_probabilities(model, tokens):
    """Of each token after the first, step by step."""
    state, found = None, []
    with torch.inference_mode():
        for token, following in pairwise(tokens):
            logits, state = model.step(torch.tensor([token]), state)
            found.append(float(logits[0].log_softmax(dim=-1)[following]))
    return found


def test_nats_of_a_text_are_those_of_its_subwords_step_by_step(float64, tmp_path):
    text = text_of(900)
    task, model, data = prepared(tmp_path / "a", text)
    test = text[-round(0.1 * len(text)) :]
    tokens = [task.line_break, *task.subwords.encode(test)]
    with torch.inference_mode():
        scores = task.scores(model, data, "test")
    expected = -math.fsum(log_probabilities(model, tokens))
    assert float(scores.values @ scores.weights) == pytest.approx(expected, rel=1e-9)
    assert float(scores.weights.sum()) == len(test) == task.meta.characters["test"]
    assert scores.overall == pytest.approx(expected / len(test), rel=1e-9)
    assert scores.others["bits_per_character"] == pytest.approx(expected / len(test) / math.log(2))
    assert scores.others["nats_per_token"] == pytest.approx(expected / (len(tokens) - 1))
    assert task.metric.name == "nats_per_character"


class Even:
    """Says that all tokens are alike likely."""

    def __init__(self, size):
        self.size = size

    def __call__(self, tokens, state):
        return torch.zeros(*tokens.shape, self.size, dtype=torch.float64), state


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 16), min_size=1, max_size=900), st.integers(2, 50))
def test_items_are_of_so_many_characters_however_they_are_cut(lengths, size):
    lengths[0] = max(lengths[0], 1)
    tokens = torch.zeros(len(lengths) + 1, dtype=torch.int64)
    values, weights = score_characters(Even(size), tokens, size, torch.tensor(lengths))
    total = sum(lengths)
    assert len(weights) == math.ceil(total / ITEM_CHARACTERS)
    assert weights[:-1].eq(ITEM_CHARACTERS).all() and float(weights.sum()) == total
    starts = np.cumsum([0, *lengths])[:-1]
    items = np.minimum(starts // ITEM_CHARACTERS, len(weights) - 1)
    expected = np.bincount(items, minlength=len(weights)) * math.log(size) / weights.numpy()
    assert values.numpy() == pytest.approx(expected)


def test_models_of_other_subwords_are_scored_on_the_same_characters(tmp_path):
    task, model, _ = prepared(tmp_path / "a", text_of(900, 1) + "Ω", max_vocabulary=300)
    newer, other, _ = prepared(tmp_path / "b", text_of(3000, 2), max_vocabulary=360)
    asked, raw = newer.meta.parameters, tmp_path / "b"
    with torch.inference_mode():
        ours = task.rescore(model, raw, asked, 0, newer.meta)
        theirs = newer.rescore(other, raw, asked, 0, task.meta)
        own = newer.scores(other, TextGeneration.prepare(raw, asked)[0], "test")
    assert torch.equal(ours.weights, theirs.weights) and len(ours.weights) > 1
    assert torch.equal(theirs.values, own.values)
    marks = newer.marks(raw, asked, 0)
    assert len(marks["test"]) == len(own.values)
    assert known_again(marks["test"], marks["test"].ravel()).all()


def test_baselines_are_by_characters_too(some):
    task, _, data = some
    counts = torch.bincount(data["train"].long(), minlength=len(task.vocabulary)).double() + 1
    nats = -(counts / counts.sum())[data["test"][1:].long()].log().sum()
    found = task.baselines(data)
    assert found["unigram"] == pytest.approx(float(nats) / task.meta.characters["test"])
    splits = [data[split].long().numpy() for split in ("train", "validation", "test")]
    each = kneser_ney(*splits, len(task.vocabulary), 8) * (len(splits[2]) - 1)
    assert found["n_gram"] == pytest.approx(each / task.meta.characters["test"])


def test_the_best_that_is_possible_is_by_characters(tmp_path):
    text = text_of(400)
    logs = np.linspace(-2, -1, len(text))
    np.save(tmp_path / "log_probability.npy", logs)
    task, _, _ = prepared(tmp_path, text)
    assert task.optimum() == pytest.approx(-logs[-round(0.1 * len(text)) :].mean())


def test_nothing_is_unknown_and_each_split_is_its_text(tmp_path):
    text = text_of(700) + "Ω\t▁ 漢字\u3000👩‍🔬 \n"
    task, _, data = prepared(tmp_path / "a", text)
    splits = [task.text_of(data[split].tolist()[1:]) for split in ("train", "validation", "test")]
    assert "".join(splits) == text
    assert all((tokens > 0).all() for tokens in data.values())
    assert task.meta.unknown == {"train": 0, "validation": 0, "test": 0}


def test_subwords_are_learned_from_the_training_split_alone(tmp_path):
    text = text_of(900)
    trained = len(text) - 2 * round(0.1 * len(text))
    other = text[:trained] + "zq" * len(text)
    found = [
        prepared(tmp_path / name, whole[: len(text)], validation_share=0.1)[0].meta.subwords
        for name, whole in (("a", text), ("b", other))
    ]
    assert found[0] == found[1]


def test_the_last_of_the_training_split_chooses(some):
    task, model, data = some
    moved, meta = divide(TextGeneration, data, task.meta, "moved_back")
    with torch.inference_mode():
        scores = TextGeneration(meta, task.model).scores(model, moved, "validation")
    assert float(scores.weights.sum()) == len(task.text_of(moved["validation"].tolist()[1:]))
    train = task.text_of([*moved["train"].tolist()[1:], *moved["validation"].tolist()])
    assert train == task.text_of(data["train"].tolist()[1:])


# --- Writing ---


@settings(max_examples=60, deadline=None, derandomize=True)
@given(prompt=st.text(st.sampled_from("the tabl\nΩñ▁漢👩‍.,"), max_size=12), seed=st.integers(0, 9))
def test_any_prompt_is_written_on_as_it_is(some, prompt, seed):
    task, model, _ = some
    how = TextAnswer(num_tokens=12, seed=seed)
    pieces = list(task.stream(model, prompt, how))
    assert all(pieces)
    assert task.generate(model, prompt, how) == prompt + "".join(pieces)


def saying(monkeypatch, tokens, size):
    """A model that is sure of these tokens, one after another."""
    said = iter(tokens)

    def advance(model, read, state):
        logits = torch.zeros(size)
        logits[next(said)] = 20.0
        return logits, state

    monkeypatch.setattr(write, "advance", advance)


@pytest.mark.parametrize(
    ("prompt", "rest"),
    [
        ("the ta", "ble"),
        ("the ", "table"),
        ("the", " table"),
        ("Tisch t", "able"),
        ("the\n", " table"),
    ],
)
def test_a_word_that_a_prompt_begins_goes_on_as_one_subword(some, monkeypatch, prompt, rest):
    """In texts, `the ta` is followed by nothing: there, ` table` is one subword."""
    task, model, _ = some
    first = [] if prompt != "the" else task.subwords.encode("the")
    said = [*first, *[task.spelled.index(b" table")] * 9]
    saying(monkeypatch, said, len(task.vocabulary))
    read, held = task.read_prompt(prompt)
    assert task.text_of(read) + held.decode() == "\n" + prompt
    how = TextAnswer(num_tokens=1, temperature=0)
    assert "".join(task.stream(model, prompt, how)) == rest


def test_of_a_long_word_the_last_subword_may_go_on(some):
    task, _, _ = some
    read, held = task.read_prompt("漢" * 30)
    assert len(read) == 90 and held == "漢".encode()[-1:]


def test_a_character_comes_whole(some, monkeypatch):
    task, model, _ = some
    spelled = [task.spelled.index(bytes([byte])) for byte in "Ω漢".encode()]
    saying(monkeypatch, [*spelled, spelled[0]], len(task.vocabulary))
    how = TextAnswer(num_tokens=6, temperature=0)
    assert list(task.stream(model, "", how)) == ["Ω", "漢", "\ufffd"]


def test_stops_penalties_and_nuclei_hold_for_subwords(some):
    task, model, _ = some
    how = TextAnswer(num_tokens=60, seed=4, top_p=0.8, repetition_penalty=1.3)
    whole = task.generate(model, "a ", how)[2:]
    stop = whole[9:13]
    cut = replace(how, stop=(stop, "neither"))
    assert task.generate(model, "a ", cut) == "a " + whole[: whole.find(stop)]


def test_the_penalty_spares_the_line_break_before_a_prompt(some, monkeypatch):
    task, model, _ = some
    seen = []
    monkeypatch.setattr(write, "sample", lambda *given: seen.append(list(given[4])) or 65)
    list(task.stream(model, "the table ", TextAnswer(num_tokens=2)))
    assert seen[0] == task.subwords.encode("the table")
    assert task.line_break not in seen[-1]


# --- What is said and suggested ---


def test_what_was_understood_and_what_is_suggested(tmp_path):
    task, _, data = prepared(tmp_path, text_of(900))
    told = TextGeneration.understand(tmp_path, data, task.meta)
    assert f"{len(task.vocabulary) - 1:,} different subwords that a model knows" in told.read
    found = TextGeneration.suggest(tmp_path, {"tokens": "subword"})
    assert found["data"] == {"tokens": "subword", "max_vocabulary": 600}
    assert parse(TextData, found["data"], "").tokens == "subword"
    asked = TextGeneration.suggest(tmp_path, {"tokens": "subword", "max_vocabulary": 400})
    assert asked["data"]["max_vocabulary"] == 400


def test_too_few_subwords_are_refused():
    with pytest.raises(ParameterError, match="max_vocabulary must be at least 300"):
        parse(TextData, {"tokens": "subword", "max_vocabulary": 299}, "")


def test_a_training_split_of_blanks_is_refused(tmp_path):
    with pytest.raises(DataError, match="nothing but white space; is it the right file"):
        prepared(tmp_path / "a", "\t \n" * 200 + "word " * 20)
