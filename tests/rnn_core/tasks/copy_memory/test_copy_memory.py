"""The copy problem: its layout, what its loss and metric count, baseline and optimum."""

import math
from itertools import chain

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import log_softmax
from torch import nn

from rnn_core.errors import DataError, ParameterError
from rnn_core.sources.random_symbols import ALPHABET, SOURCE, RandomSymbols
from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.copy_memory.learn import lay_out
from rnn_core.tasks.copy_memory.parameters import CopyData
from rnn_core.tasks.copy_memory.task import CopyMemory
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.models import build_model

SMALL = ModelParameters(hidden_size=6)


@pytest.fixture
def raw(tmp_path):
    RandomSymbols(num_lines=60, length=4, seed=3).fetch(tmp_path)
    return tmp_path


def prepared(raw, **options):
    data, meta = CopyMemory.prepare(raw, CopyData(**({"lag": 7} | options)))
    return CopyMemory(meta, SMALL), data


def lines_of(raw):
    return (raw / "symbols.txt").read_text().split()


def decoded(task, rows):
    return ["".join(task.meta.symbols[i] for i in row) for row in rows.tolist()]


class Rememberer(nn.Module):
    """Says at each step, and surely, the symbol that was read `lag` steps before."""

    def __init__(self, distance):
        super().__init__()
        self.distance = distance
        self.sureness = nn.Parameter(torch.tensor(1e3))

    def forward(self, steps):
        delayed = torch.zeros_like(steps)
        delayed[:, self.distance :] = steps[:, : -self.distance]
        return self.sureness * delayed[..., :-2], None


def test_sequence_is_laid_out_as_in_the_paper():
    """Symbols, blanks, marker, blanks; T of the paper is lag + 1."""
    (steps,) = lay_out(torch.tensor([[2, 0, 1]]), num_symbols=3, lag=4)
    blank, marker = 3, 4
    expected = [2, 0, 1, *[blank] * 4, marker, *[blank] * 3]
    assert steps.argmax(dim=1).tolist() == expected
    assert torch.equal(steps, torch.eye(5, dtype=torch.int64)[expected])
    assert len(steps) == 4 + 1 + 2 * 3


@torch.inference_mode()
@pytest.mark.parametrize("lag", [0, 7])
def test_who_recalls_every_symbol_reaches_the_optimum(raw, lag):
    task, data = prepared(raw, lag=lag)
    perfect = task.scores(Rememberer(4 + lag + 1), data, "test")
    assert perfect.overall == task.optimum() == 0
    assert perfect.others["recalled_share"] == 1
    (symbols,) = next(task.training_batches(data, 8, torch.Generator()))
    assert task.loss(Rememberer(4 + lag + 1), (symbols,), None)[0] == 0
    late = task.scores(Rememberer(4 + lag), data, "test")
    assert late.others["recalled_share"] < 0.5


def test_who_knows_nothing_scores_the_baseline(raw):
    task, data = prepared(raw)
    model = build_model(task, "gru").eval()
    for parameter in model.output.parameters():
        nn.init.zeros_(parameter)
    with torch.inference_mode():
        assert task.scores(model, data, "test").overall == pytest.approx(math.log(8), abs=1e-6)
    assert task.baselines(data) == {"guess": pytest.approx(math.log(8))}


def test_loss_and_scores_are_the_cross_entropy_of_the_last_steps(raw):
    task, data = prepared(raw)
    model = build_model(task, "lstm").eval()
    symbols = data["test"].long()
    with torch.inference_mode():
        logits, _ = model(lay_out(symbols, 8, 7).float())
        logs = log_softmax(logits[:, -4:].double().numpy(), axis=-1)
        expected = -np.take_along_axis(logs, symbols.numpy()[..., None], axis=-1)[..., 0]
        scores = task.scores(model, data, "test")
        loss, state = task.loss(model, (symbols,), None)
    np.testing.assert_allclose(scores.values, expected.mean(axis=1), rtol=1e-5)
    assert float(loss) == pytest.approx(expected.mean(), rel=1e-5)
    assert state is None
    hits = logs.argmax(axis=-1) == symbols.numpy()
    assert scores.others["recalled_share"] == pytest.approx(hits.mean())
    assert scores.overall == pytest.approx(expected.mean(), rel=1e-5)


def test_score_depends_on_its_own_line_only(raw):
    task, data = prepared(raw)
    model = build_model(task, "gru").eval()
    with torch.inference_mode():
        whole = task.scores(model, data, "test").values
        alone = task.scores(model, {"test": data["test"][3:4]}, "test").values
    torch.testing.assert_close(alone, whole[3:4], rtol=1e-5, atol=1e-6)


