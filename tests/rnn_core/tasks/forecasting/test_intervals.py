"""Quantiles of forecasts: what trains them, that they do not cross, and that intervals hold."""

from dataclasses import asdict

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from usual_training import config_of

from rnn_core.errors import ParameterError
from rnn_core.models.ensemble import ensemble
from rnn_core.models.exporting import export_onnx
from rnn_core.models.quantiles import Quantiles
from rnn_core.parameters import parse
from rnn_core.tasks.base.divides import divide
from rnn_core.tasks.forecasting.intervals.levels import covered, intervals_of, pinball
from rnn_core.tasks.forecasting.intervals.widening import fitted_widening
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.evaluation import evaluate_together
from rnn_core.training.loop import TrainingParameters, train
from rnn_core.training.models import build_model, restore, restore_together

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
ASKED = Forecasting.AnswerParameters()


def prepared(tmp_path, table, model, **options):
    (raw := tmp_path / "raw").mkdir(exist_ok=True)
    table.to_csv(raw / "table.csv", index=False)
    options = {"targets": ("y",), "date": None, "lookback": 8, "horizon": 3} | options
    data, meta = Forecasting.prepare(raw, ForecastingData(**options))
    return Forecasting(meta, model), data


def quantile_model(**options):
    return ForecastingModel(hidden_size=6, loss="quantile", **options)


def noise(rows=90, columns=("y",), seed=0):
    draw = np.random.default_rng(seed)
    return pd.DataFrame(draw.normal(5, 2, (rows, len(columns))), columns=list(columns))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(1, 40))
def test_pinball_loss_is_least_at_the_quantile_of_the_values(seed, count):
    """Of all values, none has a lower mean loss than numpy's quantile of that level."""
    truth = torch.from_numpy(np.random.default_rng(seed).normal(size=count)).double()
    best = torch.tensor([np.quantile(truth, q, method="inverted_cdf") for q in LEVELS])
    losses = pinball(best.double().expand(count, -1), truth, LEVELS).mean(dim=0)
    for other in truth:
        tried = pinball(other.expand(count, len(LEVELS)), truth, LEVELS).mean(dim=0)
        assert (losses <= tried + 1e-12).all()


def test_pinball_loss_at_the_median_is_half_of_the_absolute_error():
    truth, found = torch.randn(50).double(), torch.randn(50, 3).double()
    losses = pinball(found, truth, (0.1, 0.5, 0.9))
    torch.testing.assert_close(losses[:, 1], (truth - found[:, 1]).abs() / 2)
    too_high = found[:, 2] > truth
    expected = torch.where(too_high, 0.1, 0.9) * (truth - found[:, 2]).abs()
    torch.testing.assert_close(losses[:, 2], expected.double())


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31))
def test_quantiles_never_cross_however_they_are_widened(seed):
    draw = torch.Generator().manual_seed(seed)
    layer = Quantiles(LEVELS, 2)
    layer.widening.copy_(5 * torch.rand(2, 5, generator=draw))
    outputs = torch.randn(7, 3, 2, 5, generator=draw)
    found = layer(outputs)
    assert (found.diff(dim=-1) >= 0).all()
    torch.testing.assert_close(found[..., 2], outputs.sort(dim=-1).values[..., 2])


