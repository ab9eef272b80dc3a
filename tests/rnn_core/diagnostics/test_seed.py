"""All diagnostics of a seed: their contents, their weights, and that they are stable."""

from dataclasses import asdict

import pytest
import torch
from usual_training import config_of

from rnn_core.cells import REGISTRY
from rnn_core.diagnostics.findings import Findings, read_findings, write_findings
from rnn_core.diagnostics.gradients import gradient_by_lag, spectral_radius
from rnn_core.diagnostics.passage import MOST_STEPS, record, topmost
from rnn_core.diagnostics.saturation import saturated_share
from rnn_core.diagnostics.seed import MOST_SEQUENCES, diagnose, training_batch
from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.copy_memory.parameters import CopyData
from rnn_core.tasks.copy_memory.task import CopyMemory
from rnn_core.training.loop import TrainingParameters, train
from rnn_core.training.models import build_model, restore
from rnn_core.training.run_folder import MODEL

CPU = torch.device("cpu")
SIZES = {"hidden_size": 6, "num_layers": 2}
LINES = "".join(f"{'abcd'[i % 4]}{'abcd'[i // 4 % 4]}{'abcd'[i // 16 % 4]}\n" for i in range(64))


@pytest.fixture(scope="module")
def copying(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    (folder / "lines.txt").write_text(LINES)
    return CopyMemory.prepare(folder, CopyData(lag=4))


def trained(copying, folder, cell="gru", **parameters):
    data, meta = copying
    training = TrainingParameters(**({"epochs": 3, "batch_size": 8} | parameters))
    config = config_of(
        "copy_memory", dataset="copy", cell=cell, seed=5, model=SIZES, training=vars(training)
    )
    task = CopyMemory(meta, ModelParameters(**SIZES), 5)
    train(task, data, config, training, folder)
    return task


def numbers(value):
    """All numbers of nested values, and what stands for those that are none."""
    if isinstance(value, dict):
        return [n for part in value.values() for n in numbers(part)]
    return [n for part in value for n in numbers(part)] if isinstance(value, tuple) else [value]


@pytest.mark.parametrize("cell", REGISTRY)
def test_diagnostics_of_every_cell_are_finite_and_come_back_from_their_file(
    copying, tmp_path, cell
):
    trained(copying, tmp_path, cell)
    found = diagnose(tmp_path, *copying, CPU)
    written = Findings(cell=cell, most_steps=MOST_STEPS, seeds={5: found, 10: found})
    write_findings(tmp_path, written)
    assert read_findings(tmp_path) == written
    for state in ("before", "after"):
        (layer,) = found.at(state).values()
        assert len(layer.gradient_by_lag.norm) == 3 + 4 + 1 + 3
        assert layer.gradient_by_lag.relative[0] == 1
        assert None not in layer.gradient_by_lag.norm
        assert None not in layer.spectral_radius.values()
    every = numbers(asdict(found))
    assert all(value == float(f"{value:.6g}") for value in every if value is not None)


def test_before_is_of_the_initial_and_after_of_the_trained_weights(copying, tmp_path):
    data, meta = copying
    task = trained(copying, tmp_path)
    found = diagnose(tmp_path, data, meta, CPU)
    batch = training_batch(task, data, 8, CPU)
    models = {"before": build_model(task, "gru", 5).eval(), "after": restore(tmp_path, meta)[1]}
    for state, model in models.items():
        passage = record(task, model, batch)["recurrent"]
        layer = found.at(state)["recurrent"]
        norms = gradient_by_lag(passage)
        assert list(layer.gradient_by_lag.norm) == pytest.approx(norms.tolist(), rel=1e-5)
        relative = (norms / norms[0]).tolist()
        assert list(layer.gradient_by_lag.relative) == pytest.approx(relative, rel=1e-5)
        radii = spectral_radius(topmost(model.recurrent))
        assert layer.spectral_radius == pytest.approx(radii, rel=1e-5)
        shares = vars(saturated_share(passage))
        assert vars(layer.saturated_share) == pytest.approx(shares, rel=1e-5)
    assert found.before != found.after


def test_clipped_share_is_that_of_each_epoch(copying, tmp_path):
    trained(copying, tmp_path / "never", clip_norm=1e6)
    trained(copying, tmp_path / "always", clip_norm=1e-6)
    assert diagnose(tmp_path / "never", *copying, CPU).clipped_share == (0.0,) * 3
    assert diagnose(tmp_path / "always", *copying, CPU).clipped_share == (1.0,) * 3


def test_diverged_seed_has_nothing_after(copying, tmp_path):
    trained(copying, tmp_path)
    (tmp_path / MODEL).unlink()
    found = diagnose(tmp_path, *copying, CPU)
    assert found.after is None
    assert found.before["recurrent"].gradient_by_lag.norm


def test_diagnostics_draw_nothing_and_repeat(copying, tmp_path):
    trained(copying, tmp_path)
    first = diagnose(tmp_path, *copying, CPU)
    before = torch.get_rng_state()
    assert diagnose(tmp_path, *copying, CPU) == first
    assert torch.equal(torch.get_rng_state(), before)


def test_batch_is_of_the_training_split_and_small(copying):
    data, meta = copying
    task = CopyMemory(meta, ModelParameters(**SIZES))
    (symbols,) = training_batch(task, data, 1000, CPU)
    assert len(symbols) == MOST_SEQUENCES
    training_lines = data["train"].tolist()
    assert all(row in training_lines for row in symbols.tolist())