def test_splits_are_the_lines_in_their_order(raw):
    task, data = prepared(raw)
    splits = [decoded(task, data[split]) for split in ("train", "validation", "test")]
    assert [len(split) for split in splits] == [42, 6, 12]
    assert list(chain(*splits)) == lines_of(raw)
    assert task.meta.items == {"train": 42, "validation": 6, "test": 12}


def test_an_epoch_has_every_training_line_once_in_an_order_of_its_own(raw):
    task, data = prepared(raw)
    orders = []
    for seed in range(2):
        order = torch.Generator().manual_seed(seed)
        batches = [batch for (batch,) in task.training_batches(data, 8, order)]
        assert len(batches) == task.num_batches(data, 8) == 6
        orders.append(decoded(task, torch.cat(batches)))
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(lines_of(raw)[:42])
    assert orders[0] != orders[1]


@torch.inference_mode()
def test_answer_is_what_is_recalled_of_each_line(raw):
    task, data = prepared(raw)
    example = task.example(raw)
    assert example["symbols"].tolist() == lines_of(raw)[:1]
    perfect = task.answer(Rememberer(4 + 7 + 1), example, None)
    assert perfect["recalled"].tolist() == lines_of(raw)[:1]
    model = build_model(task, "gru").eval()
    table = pd.DataFrame({"symbols": lines_of(raw)[-12:]})
    logits = model(lay_out(data["test"].long(), 8, 7).float())[0][:, -4:]
    expected = decoded(task, logits.argmax(dim=-1))
    assert task.answer(model, table, None)["recalled"].tolist() == expected


def shown(task, model, data):
    """Source, reference and output of each line that illustrates a model."""
    illustration = task.illustrate(model, data, "test")
    assert illustration["kind"] == "pairs"
    return [
        tuple(pair[key] for key in ("source", "reference", "output"))
        for pair in illustration["pairs"]
    ]


@torch.inference_mode()
def test_illustration_is_what_is_answered_on_lines_all_over_the_split(raw):
    task, data = prepared(raw)
    lines = [lines_of(raw)[-12:][place] for place in (0, 2, 5, 8, 11)]
    assert shown(task, Rememberer(4 + 7 + 1), data) == [(line,) * 3 for line in lines]
    model = build_model(task, "gru").eval()
    answers = task.answer(model, pd.DataFrame({"symbols": lines}), None)["recalled"]
    assert shown(task, model, data) == list(zip(lines, lines, answers, strict=True))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"text": ["abcd"]}, "the input has no column 'symbols'"),
        ({"symbols": ["abcd", "abc"]}, "row 2 has 3 symbols; the model recalls 4"),
        ({"symbols": ["abcz"]}, "row 1 has the symbol 'z'; the model knows abcdefgh"),
    ],
)
def test_unusable_input_is_named(raw, table, message):
    task, _ = prepared(raw)
    with pytest.raises(DataError, match=message):
        task.answer(build_model(task, "gru").eval(), pd.DataFrame(table), None)


def test_input_is_read_from_lines(raw, tmp_path):
    task, _ = prepared(raw)
    tmp_path = tmp_path / "given"
    tmp_path.mkdir()
    (tmp_path / "in.txt").write_text("abcd\r\nefgh\r\n")
    assert task.read_input(tmp_path / "in.txt")["symbols"].tolist() == ["abcd", "efgh"]
    (tmp_path / "in.txt").write_text("abcd\nefg\n")
    with pytest.raises(DataError, match=r"in\.txt, line 2 has 3 symbols, but line 1 has 4"):
        task.read_input(tmp_path / "in.txt")


def test_suggestion_can_be_prepared_and_trained(raw):
    suggestion = CopyMemory.suggest(raw, {"lag": 12})
    _, meta = CopyMemory.prepare(raw, CopyData(**suggestion["data"]))
    assert meta.parameters.lag == 12
    CopyMemory(meta, ModelParameters(**suggestion["model"]))
    TrainingParameters(**suggestion["training"])
    with pytest.raises(ParameterError, match="lag must be at least 0"):
        CopyMemory.suggest(raw, {"lag": -1})
    with pytest.raises(ParameterError, match="lagg"):
        CopyMemory.suggest(raw, {"lagg": 1})


def test_source_draws_symbols_alike_and_no_line_twice(tmp_path):
    SOURCE.fetch(tmp_path)
    lines = lines_of(tmp_path)
    assert len(lines) == len(set(lines)) == 6000
    assert {len(line) for line in lines} == {5}
    counts = np.array([[line[k] for line in lines].count(s) for k in range(5) for s in ALPHABET])
    # a count is binomial: 750 on average with a standard deviation of 25.6
    assert abs(counts - 750).max() < 4.5 * 25.6
    (tmp_path / "again").mkdir()
    SOURCE.fetch(tmp_path / "again")
    assert (tmp_path / "again/symbols.txt").read_text().split() == lines