def test_sorting_lowers_the_loss_of_quantiles_that_cross():
    draw = np.random.default_rng(1)
    truth = torch.from_numpy(draw.normal(size=4000))
    crossed = torch.tensor([-1.0, -1.9, 0.1, 2.1, 1.3]).double().expand(4000, -1)
    loss = pinball(crossed, truth, LEVELS).mean()
    assert (
        pinball(Quantiles(LEVELS, 1)(crossed[:, None, None])[:, 0, 0], truth, LEVELS).mean() < loss
    )


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(40, 400), st.sampled_from([0.1, 1.0, 8.0]))
def test_widened_intervals_hold_of_what_they_were_fitted_to(seed, count, scale):
    """By the definition: the share asked for, and not one value more than it takes."""
    draw = torch.Generator().manual_seed(seed)
    truth = torch.randn(count, generator=draw)
    found = (scale * torch.randn(count, 5, generator=draw)).sort(dim=1).values
    layer = Quantiles(LEVELS, 1)
    layer.widening[0] = fitted_widening(found, truth, LEVELS)
    median = found[:, 2, None]
    rounding = torch.tensor([-1e-4, -1e-4, 0, 1e-4, 1e-4])
    wide = median + layer.widening * (found - median) + rounding
    for interval in intervals_of(LEVELS):
        hits = int(
            covered(wide + torch.tensor([-1e-4, -1e-4, 0, 1e-4, 1e-4]), truth, interval).sum()
        )
        needed = min(int(np.ceil((count + 1) * interval.share)), count)
        assert needed <= hits
        tight = median + 0.999 * layer.widening * (found - median)
        assert int(covered(tight, truth, interval).sum()) < needed


def test_intervals_are_pairs_of_quantiles_and_named_by_their_share():
    found = intervals_of((0.0125, 0.1, 0.5, 0.9, 0.9875))
    assert [i.names("y") for i in found] == [("y_lo_80", "y_hi_80"), ("y_lo_97.5", "y_hi_97.5")]
    assert [(i.low, i.high) for i in found] == [(1, 3), (0, 4)]


@pytest.mark.parametrize(
    "levels", [[0.5], [], [0.1, 0.9], [0.1, 0.5, 0.8], [0.9, 0.5, 0.1], [0, 0.5, 1]]
)
def test_quantiles_that_make_no_intervals_are_refused(levels):
    with pytest.raises(ParameterError, match=r"quantiles must rise .* 0\.1 and 0\.9, not \["):
        parse(ForecastingModel, {"loss": "quantile", "quantiles": levels}, "model")


@pytest.mark.parametrize("channels", ["together", "apart"])
def test_training_lowers_the_pinball_loss_of_the_values_that_are_there(tmp_path, channels):
    table = noise(columns=("y", "z"))
    table.loc[20:24, "y"] = np.nan
    model = quantile_model(channels=channels)
    task, data = prepared(tmp_path, table, model, targets=("y", "z"), missing="fill")
    network = build_model(task, "gru").eval()
    past, future = task.windows(data, task.rows(data, "train"))
    loss, _ = task.loss(network, (past, future), None)
    output = network(past).detach().double().numpy()
    truth = future.double().numpy()[..., None]
    level = np.array(LEVELS)
    each = np.where(truth > output, level * (truth - output), (1 - level) * (output - truth))
    assert np.isnan(each).any()
    assert float(loss.detach()) == pytest.approx(np.nanmean(each), rel=1e-5)


@torch.inference_mode()
def test_metric_is_that_of_the_median_and_intervals_are_scored(tmp_path):
    table = noise(columns=("y", "z"), seed=3)
    task, data = prepared(tmp_path, table, quantile_model(), targets=("y", "z"))
    network = build_model(task, "gru").eval()
    past, future = task.windows(data, task.rows(data, "validation"))
    output, truth = network(past).double().numpy(), future.double().numpy()
    scores = task.scores(network, data, "validation")
    expected = ((output[..., 2] - truth) ** 2).mean(axis=(1, 2))
    np.testing.assert_allclose(scores.values, expected, rtol=1e-5)
    inside = [(output[..., i] <= truth) & (truth <= output[..., 4 - i]) for i in (1, 0)]
    assert scores.others["coverage_80"] == pytest.approx(inside[0].mean())
    assert scores.others["coverage_95"] == pytest.approx(inside[1].mean())
    assert scores.loss == scores.others["pinball"] > 0


