"""Text generation: tokens, splits, carried state, scores and what is written."""

import itertools
import math
import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from rnn_core.baselines.ngrams import kneser_ney
from rnn_core.errors import DataError, ParameterError
from rnn_core.features.words import UNKNOWN
from rnn_core.layers.recurrent import Recurrent
from rnn_core.models.language_model import LanguageModel
from rnn_core.tasks.text_generation import (
    TextAnswer,
    TextData,
    TextGeneration,
    TextModel,
    scoring,
)
from rnn_core.tasks.text_generation.tokens import tokenize
from rnn_core.tasks.text_generation.write import sample
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.models import build_model

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
    sides = (data[split].long().numpy() for split in ("train", "validation", "test"))
    assert baselines["n_gram"] == pytest.approx(kneser_ney(*sides, size, 8))
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


def test_generated_text_follows_the_model_and_the_seed(tmp_path):
    task, _ = prepared(tmp_path)
    model = build_model(task, "gru").eval()
    first = task.generate(model, "line", TextAnswer(num_tokens=30, seed=1))
    assert first == task.generate(model, "line", TextAnswer(num_tokens=30, seed=1))
    assert first != task.generate(model, "line", TextAnswer(num_tokens=30, seed=2))
    assert first.startswith("line")
    assert len(first) == 34
    greedy = task.generate(model, "line", TextAnswer(num_tokens=3, temperature=0.0))
    tokens = torch.tensor([[task.index[c] for c in greedy[:-1]]])
    logits = model(tokens)[0][0, -1]
    logits[0] = -math.inf
    assert task.vocabulary[int(logits.argmax())] == greedy[-1]
    assert UNKNOWN not in task.generate(model, "line", TextAnswer(temperature=5.0))


