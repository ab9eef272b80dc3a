"""Training: the same ending whatever interrupts it, and what is paired between cells."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from usual_training import config_of

from rnn_core.cells import REGISTRY
from rnn_core.layers.recurrent import Recurrent
from rnn_core.metric import Metric
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.text_generation.learn import TextModel
from rnn_core.tasks.text_generation.parameters import TextData
from rnn_core.tasks.text_generation.task import TextGeneration
from rnn_core.training import loop as training
from rnn_core.training.evaluation import evaluate
from rnn_core.training.item_scores import read_items, write_items
from rnn_core.training.loop import (
    CHECKPOINT,
    TrainingParameters,
    train,
)
from rnn_core.training.models import build_model, count_cost, stream
from rnn_core.training.run_folder import read_config

TEXT = "abcabdacbbad. " * 60
MODEL = {"hidden_size": 5, "embedding_size": 3, "sequence_length": 8, "dropout": 0.2}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    (folder / "a.txt").write_text(TEXT)
    data, meta = TextGeneration.prepare(folder, TextData())
    return TextGeneration(meta, TextModel(**MODEL)), data


def config(cell="gru", seed=0, **training_parameters):
    return config_of(
        "text_generation",
        dataset="text",
        cell=cell,
        seed=seed,
        data="digest",
        model=MODEL,
        training=training_parameters,
    )


def run(text, folder, cell="gru", seed=0, on_epoch=lambda record: None, **parameters):
    parameters = {
        "epochs": 4,
        "batch_size": 8,
        "warmup_steps": 3,
        "schedule": "cosine",
    } | parameters
    task, data = text
    train(task, data, config(cell, seed), TrainingParameters(**parameters), folder, on_epoch)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def records(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


class Killed(BaseException):
    """Stands for a SIGKILL: nothing after it runs."""


def kill_after(epoch):
    def on_epoch(record):
        if record["epoch"] == epoch:
            raise Killed

    return on_epoch


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_interrupted_training_ends_with_the_bytes_of_an_uninterrupted_one(
    text, tmp_path, monkeypatch, cell
):
    whole = run(text, tmp_path / "whole", cell)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    for epoch in (2, 3):
        with pytest.raises(Killed):
            run(text, tmp_path / "cut", cell, on_epoch=kill_after(epoch))
        assert (tmp_path / "cut" / CHECKPOINT).exists()
        with (tmp_path / "cut/metrics.jsonl").open("a") as file:
            file.write('{"half a li')
        for path in list((tmp_path / "cut").iterdir()):  # a write that was cut off, of each file
            path.with_name(f".{path.name}.1234567.tmp").write_bytes(path.read_bytes()[:100])
    assert run(text, tmp_path / "cut", cell) == whole


def without_validation(text):
    """The same training set, with nothing that chooses."""
    task, data = text
    meta = replace(task.meta, items={**task.meta.items, "validation": 0})
    return TextGeneration(meta, task.model), {**data, "validation": data["validation"][:0]}


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_where_nothing_chooses_the_last_epoch_is_kept(text, tmp_path, schedule):
    """It trains as with a validation set, and keeps what that had at its end."""
    chosen = run(text, tmp_path / "chosen", schedule=schedule)
    best = [record["validation_nats_per_token"] for record in records(tmp_path / "chosen")]
    assert min(best) == best[-1], "else the two keep different epochs"
    last = run(without_validation(text), tmp_path / "last", schedule=schedule)
    assert last["model.safetensors"] == chosen["model.safetensors"]
    assert json.loads(last["summary.json"]) == {
        "status": "finished",
        "epochs": 4,
        "steps": records(tmp_path / "last")[-1]["step"],
        "best_epoch": 4,
        "best_score": None,
        "best_loss": None,
    }
    assert not [key for record in records(tmp_path / "last") for key in record if "valid" in key]
    shorter = run(without_validation(text), tmp_path / "shorter", schedule=schedule, epochs=3)
    assert shorter["model.safetensors"] != last["model.safetensors"]


def test_last_epoch_is_kept_even_where_an_earlier_one_was_better(text, tmp_path):
    """With a rate at which the text is unlearned again."""
    parameters = {"schedule": "constant", "learning_rate": 0.5, "epochs": 6}
    chosen = run(text, tmp_path / "chosen", **parameters)
    assert json.loads(chosen["summary.json"])["best_epoch"] < 6
    last = run(without_validation(text), tmp_path / "last", **parameters)
    assert json.loads(last["summary.json"])["best_epoch"] == 6
    assert last["model.safetensors"] != chosen["model.safetensors"]


def test_interrupted_training_without_a_validation_set_ends_as_an_uninterrupted_one(
    text, tmp_path, monkeypatch
):
    whole = run(without_validation(text), tmp_path / "whole")
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    with pytest.raises(Killed):
        run(without_validation(text), tmp_path / "cut", on_epoch=kill_after(2))
    assert run(without_validation(text), tmp_path / "cut") == whole


def test_resumed_training_does_not_repeat_what_the_checkpoint_holds(text, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    seen = []

    def note(record):
        seen.append(record["epoch"])
        if record["epoch"] == 3 and seen.count(3) == 1:
            raise Killed

    with pytest.raises(Killed):
        run(text, tmp_path, on_epoch=note)
    run(text, tmp_path, on_epoch=note)
    assert seen == [1, 2, 3, 3, 4]


def test_finished_folder_says_what_it_is_and_how_it_ended(text, tmp_path):
    files = run(text, tmp_path)
    assert set(files) == {"config.json", "metrics.jsonl", "model.safetensors", "summary.json"}
    summary = json.loads(files["summary.json"])
    history = records(tmp_path)
    scores = [r["validation_nats_per_token"] for r in history]
    assert [r["epoch"] for r in history] == [1, 2, 3, 4]
    assert summary["status"] == "finished"
    assert summary["best_score"] == min(scores)
    assert summary["best_epoch"] == scores.index(min(scores)) + 1
    assert summary["steps"] == history[-1]["step"]
    read, cost = read_config(tmp_path)
    assert read == config()
    task, _ = text
    assert cost == count_cost(build_model(task, "gru"))


def test_weights_kept_are_those_of_the_best_epoch(text, tmp_path, monkeypatch):
    def scores_of(*means):
        pending = [torch.tensor([mean], dtype=torch.float64) for mean in means]
        weight = torch.ones(1)
        scores = (Scores(values, weight) for values in pending)
        monkeypatch.setattr(TextGeneration, "scores", lambda self, *arguments: next(scores))

    scores_of(3.0, 1.0, 2.0, 1.5)
    longer = run(text, tmp_path / "longer", epochs=4, schedule="constant")
    scores_of(3.0, 1.0)
    shorter = run(text, tmp_path / "shorter", epochs=2, schedule="constant")
    assert longer["model.safetensors"] == shorter["model.safetensors"]
    scores_of(3.0, 2.0, 1.0)
    other = run(text, tmp_path / "other", epochs=3, schedule="constant")
    assert other["model.safetensors"] != shorter["model.safetensors"]


def test_training_stops_when_nothing_gets_better(text, tmp_path):
    run(text, tmp_path, learning_rate=1e-12, epochs=50, patience=3, schedule="constant")
    summary = json.loads((tmp_path / "summary.json").read_text())
    scores = [r["validation_nats_per_token"] for r in records(tmp_path)]
    assert summary["epochs"] == scores.index(min(scores)) + 1 + 3 < 50


def saturated(monkeypatch, accuracy, losses):
    """Let epochs have these validation scores and losses; the metric is as an accuracy."""
    metric = Metric("accuracy", "share", "higher")
    scores = (
        Scores(torch.tensor([value], dtype=torch.float64), torch.ones(1), loss=loss)
        for value, loss in zip(accuracy, losses, strict=True)
    )
    monkeypatch.setattr(TextGeneration, "metric", metric)
    monkeypatch.setattr(TextGeneration, "scores", lambda self, *arguments: next(scores))


CASES_OF_TIES = {
    "the surest of all right": ([0.5, 1, 1, 1, 1], [2, 0.9, 0.5, 0.2, 0.3], 4),
    "the last of equals in both": ([1, 1, 1, 0.9, 1], [0.5, 0.4, 0.4, 0.1, 0.9], 3),
    "a better score though surer errors": ([0.2, 0.4, 0.4, 0.6, 0.4], [1, 1, 2, 3, 0.1], 4),
}


@pytest.mark.parametrize("case", CASES_OF_TIES)
def test_of_equal_scores_the_one_with_the_lower_loss_is_kept(text, tmp_path, monkeypatch, case):
    accuracy, losses, kept = CASES_OF_TIES[case]
    saturated(monkeypatch, accuracy, losses)
    run(text, tmp_path / "whole", epochs=5, schedule="constant")
    summary = json.loads((tmp_path / "whole/summary.json").read_text())
    assert (summary["best_epoch"], summary["best_score"]) == (kept, max(accuracy))
    assert summary["best_loss"] == losses[kept - 1]
    assert [r["validation_loss"] for r in records(tmp_path / "whole")] == losses
    saturated(monkeypatch, accuracy[:kept], losses[:kept])
    run(text, tmp_path / "short", epochs=kept, schedule="constant")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "short")]
    assert weights[0] == weights[1]


def test_cosine_schedule_is_trained_to_its_end_however_early_the_score_is_at_its_best(
    text, tmp_path, monkeypatch
):
    saturated(monkeypatch, [1.0] * 12, [0.01 * epoch for epoch in range(12)])
    run(text, tmp_path, epochs=12, schedule="cosine")
    assert len(records(tmp_path)) == 12
    assert records(tmp_path)[-1]["learning_rate"] < 0.01 * TrainingParameters().learning_rate
    with pytest.raises(ValueError, match="patience would end a cosine schedule while its"):
        TrainingParameters(schedule="cosine", patience=3)


def test_equal_scores_at_a_falling_loss_are_not_waited_out(text, tmp_path, monkeypatch):
    saturated(monkeypatch, [1.0] * 9, [0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.2, 0.3, 0.4])
    run(text, tmp_path, epochs=9, patience=2, schedule="constant")
    assert len(records(tmp_path)) == 7


def test_training_is_not_ended_early_unless_that_is_asked_for(text, tmp_path):
    run(text, tmp_path, learning_rate=1e-12, epochs=9, schedule="constant")
    assert len(records(tmp_path)) == 9


def test_diverged_training_says_so_and_keeps_no_model(text, tmp_path, monkeypatch):
    task, data = text
    true_loss = TextGeneration.loss

    def broken(self, model, batch, state):
        loss, state = true_loss(self, model, batch, state)
        return loss * float("nan"), state

    monkeypatch.setattr(TextGeneration, "loss", broken)
    files = run(text, tmp_path)
    assert set(files) == {"config.json", "metrics.jsonl", "summary.json"}
    assert json.loads(files["summary.json"])["status"] == "diverged"
    assert "train_loss" not in records(tmp_path)[0]
    assert evaluate(tmp_path, data, task.meta, torch.device("cpu")) is None


def test_training_is_that_of_a_plain_loop_with_adam(text, tmp_path):
    task, data = text
    parameters = TrainingParameters(epochs=1, batch_size=8, learning_rate=0.01, clip_norm=0.5)
    run(text, tmp_path, epochs=1, learning_rate=0.01, clip_norm=0.5, warmup_steps=0)
    model = build_model(task, "gru", 0)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    torch.manual_seed(stream(0, "dropout", 1))
    order = torch.Generator().manual_seed(stream(0, "order", 1))
    losses, norms, state = [], [], None
    steps = task.num_batches(data, 8)
    for step, (inputs, targets) in enumerate(task.training_batches(data, 8, order)):
        logits, state = model(inputs, state)
        state = state.detach()
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        gradient = torch.cat([p.grad.flatten() for p in model.parameters()])
        scale = min(1.0, parameters.clip_norm / (float(gradient.norm()) + 1e-6))
        for p in model.parameters():
            p.grad.mul_(scale)
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimizer.step()
        losses.append(loss.item())
        norms.append(float(gradient.norm()))
    (record,) = records(tmp_path)
    assert record["train_loss"] == pytest.approx(sum(losses) / steps, rel=1e-5)
    assert record["gradient_norm"] == pytest.approx(sum(norms) / steps, rel=1e-4)
    assert record["clipped_share"] == sum(n > 0.5 for n in norms) / steps
    trained = load_file(tmp_path / "model.safetensors")
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(trained[name], weight, rtol=1e-4, atol=1e-5)


def test_all_cells_of_a_seed_see_the_same_order_and_the_same_wrapper(text):
    task, _ = text
    models = {cell: build_model(task, cell, seed=3) for cell in REGISTRY}
    for model in models.values():
        for name in ("embedding.weight", "sequence.output.weight", "sequence.output.bias"):
            ours, first = model.get_parameter(name), models["gru"].get_parameter(name)
            assert torch.equal(ours, first)
    other = build_model(task, "gru", seed=4)
    assert not torch.equal(other.embedding.weight, models["gru"].embedding.weight)
    cell_weights = [
        next(m for m in model.modules() if isinstance(m, Recurrent)).directions[0].weights["z"]
        for model in (models["gru"], other)
    ]
    assert not torch.equal(*cell_weights)


def test_seeds_differ_and_repeat(text, tmp_path):
    first = run(text, tmp_path / "a", seed=0)
    assert run(text, tmp_path / "b", seed=0) == first
    assert run(text, tmp_path / "c", seed=1)["model.safetensors"] != first["model.safetensors"]


def test_scored_items_survive_their_file(text, tmp_path):
    task, data = text
    run(text, tmp_path)
    scores = evaluate(tmp_path, data, task.meta, torch.device("cpu"))
    write_items(tmp_path / "items.safetensors", scores.items())
    for split in ("validation", "test"):
        read, scored = read_items(tmp_path / "items.safetensors", split), getattr(scores, split)
        assert np.array_equal(read.values, scored.values.numpy())
        assert np.average(read.values, weights=read.weights) == pytest.approx(scored.overall)
