"""The plain layers that Gatewise is timed against compute what its own layers do."""

import importlib.util
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from usual_training import config_of

from rnn_core.cells import REGISTRY
from rnn_core.files import read_json
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent
from rnn_core.parameters import parse
from rnn_core.tasks import REGISTRY as TASKS
from rnn_core.tasks import get_task
from rnn_core.tasks.forecasting.parameters import Series
from rnn_core.training import loop as training
from rnn_core.training.evaluation import evaluate
from rnn_core.training.loop import TrainingParameters, learning_rate
from rnn_core.training.models import build_model

FILE = Path(__file__).parents[2] / "benchmarks/plain_pytorch.py"
EXAMPLES = Path(__file__).parents[1] / "rnn_core/malformed"
LENGTHS = torch.tensor([7, 3, 1, 6])


def load(file: Path):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def plain():
    return load(FILE)


def shaken(layer: Recurrent) -> Recurrent:
    """With no weight at a value such as 0 that would hide where it is used."""
    with torch.no_grad():
        for weight in layer.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return layer


def state_of(layer: Recurrent, batch: int):
    shape = (len(layer.directions), batch, layer.hidden_size)
    parts = tuple(torch.randn(shape) for _ in layer.cell.states)
    return parts if len(parts) > 1 else parts[0]


def as_tuple(state):
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("cell", REGISTRY)
def test_plain_layers_compute_what_ours_do(plain, float64, cell, bidirectional, lengths):
    ours = shaken(
        Recurrent(cell, 3, 5, num_layers=2, bidirectional=bidirectional, batch_first=True)
    )
    theirs = plain.PlainRecurrent(cell, ours)
    x, first = torch.randn(4, 7, 3), state_of(ours, 4)
    gradients, results = [], []
    for layer in (ours, theirs):
        read = x.clone().requires_grad_()
        with eager_only():
            outputs, final = layer(read, first, lengths)
        sum((p * p).sum() for p in (outputs, *as_tuple(final))).backward()
        gradients.append(read.grad)
        results.append((outputs, *as_tuple(final)))
    for mine, its in zip(*results, strict=True):
        torch.testing.assert_close(its, mine, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_after"])
def test_last_output_is_right_where_no_cell_state_is_wanted(plain, float64, cell):
    ours = shaken(Recurrent(cell, 3, 5, bidirectional=True, batch_first=True))
    theirs = plain.PlainRecurrent(cell, ours, wants_cell=False)
    x = torch.randn(4, 7, 3)
    (outputs, final), (expected, last) = theirs(x, None, LENGTHS), ours(x, None, LENGTHS)
    torch.testing.assert_close(outputs, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(as_tuple(final)[0], as_tuple(last)[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_learning_rate_is_ours(plain, schedule):
    parameters = TrainingParameters(learning_rate=0.5, schedule=schedule, warmup_steps=3)
    for step in range(10):
        expected = learning_rate(parameters, step, 10)
        assert 0.5 * plain.rate_factor(parameters, 10, step) == pytest.approx(expected)


def forecasting(cell: str):
    """A small task with data of its own."""
    kind = get_task("forecasting")
    borders = {"train": [(0, 80)], "validation": [(80, 110)], "test": [(110, 140)]}
    meta = kind.Meta(
        parameters=kind.DataParameters(targets=("y",), lookback=6, horizon=2),
        columns=["y"],
        series=[Series(name="", mean=[0.0], std=[1.0])],
        step=None,
        step_seconds=None,
        borders=borders,
        items={"train": 73, "validation": 29, "test": 29},
    )
    task = kind(meta, kind.ModelParameters(hidden_size=4), seed=1)
    wave = torch.sin(torch.arange(140) / 3)[:, None] + 0.1 * torch.randn(140, 1)
    return task, {"values": wave.to(torch.get_default_dtype())}


@pytest.mark.parametrize("cell", ["memoryless", "rnn_sigmoid", "gru", "mingru"])
def test_a_training_ends_where_ours_does(plain, float64, tmp_path, cell):
    """Cells with one bias on both sides; with two, Adam moves the sum twice as far."""
    task, data = forecasting(cell)
    parameters = TrainingParameters(
        epochs=8, patience=2, batch_size=16, learning_rate=0.3, warmup_steps=2
    )
    config = config_of(
        "forecasting",
        dataset="wave",
        cell=cell,
        seed=1,
        model=asdict(task.model),
        training=asdict(parameters),
    )
    training.train(task, data, config, parameters, tmp_path / "run")
    found = plain.train(task, plain.build_model(task, cell, 1), data, parameters, 1)
    summary = read_json(tmp_path / "run/summary.json")
    scores = evaluate(tmp_path / "run", data, task.meta, torch.device("cpu"))
    assert found["epochs"] == summary["epochs"]
    assert summary["best_epoch"] < summary["epochs"], "the weights of the last epoch would do"
    assert found["validation"] == pytest.approx(summary["best_score"], rel=1e-9)
    assert found["test"] == pytest.approx(scores.test.overall, rel=1e-9)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_gets_the_same_model(plain, tmp_path, name):
    """An LSTM's, which has two states and may have to be packed."""
    example, kind = load(EXAMPLES / f"{name}.py"), get_task(name)
    for file, content in example.good().items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(content)
    data, meta = kind.prepare(tmp_path, parse(kind.DataParameters, example.PARAMETERS, ""))
    task = kind(meta, kind.ModelParameters(hidden_size=4), seed=1)
    ours, theirs = build_model(task, "lstm", 1).eval(), plain.build_model(task, "lstm", 1).eval()
    batch = next(task.training_batches(data, 4, torch.Generator().manual_seed(1)))
    found = []
    for model in (ours, theirs):
        loss, _ = task.loss(model, batch, None)
        loss.backward()
        around = {n: p.grad for n, p in model.named_parameters() if ".directions." not in n}
        with torch.inference_mode():
            found.append((loss, around, task.scores(model, data, "test").overall))
    torch.testing.assert_close(found[1], found[0])
