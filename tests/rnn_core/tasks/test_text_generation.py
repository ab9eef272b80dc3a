"""Text generation: tokens, sides, carried state, scores and what is written."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from rnn_core.errors import DataError, ParameterError
from rnn_core.recurrent import Recurrent
from rnn_core.runs import build_model
from rnn_core.tasks import text_generation
from rnn_core.tasks.text_generation import (
    UNKNOWN,
    TextData,
    TextGeneration,
    TextModel,
    join,
    tokenize,
)

TEXT = "".join(f"line {i % 7} says {'abc'[i % 3] * (i % 5)}.\n" for i in range(200))


def prepared(tmp_path, text=TEXT, model=None, **options):
    (tmp_path / "text.txt").write_text(text)
    data, meta = TextGeneration.prepare(tmp_path, TextData(**options))
    model = model or TextModel(hidden_size=6, embedding_size=4, sequence_length=10)
    return TextGeneration(meta, model), data


def decoded(task, tokens):
    return "".join(task.vocabulary[i] for i in tokens.tolist())


def test_sides_are_the_text_in_its_order(tmp_path):
    task, data = prepared(tmp_path)
    sides = [decoded(task, data[split]) for split in ("train", "validation", "test")]
    assert "".join(sides) == TEXT
    assert [len(side) for side in sides[1:]] == [round(len(TEXT) * s) for s in (0.05, 0.10)]


def test_vocabulary_is_that_of_the_training_side_alone(tmp_path):
    task, data = prepared(tmp_path, TEXT + "~" * 100)
    assert "~" not in task.vocabulary
    assert task.vocabulary[0] == UNKNOWN
    assert (data["test"] == 0).sum() == 100


def test_vocabulary_keeps_the_most_frequent_tokens(tmp_path):
    task, _ = prepared(tmp_path, "b b b a a c " * 40, tokens="word", max_vocabulary=3)
    assert task.vocabulary == [UNKNOWN, "b", "a"]


def test_words_and_marks_are_cut_and_joined():
    assert tokenize("He's in,\nisn't he?", "word") == [
        *("He", "'", "s", "in", ",", "\n", "isn", "'", "t", "he", "?")
    ]
    assert join(["He", "is", "in", ",", "\n", "so"], "word") == "He is in,\n so"
    assert join(tokenize("any text\n", "char"), "char") == "any text\n"


def test_batches_continue_each_other_and_predict_the_next_token(tmp_path):
    task, data = prepared(tmp_path)
    batches = list(task.training_batches(data, 4, torch.Generator().manual_seed(2)))
    assert len(batches) == task.num_batches(data, 4)
    text = decoded(task, data["train"])
    for row in range(4):
        inputs = decoded(task, torch.cat([inputs[row] for inputs, _ in batches]))
        targets = decoded(task, torch.cat([targets[row] for _, targets in batches]))
        assert inputs in text
        assert inputs[1:] == targets[:-1]
    starts = [
        decoded(task, next(task.training_batches(data, 4, torch.Generator().manual_seed(s)))[0][0])
        for s in range(5)
    ]
    assert len(set(starts)) > 1


def test_text_shorter_than_a_batch_is_refused(tmp_path):
    task, data = prepared(tmp_path)
    with pytest.raises(ParameterError, match="fewer than batch_size x sequence_length = 10000"):
        next(task.training_batches(data, 1000, torch.Generator()))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_training_carries_the_state_but_not_the_gradient(tmp_path, cell):
    task, data = prepared(tmp_path)
    model = build_model(task, cell)
    first, second = list(task.training_batches(data, 2, torch.Generator()))[:2]
    _, state = task.loss(model, first, None)
    loss, _ = task.loss(model, second, state)
    inputs, targets = (torch.cat(pair, dim=1) for pair in zip(first, second, strict=True))
    logits, _ = model(inputs)
    expected = functional.cross_entropy(logits[:, 10:].flatten(0, 1), targets[:, 10:].flatten())
    torch.testing.assert_close(loss, expected)
    parts = state if isinstance(state, tuple) else (state,)
    assert not any(part.requires_grad for part in parts)


def test_score_is_the_cross_entropy_of_reading_the_side_in_one_go(tmp_path):
    task, data = prepared(tmp_path)
    model = build_model(task, "gru").eval()
    tokens = data["test"].long()
    with torch.inference_mode():
        logits, _ = model(tokens[None, :-1])
        expected = functional.cross_entropy(logits[0].double(), tokens[1:])
        scores = task.scores(model, data, "test")
    assert scores.mean == pytest.approx(float(expected), rel=1e-6)
    assert scores.weights.sum() == len(tokens) - 1


def test_long_text_is_scored_in_streams_that_leave_out_nothing(tmp_path, monkeypatch):
    task, data = prepared(tmp_path)
    model = build_model(task, "lstm").eval()
    monkeypatch.setattr(text_generation, "STREAM_TOKENS", 100)
    monkeypatch.setattr(text_generation, "ITEM_TOKENS", 30)
    tokens = data["test"].long()
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(tokens) - 1, 100):
            stream = tokens[start : start + 101]
            logits, _ = model(stream[None, :-1])
            total += float(
                functional.cross_entropy(logits[0].double(), stream[1:], reduction="sum")
            )
        scores = task.scores(model, data, "test")
    assert scores.mean == pytest.approx(total / (len(tokens) - 1), rel=1e-6)
    assert scores.weights.max() == 30


def test_baselines_match_counting(tmp_path):
    task, data = prepared(tmp_path)
    train, test = data["train"].tolist(), data["test"].tolist()
    size = len(task.vocabulary)
    unigram = [(train.count(i) + 1) / (len(train) + size) for i in range(size)]
    pairs = list(pairwise(train))
    bigram = [
        (pairs.count((a, b)) + unigram[b]) / (train[:-1].count(a) + 1) for a, b in pairwise(test)
    ]
    baselines = task.baselines(data)
    assert baselines["unigram"] == pytest.approx(-np.mean([math.log(unigram[b]) for b in test[1:]]))
    assert baselines["bigram"] == pytest.approx(-np.mean(np.log(bigram)))


def test_optimum_is_the_entropy_of_the_scored_tokens(tmp_path):
    np.save(tmp_path / "log_probability.npy", -np.arange(len(TEXT), dtype=np.float64))
    task, data = prepared(tmp_path)
    last = np.arange(len(TEXT))[-(len(data["test"]) - 1) :]
    assert task.optimum() == pytest.approx(last.mean())


def test_model_of_the_introduction_is_reachable_by_parameters(tmp_path):
    """Text generation: embedding 128, hidden 256, vocabulary 10,000."""
    text = " ".join(f"w{i}" for i in range(12_000)) + " end" * 3000
    model = TextModel(embedding_size=128, hidden_size=256, sequence_length=16)
    task, data = prepared(tmp_path, text, model, tokens="word", max_vocabulary=10_000)
    network = build_model(task, "lstm")
    recurrent = next(m for m in network.modules() if isinstance(m, Recurrent))
    assert network.embedding.weight.shape == (10_000, 128)
    assert (recurrent.input_size, recurrent.hidden_size) == (128, 256)
    assert network.sequence.output.weight.shape == (10_000, 256)
    batch = next(task.training_batches(data, 2, torch.Generator()))
    loss, _ = task.loss(network, batch, None)
    assert loss.item() == pytest.approx(math.log(10_000), rel=0.02)
    loss.backward()
    assert all((p.grad != 0).any() for p in network.parameters())


def test_generated_text_follows_the_model_and_the_seed(tmp_path):
    task, _ = prepared(tmp_path)
    model = build_model(task, "gru").eval()
    first = task.generate(model, "line", 30, seed=1)
    assert first == task.generate(model, "line", 30, seed=1)
    assert first != task.generate(model, "line", 30, seed=2)
    assert first.startswith("line")
    assert len(first) == 34
    greedy = task.generate(model, "line", 3, temperature=0)
    tokens = torch.tensor([[task.index[c] for c in greedy[:-1]]])
    logits = model(tokens)[0][0, -1]
    logits[0] = -math.inf
    assert task.vocabulary[int(logits.argmax())] == greedy[-1]
    assert UNKNOWN not in task.generate(model, "line", 300, temperature=5.0)


def test_answer_writes_on_from_each_prompt(tmp_path):
    task, _ = prepared(tmp_path)
    model = build_model(task, "gru").eval()
    answer = task.answer(model, pd.DataFrame({"prompt": ["line", "says"]}))
    assert [text[:4] for text in answer["text"]] == ["line", "says"]
    with pytest.raises(DataError, match="no column 'prompt'"):
        task.answer(model, pd.DataFrame({"text": ["x"]}))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda p: None, "holds 0 .txt files"),
        (lambda p: (p / "a.txt").write_bytes(b"ok \xff"), "a.txt is not UTF-8 at byte 3"),
        (lambda p: (p / "a.txt").write_text("short"), "the text is too short"),
        (lambda p: [(p / n).write_text("x") for n in ("a.txt", "b.txt")], "holds 2 .txt files"),
    ],
)
def test_unusable_text_is_refused(tmp_path, write, message):
    write(tmp_path)
    with pytest.raises(DataError, match=message.replace(".", r"\.")):
        TextGeneration.prepare(tmp_path, TextData())


def test_windows_line_ends_and_byte_order_mark_are_taken_off(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffone\r\ntwo\r\n".encode() * 1 + b"three\r\n" * 30)
    _, meta = TextGeneration.prepare(tmp_path, TextData())
    assert "\r" not in meta["vocabulary"]
    assert "\ufeff" not in meta["vocabulary"]