@pytest.mark.parametrize(("kind", "num_prompt", "written"), [("char", 16, 300), ("word", 4, 60)])
def test_illustration_is_what_is_written_on_from_lines_of_the_side(
    tmp_path, kind, num_prompt, written
):
    task, data = prepared(tmp_path, tokens=kind)
    model = build_model(task, "gru").eval()
    lines = decoded(task, data["test"]).split("\n")[1:]
    shown = task.illustrate(model, data, "test")
    assert shown["kind"] == "text"
    first, middle = (text["prompt"] for text in shown["texts"])
    assert [len(tokenize(prompt, kind)) for prompt in (first, middle)] == [num_prompt] * 2
    assert lines[0].startswith(first.partition("\n")[0])
    assert lines[len(lines) // 2 - 1].startswith(middle.partition("\n")[0])
    for seed, text in enumerate(shown["texts"]):
        how = TextAnswer(num_tokens=written, temperature=0.8, seed=seed)
        pieces = list(task.stream(model, text["prompt"], how))
        assert len(pieces) == written
        assert text["text"] == "".join([text["prompt"], *pieces])
    assert task.illustrate(build_model(task, "gru").eval(), data, "test") == shown


SIDES = {
    "lines with unknown tokens": ("line 0\n~ine 1\nline 2\nli~e 3\nline 4\nline 5\n", "line 2"),
    "lines that are cut off": ("says b\nline 1\nlin 2", "line 1"),
    "empty lines": ("line 0\n\n\n\nline 5\nline 6\n", "line 5"),
    "no line break": ("~~~ says aaa, line", " says "),
    "no line that is known": ("\n~\n~\nab~\n~ says~\n~", " says"),
    "nothing that is known": ("~" * 50, ""),
    "a split of two tokens": ("li", "li"),
}


@pytest.mark.parametrize("kind", SIDES)
def test_prompts_start_a_line_and_hold_known_tokens(tmp_path, kind):
    side, first = SIDES[kind]
    task, _ = prepared(tmp_path)
    tokens = torch.tensor([task.index.get(character, 0) for character in side])
    prompts = task.prompts(tokens, len(first) or 6)
    assert prompts[0] == first
    assert all(UNKNOWN not in prompt and prompt in side for prompt in prompts)
    model = build_model(task, "gru").eval()
    for text in task.illustrate(model, {"test": tokens}, "test")["texts"]:
        assert len(text["text"]) == len(text["prompt"]) + 300


def test_pieces_come_as_they_are_written(tmp_path):
    task, _ = prepared(tmp_path)
    model = build_model(task, "gru").eval()
    steps = []
    model.sequence.output.register_forward_hook(
        lambda *_: steps.append(torch.is_inference_mode_enabled())
    )
    pieces = task.stream(model, "li", TextAnswer(num_tokens=9, seed=3))
    some = list(itertools.islice(pieces, 4))
    assert len(steps) == 4
    assert all(steps)
    assert not torch.is_inference_mode_enabled()
    whole = task.generate(model, "li", TextAnswer(num_tokens=9, seed=3))
    assert "".join(["li", *some, *pieces]) == whole


def frequencies(logits, **options):
    generator = torch.Generator().manual_seed(0)
    drawn = [sample(logits, TextAnswer(**options), generator, 0) for _ in range(1000)]
    return torch.bincount(torch.tensor(drawn), minlength=len(logits)).double() / 1000


def test_tokens_are_drawn_as_often_as_the_parameters_say():
    logits = torch.tensor([9.0, 0.0, 1.0, 2.0, -1.0])
    for temperature in (0.5, 1.0, 3.0):
        expected = functional.softmax(logits[1:].double() / temperature, 0)
        drawn = frequencies(logits, temperature=temperature)
        torch.testing.assert_close(drawn[1:], expected, rtol=0, atol=0.05)
        assert drawn[0] == 0
    expected = torch.zeros(5).double()
    expected[2:4] = functional.softmax(logits[2:4].double(), 0)
    torch.testing.assert_close(frequencies(logits, top_k=2), expected, rtol=0, atol=0.05)
    for options in ({"temperature": 1e-310}, {"top_k": 1}, {"temperature": 0.0}):
        assert frequencies(logits, **options)[3] == 1


@pytest.mark.parametrize(
    "wrong", [{"num_tokens": 0}, {"temperature": -0.1}, {"temperature": math.nan}, {"top_k": -1}]
)
def test_impossible_answers_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TextAnswer(**wrong)


def test_answer_writes_on_from_each_prompt(tmp_path):
    task, _ = prepared(tmp_path)
    model = build_model(task, "gru").eval()
    parameters = TextAnswer(num_tokens=7, seed=5)
    answer = task.answer(model, pd.DataFrame({"prompt": ["line", "says", ""]}), parameters)
    assert [text[:4] for text in answer["text"][:2]] == ["line", "says"]
    assert [len(text) for text in answer["text"]] == [11, 11, 7]
    alone = task.answer(model, pd.DataFrame({"prompt": ["says"]}), parameters)
    assert alone["text"][0] == answer["text"][1]
    after_break = task.generate(model, "\n", parameters)
    assert answer["text"][2] == after_break[1:]
    with pytest.raises(DataError, match="no column 'prompt'"):
        task.answer(model, pd.DataFrame({"text": ["x"]}), parameters)


def test_prompt_of_what_was_never_seen_is_refused_by_its_place(tmp_path):
    task, _ = prepared(tmp_path)
    model = build_model(task, "gru").eval()
    with pytest.raises(DataError, match="row 2: character 3 of the prompt is 'ü', which"):
        task.answer(model, pd.DataFrame({"prompt": ["line", "saü"]}), None)
    words, _ = prepared(tmp_path, tokens="word")
    with pytest.raises(DataError, match="word or mark 2 of the prompt is ' zebra', which"):
        words.read_prompt("line zebra")


def test_unknown_word_of_a_prompt_is_read_as_the_training_side_had_them(tmp_path):
    task, _ = prepared(tmp_path, tokens="word", max_vocabulary=8)
    assert task.read_prompt("line zebra.")[0] == [task.index["line"], 0, task.index["."]]


def test_space_at_the_end_of_a_prompt_is_that_of_the_next_word(tmp_path):
    task, _ = prepared(tmp_path, tokens="word")
    model = build_model(task, "gru").eval()
    read, held = task.read_prompt("line ")
    assert (read, held) == (task.read_prompt("line")[0], b" ")
    answers = [TextAnswer(num_tokens=1, seed=seed) for seed in range(40)]
    written = {task.generate(model, "line ", how) for how in answers}
    assert len(written) > 5
    assert written <= {f"line{token}" for token in task.vocabulary if token[0] == " "}


def test_text_of_a_file_is_one_prompt(tmp_path):
    task, _ = prepared(tmp_path)
    file = tmp_path / "prompt.txt"
    file.write_bytes(b"one\r\n\r\ntwo \r\n")
    assert task.read_input(file)["prompt"].tolist() == ["one\n\ntwo "]
    with pytest.raises(DataError, match="there is no file"):
        task.read_input(tmp_path / "none")


def test_example_is_the_beginning_of_the_text(tmp_path):
    task, _ = prepared(tmp_path)
    assert task.example(tmp_path)["prompt"].tolist() == [TEXT[:8]]


@pytest.mark.parametrize("times", [1, 20, 140])
@pytest.mark.parametrize("tokens", ["char", "word"])
def test_suggested_parameters_train_on_texts_of_any_size(tmp_path, times, tokens):
    text = (TEXT * times)[: max(120, len(TEXT) * (times - 1))]
    (tmp_path / "text.txt").write_text(text)
    suggestion = TextGeneration.suggest(tmp_path, {"tokens": tokens, "test_share": 0.2})
    assert suggestion["data"] == {"tokens": tokens, "test_share": 0.2}
    data, meta = TextGeneration.prepare(tmp_path, TextData(**suggestion["data"]))
    task = TextGeneration(meta, TextModel(**suggestion["model"]))
    training = TrainingParameters(**suggestion["training"])
    steps = task.num_batches(data, training.batch_size)
    assert steps >= 3
    assert 40 < steps * training.epochs < 20_000


def test_less_text_suggests_a_smaller_model_and_more_epochs(tmp_path):
    found = []
    for times in (1, 20, 100):
        (tmp_path / "text.txt").write_text(TEXT * times)
        found.append(TextGeneration.suggest(tmp_path, {}))
    assert [s["model"]["hidden_size"] for s in found] == [64, 128, 320]
    assert found[0]["training"]["epochs"] > found[-1]["training"]["epochs"]
    with pytest.raises(ParameterError, match="tokens must be char, word or subword, not 'letters'"):
        TextGeneration.suggest(tmp_path, {"tokens": "letters"})


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
