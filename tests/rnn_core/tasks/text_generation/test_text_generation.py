"""Text generation: tokens, splits, carried state, scores and models."""

import math
import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from usual_text_generation import TEXT, decoded, prepared

from rnn_core.baselines.ngrams import kneser_ney
from rnn_core.errors import ParameterError
from rnn_core.features.words import UNKNOWN
from rnn_core.layers.recurrent import Recurrent
from rnn_core.models.language_model import LanguageModel
from rnn_core.tasks.text_generation import scoring
from rnn_core.tasks.text_generation.learn import TextModel
from rnn_core.tasks.text_generation.parameters import TextData
from rnn_core.tasks.text_generation.task import TextGeneration
from rnn_core.tasks.text_generation.tokens import tokenize
from rnn_core.training.models import build_model


def test_splits_are_the_text_in_its_order(tmp_path):
    task, data = prepared(tmp_path)
    splits = [decoded(task, data[split]) for split in ("train", "validation", "test")]
    assert "".join(splits) == TEXT
    assert [len(split) for split in splits[1:]] == [round(len(TEXT) * s) for s in (0.05, 0.10)]


def test_vocabulary_is_that_of_the_training_split_alone(tmp_path):
    task, data = prepared(tmp_path, TEXT + "~" * 100)
    assert "~" not in task.vocabulary
    assert task.vocabulary[0] == UNKNOWN
    assert (data["test"] == 0).sum() == 100


def test_vocabulary_keeps_the_most_frequent_tokens(tmp_path):
    task, _ = prepared(tmp_path, "b b b a a c " * 40, tokens="word", max_vocabulary=3)
    assert task.vocabulary == [UNKNOWN, " b", " a"]


@pytest.mark.parametrize(("kind", "strange"), [("char", "~"), ("word", " ~")])
def test_what_is_not_trained_on_changes_no_vocabulary(tmp_path, kind, strange):
    task, data = prepared(tmp_path, tokens=kind)
    tokens = tokenize(TEXT, kind)
    for place in range(len(data["train"]), len(tokens), 3):
        tokens[place] = strange
    other, tampered = prepared(tmp_path, "".join(tokens), tokens=kind)
    assert other.vocabulary == task.vocabulary
    assert torch.equal(tampered["train"], data["train"])
    for split in ("validation", "test"):
        assert other.meta.unknown[split] == pytest.approx(len(data[split]) / 3, abs=1)


def test_words_keep_the_space_before_them():
    assert tokenize("He's in,\n  isn't  he?", "word") == [
        *("He", "'", "s", " in", ",", "\n", " ", " isn", "'", "t", " ", " he", "?")
    ]


@pytest.mark.parametrize("kind", ["char", "word"])
def test_joined_tokens_are_the_text_again(kind):
    draw = random.Random(4)
    for _ in range(200):
        text = "".join(draw.choices("ab1_ é,.'\n\t—汉 ", k=30))
        assert "".join(tokenize(text, kind)) == text


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


class Largest(TorchFunctionMode):
    """Notes how many numbers of eight bytes an operation makes at most."""

    numbers = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and out.dtype == torch.long:
            self.numbers = max(self.numbers, out.numel())
        return out


def test_tokens_of_a_batch_alone_are_made_long(tmp_path):
    """As a whole, a text of 50 MB took 400 MB more in each training."""
    task, data = prepared(tmp_path)
    with Largest() as largest:
        batches = list(task.training_batches(data, 4, torch.Generator().manual_seed(2)))
    assert len(batches) > 2
    assert {part.dtype for batch in batches for part in batch} == {torch.long}
    assert largest.numbers == batches[0][0].numel()


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


def test_score_is_the_cross_entropy_of_reading_the_split_in_one_go(tmp_path):
    task, data = prepared(tmp_path)
    model = build_model(task, "gru").eval()
    tokens = data["test"].long()
    with torch.inference_mode():
        logits, _ = model(tokens[None, :-1])
        expected = functional.cross_entropy(logits[0].double(), tokens[1:])
        scores = task.scores(model, data, "test")
    assert scores.overall == pytest.approx(float(expected), rel=1e-6)
    assert scores.weights.sum() == len(tokens) - 1


def test_long_text_is_scored_in_streams_that_leave_out_nothing(tmp_path, monkeypatch):
    task, data = prepared(tmp_path)
    model = build_model(task, "lstm").eval()
    monkeypatch.setattr(scoring, "STREAM_TOKENS", 100)
    monkeypatch.setattr(scoring, "ITEM_TOKENS", 30)
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
    assert scores.overall == pytest.approx(total / (len(tokens) - 1), rel=1e-6)
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
    splits = (data[split].long().numpy() for split in ("train", "validation", "test"))
    assert baselines["n_gram"] == pytest.approx(kneser_ney(*splits, size, 8))
    assert baselines["n_gram"] < baselines["bigram"] < baselines["unigram"]


