"""Text generation: what is written on from a prompt, and parameters that are suggested."""

import itertools
import math

import pandas as pd
import pytest
import torch
from torch.nn import functional
from usual_text_generation import TEXT, decoded, prepared

from rnn_core.errors import DataError, ParameterError
from rnn_core.features.words import UNKNOWN
from rnn_core.tasks.text_generation.learn import TextModel
from rnn_core.tasks.text_generation.parameters import TextData
from rnn_core.tasks.text_generation.task import TextGeneration
from rnn_core.tasks.text_generation.tokens import tokenize
from rnn_core.tasks.text_generation.write import TextAnswer, sample
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.models import build_model


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
def test_illustration_is_what_is_written_on_from_lines_of_the_split(
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


SPLITS_OF = {
    "lines with unknown tokens": ("line 0\n~ine 1\nline 2\nli~e 3\nline 4\nline 5\n", "line 2"),
    "lines that are cut off": ("says b\nline 1\nlin 2", "line 1"),
    "empty lines": ("line 0\n\n\n\nline 5\nline 6\n", "line 5"),
    "no line break": ("~~~ says aaa, line", " says "),
    "no line that is known": ("\n~\n~\nab~\n~ says~\n~", " says"),
    "nothing that is known": ("~" * 50, ""),
    "a split of two tokens": ("li", "li"),
}


@pytest.mark.parametrize("kind", SPLITS_OF)
def test_prompts_start_a_line_and_hold_known_tokens(tmp_path, kind):
    split, first = SPLITS_OF[kind]
    task, _ = prepared(tmp_path)
    tokens = torch.tensor([task.index.get(character, 0) for character in split])
    prompts = task.prompts(tokens, len(first) or 6)
    assert prompts[0] == first
    assert all(UNKNOWN not in prompt and prompt in split for prompt in prompts)
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


def test_unknown_word_of_a_prompt_is_read_as_the_training_split_had_them(tmp_path):
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
    with pytest.raises(
        ParameterError, match="tokens: must be 'char', 'word' or 'subword', not 'letters'"
    ):
        TextGeneration.suggest(tmp_path, {"tokens": "letters"})