@torch.inference_mode()
def test_answer_has_the_median_and_the_ends_of_intervals_in_units_of_the_table(tmp_path):
    table = noise(columns=("y", "z"), seed=4)
    task, data = prepared(tmp_path, table, quantile_model(), targets=("z", "y"))
    network = build_model(task, "gru").eval()
    answer = task.answer(network, table[-8:], ASKED)
    ends = [f"{name}_{end}" for name in "zy" for end in ("lo_80", "hi_80", "lo_95", "hi_95")]
    assert list(answer.columns) == ["z", "y", *ends]
    output = network(data["values"][None, -8:])[0].double().numpy()
    for place, name in enumerate("zy"):
        raw = output[:, place] * task.meta.series[0].std[place] + task.meta.series[0].mean[place]
        wanted = [f"{name}_lo_95", f"{name}_lo_80", name, f"{name}_hi_80", f"{name}_hi_95"]
        np.testing.assert_allclose(answer[wanted], raw, rtol=1e-6)
        assert (np.diff(answer[wanted], axis=1) > 0).all()


@torch.inference_mode()
def test_ensemble_answers_the_mean_of_quantiles(tmp_path):
    task, data = prepared(tmp_path, noise(), quantile_model())
    members = [build_model(task, "gru", seed).eval() for seed in range(3)]
    for number, member in enumerate(members, 1):
        member.quantiles.widening.mul_(number)
    past = task.windows(data, task.rows(data, "test"))[0]
    expected = np.mean([member(past).numpy() for member in members], axis=0)
    np.testing.assert_allclose(ensemble(members)(past), expected, atol=1e-6)


def test_exported_file_computes_widened_quantiles(tmp_path):
    model = quantile_model(channels="apart")
    task, data = prepared(tmp_path, noise(columns=("y", "z")), model, targets=("y", "z"))
    network = build_model(task, "gru").eval()
    network.quantiles.widening.copy_(torch.rand(2, 5) + 0.5)
    export_onnx(network, tmp_path / "model.onnx", {})
    past = task.windows(data, task.rows(data, "test"))[0]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (found,) = session.run(None, {"past": past.numpy()})
    np.testing.assert_allclose(found, network(past).detach(), atol=1e-5)


@torch.inference_mode()
def test_later_tables_are_scored_by_the_quantiles_that_are_answered(tmp_path):
    """Each target has a scale of its own in either table.

    Intervals follow the errors from the validation set on.
    """
    table = noise(columns=("y", "z"), seed=5) * [1, 30] + [0, 500]
    task, _ = prepared(tmp_path, table, quantile_model(), targets=("y", "z"))
    network = build_model(task, "gru").eval()
    (later := tmp_path / "later").mkdir()
    changed = noise(columns=("y", "z"), seed=6) * [4, 9] + [3, 480]
    changed.to_csv(later / "t.csv", index=False)
    found = task.rescore(network, later, task.meta.parameters, 0, task.meta)
    first, (start, end) = task.meta.borders["validation"][0][0] - 8, task.meta.borders["test"][0]
    inside = []
    for now in range(start, end - 2):
        answer, truth = task.answer(network, changed[first:now], ASKED), changed[now : now + 3]
        for name in "yz":
            low, high = (answer[f"{name}_{end}_80"].to_numpy() for end in ("lo", "hi"))
            inside.append((low <= truth[name]) & (truth[name] <= high))
    assert found.others["coverage_80"] == pytest.approx(np.mean(inside))
    assert 0 < found.others["coverage_80"] < 1


def autoregressive(draw, rows):
    values = np.zeros(rows)
    for row, shock in enumerate(draw.standard_t(5, rows)[1:], 1):
        values[row] = 0.6 * values[row - 1] + shock
    return values


def louder_by_day(draw, rows):
    phase = 2 * np.pi * np.arange(rows) / 5
    return 4 * np.sin(phase) + draw.normal(size=rows) * (1.2 + np.cos(phase))