def test_scores_do_not_depend_on_what_is_scored_beside_them(tmp_path, monkeypatch):
    task, data = prepared(tmp_path)
    model = build_model(task, "gru").eval()
    monkeypatch.setattr(scoring, "STREAM_TOKENS", 60)
    monkeypatch.setattr(scoring, "ITEM_TOKENS", 20)
    with torch.inference_mode():
        whole = task.scores(model, data, "test").values
        changed = data["test"].clone()
        changed[61:] = changed[61:].flip(0)
        other = task.scores(model, {"test": changed}, "test").values
        torch.testing.assert_close(other[:3], whole[:3], rtol=0, atol=0)
        assert (other[3:9] != whole[3:9]).any()
        alone = task.scores(model, {"test": data["test"][:61]}, "test").values
        torch.testing.assert_close(alone, whole[:3], rtol=1e-6, atol=0)
        monkeypatch.setattr(scoring, "SCORED_LOGITS", 1)
        apart = task.scores(model, data, "test").values
    torch.testing.assert_close(apart, whole, rtol=1e-6, atol=0)


def test_scores_per_character_are_the_length_of_a_code_for_the_text(tmp_path):
    """Of two texts that differ in an unknown word, by its spelling alone."""
    task, data = prepared(tmp_path, TEXT + "line zebra", tokens="word")
    text = TEXT + "line zebra"
    model = build_model(task, "gru").eval()
    with torch.inference_mode():
        scores = task.scores(model, data, "test")
    train = tokenize(text, "word")[: len(data["train"])]
    counts = Counter("".join(train))
    total, share = len("".join(train)) + len(train) + 1, 1 / 0x110001
    spelled = -sum(math.log((counts[c] + share) / total) for c in " zebra")
    spelled -= math.log((len(train) + share) / total)
    tokens = tokenize(text, "word")[-len(data["test"]) + 1 :]
    nats = scores.overall * len(tokens)
    per_character = (nats + spelled) / len("".join(tokens))
    assert scores.others["nats_per_character"] == pytest.approx(per_character, rel=1e-9)
    assert scores.others["bits_per_character"] == pytest.approx(per_character / math.log(2))
    assert scores.others["perplexity"] == pytest.approx(math.exp(scores.overall))
    assert scores.others["unknown_share"] == pytest.approx(1 / len(tokens))


def test_characters_that_are_all_known_cost_what_tokens_cost(tmp_path):
    task, data = prepared(tmp_path)
    with torch.inference_mode():
        scores = task.scores(build_model(task, "gru").eval(), data, "validation")
    assert scores.others["nats_per_character"] == pytest.approx(scores.overall, rel=1e-12)


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


def test_tied_weights_are_one_matrix_for_both_ends(tmp_path):
    model = TextModel(hidden_size=6, embedding_size=4, sequence_length=10, tie_weights=True)
    task, data = prepared(tmp_path, model=model)
    network = build_model(task, "gru")
    assert isinstance(network, LanguageModel)
    torch.nn.init.normal_(network.bias, std=0.1)
    size = len(task.vocabulary)
    assert sum(p.shape[0] == size for p in network.parameters() if p.ndim == 2) == 1
    tokens = data["train"][None, :20].long()
    outputs, _ = network.sequence.recurrent(network.embedding(tokens))
    linear = network.sequence.output
    features = outputs @ linear.weight.T + linear.bias
    expected = features @ network.embedding.weight.T + network.bias
    torch.testing.assert_close(network(tokens)[0], expected)
    loss, _ = task.loss(network, next(task.training_batches(data, 2, torch.Generator())), None)
    assert loss.item() == pytest.approx(math.log(size), rel=0.1)


def test_embeddings_are_dropped_by_their_own_share(tmp_path):
    model = TextModel(embedding_size=400, sequence_length=10, embedding_dropout=0.25)
    task, _ = prepared(tmp_path, model=model)
    network = build_model(task, "gru")
    seen = []
    network.sequence.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    network(torch.ones(1, 50, dtype=torch.long))
    assert float((seen[0] == 0).double().mean()) == pytest.approx(0.25, abs=0.02)


def test_sequence_longer_than_the_text_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="sequence_length 5000 is more than"):
        prepared(tmp_path, model=TextModel(sequence_length=5000))


def test_line_ends_of_windows_and_old_macs_and_byte_order_mark_are_taken_off(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffone\r\ntwo\r\n".encode() + b"three\r" * 30)
    _, meta = TextGeneration.prepare(tmp_path, TextData())
    assert "\r" not in meta.vocabulary
    assert meta.characters["train"] + 1 == meta.items["train"]
    assert sum(meta.items.values()) == len("one\ntwo\n" + "three\n" * 30)
    assert "\ufeff" not in meta.vocabulary