def skewed(draw, rows):
    return np.exp(0.7 * draw.normal(size=rows)) * (3 + np.sin(np.arange(rows) / 3))


SERIES = {"autoregressive": autoregressive, "louder by day": louder_by_day, "skewed": skewed}
STEPS = {"epochs": 4, "batch_size": 64, "learning_rate": 0.01}


def trained(tmp_path, task, data, seeds, division="prepared"):
    """Folders of trainings of a few epochs."""
    folders = [tmp_path / f"{division}-{seed}" for seed in range(seeds)]
    divided, moved = divide(Forecasting, data, task.meta, division)
    for seed, folder in enumerate(folders):
        config = config_of(
            "forecasting",
            dataset="y",
            seed=seed,
            model=asdict(task.model),
            training=STEPS,
            division=division,
        )
        train(Forecasting(moved, task.model), divided, config, TrainingParameters(**STEPS), folder)
    return folders


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("name", SERIES)
def test_intervals_hold_as_often_as_they_say_on_the_test_set(tmp_path, name, members):
    """After few epochs, when what training alone gives does not; together as well as alone."""
    table = pd.DataFrame({"y": SERIES[name](np.random.default_rng(0), 3000)})
    task, data = prepared(tmp_path, table, quantile_model(), split=(0.3, 0.3, 0.4))
    folders = trained(tmp_path, task, data, members)
    device = torch.device("cpu")
    found = evaluate_together(folders, data, task.meta, device)["test"].others
    assert 0.75 <= found["coverage_80"] <= 0.85
    assert 0.92 <= found["coverage_95"] <= 0.98


def test_widening_is_kept_with_the_weights(tmp_path):
    table = pd.DataFrame({"y": louder_by_day(np.random.default_rng(1), 400)})
    task, data = prepared(tmp_path, table, quantile_model())
    (folder,) = trained(tmp_path, task, data, 1)
    _, network = restore(folder, task.meta)
    factors = network.quantiles.widening[0].clone()
    assert factors[2] == 1
    assert (factors[[0, 1, 3, 4]] != 1).all()
    network.quantiles.widening.fill_(1)
    with torch.inference_mode():
        task.settle(network, data)
    assert torch.equal(network.quantiles.widening[0], factors)


def test_refit_keeps_intervals_as_trained_and_is_scored(tmp_path):
    """It has no validation set that it was not trained on."""
    table = pd.DataFrame({"y": louder_by_day(np.random.default_rng(2), 400)})
    task, data = prepared(tmp_path, table, quantile_model())
    folders = trained(tmp_path, task, data, 2, "refit")
    assert (restore(folders[0], task.meta)[1].quantiles.widening == 1).all()
    found = evaluate_together(folders, data, task.meta, torch.device("cpu"))["test"]
    again, network = restore_together(folders, task.meta)
    with torch.inference_mode():
        assert found.others == again.scores(network, data, "test").others
    assert 0 < found.others["coverage_80"] < 1


def test_intervals_of_a_refit_follow_its_errors_until_they_hold(tmp_path):
    """It has no validation set, and what it was trained to is not what comes."""
    values = autoregressive(np.random.default_rng(3), 2000) * np.repeat([1, 2], [800, 1200])
    table = pd.DataFrame({"y": values})
    task, data = prepared(tmp_path, table, quantile_model(), split=(0.3, 0.1, 0.6))
    folders = trained(tmp_path, task, data, 1, "refit")
    found = evaluate_together(folders, data, task.meta, torch.device("cpu"))["test"].others
    _, network = restore(folders[0], task.meta)
    with torch.inference_mode():
        output, future = task.forecasts(network, data, task.rows(data, "test"))
    trained_to = task.interval_scores(output, future, task.series_of(task.rows(data, "test")))
    assert trained_to["coverage_80"] < 0.7
    assert 0.75 <= found["coverage_80"] <= 0.85
    assert 0.92 <= found["coverage_95"] <= 0.98
