"""Forecasting: what a window may see, what is scored, and tables that are not in order."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load, save
from torch import nn

from rnn_core.baselines import linear_forecasts
from rnn_core.baselines.holt_winters import holt_winters_forecast
from rnn_core.errors import DataError, ParameterError
from rnn_core.layers.recurrent import Recurrent
from rnn_core.metric import SPLITS
from rnn_core.parameters import parse
from rnn_core.tasks.forecasting import Forecasting, ForecastingData, ForecastingModel
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.models import build_model

ROWS = 60
ASKED = Forecasting.AnswerParameters()


def series(rows=ROWS, seed=0):
    draw = np.random.default_rng(seed)
    days = [datetime(2024, 1, 1) + timedelta(days=i) for i in range(rows)]
    return pd.DataFrame({"date": days, "y": draw.normal(5, 2, rows), "x": draw.normal(0, 1, rows)})


def write(tmp_path, table):
    table.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def prepared(tmp_path, table=None, model=None, **options):
    table = series() if table is None else table
    options = {"targets": ("y",), "features": ("x",), "lookback": 6, "horizon": 3} | options
    data, meta = Forecasting.prepare(write(tmp_path, table), ForecastingData(**options))
    return Forecasting(meta, model or ForecastingModel(hidden_size=4)), data


def test_scaling_is_that_of_the_training_side_alone(tmp_path):
    table = series()
    later = table.copy()
    later.loc[42:, ["y", "x"]] += 100
    task, data = prepared(tmp_path, table)
    other, changed = prepared(tmp_path, later)
    assert task.meta.series[0].mean == other.meta.series[0].mean
    assert task.meta.series[0].std == other.meta.series[0].std
    torch.testing.assert_close(data["values"][:42], changed["values"][:42], rtol=0, atol=0)
    train = table[["y", "x"]].to_numpy()[:42]
    np.testing.assert_allclose(task.meta.series[0].mean, train.mean(axis=0))
    np.testing.assert_allclose(task.meta.series[0].std, train.std(axis=0))


def test_tables_of_several_columns_can_be_saved_row_by_row(tmp_path):
    _, data = prepared(tmp_path, date=None)
    saved = load(save(data))["values"]
    table = series()[["y", "x"]].to_numpy()
    expected = (table - table[:42].mean(axis=0)) / table[:42].std(axis=0)
    np.testing.assert_allclose(saved, expected, rtol=1e-6)


@pytest.mark.parametrize("rows", range(60, 71))
def test_shares_leave_no_row_out(tmp_path, rows):
    task, _ = prepared(tmp_path, series(rows))
    assert task.meta.borders["test"][0][1] == rows


def test_no_window_is_scored_or_trained_outside_its_side(tmp_path):
    task, data = prepared(tmp_path)
    seen = {}
    for split, (start, end) in zip(SPLITS, [(0, 42), (42, 48), (48, 60)], strict=True):
        futures = [range(row + 6, row + 9) for row in task.rows(data, split).tolist()]
        seen[split] = {row for future in futures for row in future}
        assert min(seen[split]) == max(start, 6)
        assert max(seen[split]) == end - 1
        assert len(futures) == task.meta.items[split]
    assert not seen["train"] & (seen["validation"] | seen["test"])
    assert task.rows(data, "train").max() + 9 <= 42


def test_training_depends_on_nothing_after_the_training_side(tmp_path):
    table = series()
    later = table.copy()
    later.loc[42:, ["y", "x"]] = 0.0
    batches = []
    for version in (table, later):
        task, data = prepared(tmp_path, version)
        draw = torch.Generator().manual_seed(1)
        batches.append([t for batch in task.training_batches(data, 8, draw) for t in batch])
    for first, second in zip(*batches, strict=True):
        assert torch.equal(first, second)


@pytest.mark.parametrize("draw", range(8))
def test_no_side_depends_on_a_later_one(tmp_path, draw):
    """Whatever lookback, horizon, split and gaps: rows after a split change nothing in it."""
    random = np.random.default_rng(draw)
    lookback, horizon = random.integers(1, 10), random.integers(1, 6)
    split = (30 + random.integers(0, 10), 8 + random.integers(0, 4), 9)
    options = {"lookback": lookback, "horizon": horizon, "split": split, "missing": "fill"}
    table = series(seed=draw)
    table.loc[random.choice(ROWS, 6, replace=False), "y"] = np.nan
    task, data = prepared(tmp_path, table, **options)
    for side in ("train", "validation"):
        end = task.meta.borders[side][0][1]
        later = table.copy()
        later.loc[end + task.meta.cut[0] :, ["y", "x"]] = random.normal(
            100, 50, (ROWS - end - task.meta.cut[0], 2)
        )
        other, changed = prepared(tmp_path, later, **options)
        assert torch.equal(task.rows(data, side), other.rows(changed, side))
        for before, after in zip(
            task.windows(data, task.rows(data, side)),
            other.windows(changed, other.rows(changed, side)),
            strict=True,
        ):
            torch.testing.assert_close(before, after, rtol=0, atol=0, equal_nan=True)


def test_every_training_window_is_drawn_once_an_epoch(tmp_path):
    task, data = prepared(tmp_path)
    draw = torch.Generator().manual_seed(0)
    batches = list(task.training_batches(data, 8, draw))
    assert len(batches) == task.num_batches(data, 8)
    pasts = torch.cat([past for past, _ in batches])
    expected, _ = task.windows(data, task.rows(data, "train"))
    assert sorted(pasts.flatten(1).tolist()) == sorted(expected.flatten(1).tolist())


class Constant(nn.Module):
    def forward(self, past):
        return torch.full((len(past), 3, 1), 0.5)


def test_score_is_the_mean_squared_error_of_standardised_values(tmp_path):
    table = series()
    task, data = prepared(tmp_path, table)
    y = (table["y"].to_numpy() - task.meta.series[0].mean[0]) / task.meta.series[0].std[0]
    windows = [y[row : row + 3] for row in range(48, 58)]
    expected = [((0.5 - window) ** 2).mean() for window in windows]
    scores = task.scores(Constant(), data, "test")
    np.testing.assert_allclose(scores.values.numpy(), expected, rtol=1e-5)
    assert scores.overall == pytest.approx(np.mean(expected), rel=1e-5)
    absolute = [abs(0.5 - window).mean() for window in windows]
    assert scores.others["mae"] == pytest.approx(np.mean(absolute), rel=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "mingru"])
def test_score_of_a_window_depends_on_no_other(tmp_path, cell):
    task, data = prepared(tmp_path)
    network = build_model(task, cell).eval()
    first = task.rows(data, "test")[0]
    alone = torch.full_like(data["values"], 1e4)
    alone[first : first + 9] = data["values"][first : first + 9]
    with torch.inference_mode():
        together = task.scores(network, data, "test").values
        apart = task.scores(network, {"values": alone}, "test").values
    assert not torch.isclose(apart[1:], together[1:]).any()
    torch.testing.assert_close(apart[0], together[0], rtol=1e-5, atol=0)


@pytest.mark.parametrize(("name", "power"), [("mse", 2), ("l1", 1)])
def test_loss_is_the_mean_error_that_is_asked_for(tmp_path, name, power):
    task, data = prepared(tmp_path, model=ForecastingModel(loss=name))
    past, future = task.windows(data, task.rows(data, "train"))
    loss, _ = task.loss(Constant(), (past, future), None)
    expected = (abs(future.double().numpy() - 0.5) ** power).mean()
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def ridge(inputs, outputs):
    """Least squares with a ridge of 1e-3 for each window, by QR in place of the normal form."""
    width = inputs.shape[1]
    rows = np.vstack([inputs, np.sqrt(1e-3 * len(inputs)) * np.eye(width)])
    return np.linalg.lstsq(rows, np.vstack([outputs, np.zeros((width, outputs.shape[1]))]))[0]


def decomposed(past):
    """Moving average over 25 steps with repeated ends, what remains, and a 1."""
    padded = np.pad(past, ((0, 0), (12, 12)), mode="edge")
    trend = np.array([np.convolve(row, np.ones(25) / 25, "valid") for row in padded])
    return np.hstack([trend, past - trend, np.ones((len(past), 1))])


def test_trend_is_a_moving_average_over_25_steps():
    past = np.random.default_rng(0).normal(size=(3, 40))
    np.testing.assert_allclose(linear_forecasts.decomposed(torch.tensor(past)), decomposed(past))


def test_baselines_match_numpy(tmp_path):
    """Two targets are two series of one map."""
    names = ("y", "x")
    options = {"targets": names, "features": (), "lookback": 8, "split": (0.6, 0.2, 0.2)}
    task, data = prepared(tmp_path, series(160), **options)
    values = data["values"].double().numpy()
    series_of = [np.lib.stride_tricks.sliding_window_view(v, 11) for v in values.T]
    train = np.concatenate([windows[: 96 - 10] for windows in series_of])
    test = np.concatenate([windows[128 - 8 :] for windows in series_of])
    past, future = test[:, :8], test[:, 8:]
    last = past[:, 7:]
    change = ridge(train[:, :8] - train[:, 7:8], train[:, 8:] - train[:, 7:8])
    begun = torch.arange(128, 160 - 2)
    smoothed = holt_winters_forecast(
        [*data["values"].T], [96] * 2, [begun] * 2, season=7, horizon=3
    )
    forecasts = {
        "holt_winters": torch.cat(smoothed).numpy(),
        "repeat_last": last,
        "repeat_week": past[:, 1:4],
        "linear": (past - last) @ change + last,
        "dlinear": decomposed(past) @ ridge(decomposed(train[:, :8]), train[:, 8:]),
    }
    expected = {name: ((guess - future) ** 2).mean() for name, guess in forecasts.items()}
    assert task.baselines(data) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("step", "lookback", "name", "length"),
    [
        ("h", 30, "repeat_day", 24),
        ("2h", 30, "repeat_day", 12),
        ("D", 30, "repeat_week", 7),
        ("ME", 30, "repeat_year", 12),
        ("W-SUN", 60, "repeat_year", 52),
        ("h", 23, None, 0),
        ("YE", 30, None, 0),
        ("s", 30, None, 0),
    ],
)
def test_season_is_repeated_where_rows_have_one(tmp_path, step, lookback, name, length):
    times = pd.date_range("2001-01-31", periods=400, freq=step)
    options = {"lookback": lookback, "horizon": length + 2, "split": (0.6, 0.2, 0.2)}
    task, data = prepared(tmp_path, series(400).assign(date=times), **options)
    baselines = task.baselines(data)
    if name is None:
        assert not {key for key in baselines if key.startswith("repeat")} - {"repeat_last"}
        return
    y = data["values"][:, 0].double().numpy()
    starts = range(320, 400 - length - 1)
    errors = [y[s + i] - y[s - length + i % length] for s in starts for i in range(length + 2)]
    assert baselines[name] == pytest.approx(np.square(errors).mean(), rel=1e-5)


@pytest.mark.parametrize("channels", ["together", "apart"])
def test_last_value_normalisation_makes_forecasts_follow_the_level(tmp_path, channels):
    model = ForecastingModel(hidden_size=4, channels=channels, normalisation="last_value")
    task, data = prepared(tmp_path, model=model)
    network = build_model(task, "gru").eval()
    past, _ = task.windows(data, task.rows(data, "test"))
    raised = network(past + 3.0)
    torch.testing.assert_close(raised, network(past) + 3.0, rtol=1e-4, atol=1e-4)


def test_channels_apart_share_weights_and_do_not_see_each_other(tmp_path):
    model = ForecastingModel(hidden_size=4, channels="apart", embedding_size=5, segment=2)
    task, data = prepared(tmp_path, targets=("y", "x"), features=(), model=model)
    network = build_model(task, "lstm").eval()
    past, _ = task.windows(data, task.rows(data, "test"))
    forecast = network(past)
    torch.testing.assert_close(network(past.flip(2)), forecast.flip(2))
    changed = past.clone()
    changed[:, :, 1] = 9.0
    torch.testing.assert_close(network(changed)[:, :, 0], forecast[:, :, 0])


def test_model_of_the_introduction_is_reachable_by_parameters(tmp_path):
    """Time-series prediction: a window of 10, 20 features, one step ahead."""
    draw = np.random.default_rng(0)
    names = [f"f{i}" for i in range(20)]
    table = pd.DataFrame(draw.normal(size=(200, 20)), columns=names)
    model = ForecastingModel(hidden_size=64, normalisation="none")
    task, data = prepared(
        tmp_path,
        table,
        model,
        targets=("f0",),
        features=tuple(names[1:]),
        date=None,
        lookback=10,
        horizon=1,
    )
    network = build_model(task, "lstm")
    recurrent = next(m for m in network.modules() if isinstance(m, Recurrent))
    assert (recurrent.input_size, recurrent.hidden_size) == (20, 64)
    past, future = next(task.training_batches(data, 16, torch.Generator()))
    assert past.shape == (16, 10, 20)
    assert network(past).shape == future.shape == (16, 1, 1)
    loss, _ = task.loss(network, (past, future), None)
    loss.backward()
    assert all((p.grad != 0).any() for p in network.parameters())


def test_answer_continues_the_table_in_its_own_units(tmp_path):
    table = series()
    task, data = prepared(tmp_path, table)
    network = build_model(task, "gru").eval()
    answer = task.answer(network, table, ASKED)
    assert answer["date"].tolist() == [datetime(2024, 3, 1) + timedelta(days=i) for i in range(3)]
    with torch.inference_mode():
        scaled = network(data["values"][None, -6:])[0, :, 0].double().numpy()
    expected = scaled * task.meta.series[0].std[0] + task.meta.series[0].mean[0]
    np.testing.assert_allclose(answer["y"], expected, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("targets", [("y",), ("y", "x")])
def test_illustration_is_what_is_answered_on_windows_of_the_table(tmp_path, targets):
    """The first, middle and last of 10 windows of the test set, which has rows 48 to 59."""
    table = series()
    features = tuple({"x"} - set(targets))
    task, data = prepared(tmp_path, table, targets=targets, features=features, lookback=8)
    network = build_model(task, "gru").eval()
    shown = task.illustrate(network, data, "test")
    assert shown["kind"] == "forecast"
    y = table["y"].to_numpy()
    for now, window in zip((48, 52, 57), shown["series"], strict=True):
        assert window["name"] == "y"
        np.testing.assert_allclose(window["past"], y[now - 6 : now], rtol=1e-5)
        np.testing.assert_allclose(window["truth"], y[now : now + 3], rtol=1e-5)
        answer = task.answer(network, table[:now], ASKED)
        np.testing.assert_allclose(window["forecast"], answer["y"], rtol=1e-4)
        numbers = [*window["past"], *window["truth"], *window["forecast"]]
        assert numbers == [float(f"{number:.5e}") for number in numbers]


@torch.inference_mode()
def test_errors_of_the_illustration_are_those_that_are_scored(tmp_path):
    task, data = prepared(tmp_path)
    network = build_model(task, "gru").eval()
    std = series()["y"].to_numpy()[:42].std()
    errors = [
        np.square((np.array(window["forecast"]) - window["truth"]) / std).mean()
        for window in task.illustrate(network, data, "test")["series"]
    ]
    values = task.scores(network, data, "test").values
    assert errors == pytest.approx(values[[0, 4, 9]].tolist(), rel=1e-4)


def test_illustration_of_few_windows_has_each_once(tmp_path):
    task, data = prepared(tmp_path, split=(42, 6, 4))
    series_of = task.illustrate(build_model(task, "gru").eval(), data, "test")["series"]
    assert [window["truth"][0] for window in series_of] == pytest.approx(
        series()["y"][48:50].tolist(), rel=1e-5
    )


def test_answer_refuses_a_table_that_does_not_fit(tmp_path):
    task, _ = prepared(tmp_path)
    network = build_model(task, "gru").eval()
    with pytest.raises(DataError, match="unknown column 'x'"):
        task.answer(network, series().drop(columns="x"), ASKED)
    with pytest.raises(DataError, match="has 5 rows; 6 are needed"):
        task.answer(network, series(5), ASKED)
    with pytest.raises(DataError, match="the table: no row has a value of y"):
        task.answer(network, series().assign(y=None), ASKED)
    gap = series()
    gap.loc[56, "y"] = np.nan
    with pytest.raises(DataError, match="row 57, column 'y' has no value; fill it, since the mo"):
        task.answer(network, gap, ASKED)


def test_answer_reads_the_lookback_alone(tmp_path):
    task, _ = prepared(tmp_path)
    network = build_model(task, "gru").eval()
    table = series()
    whole = task.answer(network, table, ASKED)
    table.loc[:53, ["y", "x"]] = np.nan
    table.loc[:53, "date"] = table["date"][0]
    pd.testing.assert_frame_equal(task.answer(network, table, ASKED), whole)


def test_answer_tells_day_from_month_by_earlier_rows(tmp_path):
    table = series(61)
    task, _ = prepared(tmp_path, table)
    network = build_model(task, "gru").eval()
    days = [datetime(2024, 1, 9) + timedelta(days=i) for i in range(61)]
    written = table.assign(date=[f"{day:%d/%m/%Y}" for day in days])
    answer = task.answer(network, written, ASKED)
    assert answer["date"].astype(str).tolist() == ["2024-03-10", "2024-03-11", "2024-03-12"]
    with pytest.raises(DataError, match="can be day and month or month and day"):
        task.answer(network, written.tail(6), ASKED)


def test_answer_refuses_rows_that_are_not_in_time_as_those_of_the_training(tmp_path):
    task, _ = prepared(tmp_path)
    network = build_model(task, "gru").eval()
    hours = series().assign(date=pd.date_range("2024-01-01", periods=ROWS, freq="h"))
    with pytest.raises(DataError, match="are 3600 seconds apart, and the model was trained on"):
        task.answer(network, hours, ASKED)
    with pytest.raises(DataError, match=r"row 57: 2024-02-27 comes 2 days after .* step is 1 day"):
        task.answer(network, pd.concat([series(ROWS + 1)[:56], series(ROWS + 1)[57:]]), ASKED)
    with pytest.raises(DataError, match=r"row 56: .* reverse the rows"):
        task.answer(network, series()[::-1], ASKED)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("ME", ["2028-12-31", "2029-01-31", "2029-02-28"]),
        ("B", ["2024-03-22", "2024-03-25", "2024-03-26"]),
    ],
)
def test_answer_follows_the_calendar(tmp_path, step, expected):
    table = series(59).assign(date=pd.date_range("2024-01-01", periods=59, freq=step))
    task, _ = prepared(tmp_path, table, lookback=8)
    answer = task.answer(build_model(task, "gru").eval(), table, ASKED)
    assert answer["date"].astype(str).tolist() == expected


def test_example_is_a_stretch_of_rows_without_a_gap(tmp_path):
    table = series()
    table.loc[[2, 6], "y"] = np.nan
    task, _ = prepared(tmp_path, table, missing="fill")
    example = task.example(tmp_path)
    assert example["date"].astype(str).tolist() == [f"2024-01-{d:02d}" for d in range(8, 14)]
    np.testing.assert_allclose(example["y"], table["y"][7:13])
    assert len(task.answer(build_model(task, "gru").eval(), example, ASKED)) == 3


def test_rows_that_are_not_a_step_apart_are_taken_where_that_is_allowed(tmp_path):
    table = series().drop(index=[5, 6, 30])
    with pytest.raises(DataError, match=r"row 7: 2024-01-08 comes 3 days after .*\(2 such rows\)"):
        prepared(tmp_path, table)
    task, data = prepared(tmp_path, table, irregular="allow")
    assert len(data["values"]) == 57
    assert task.meta.step_seconds == 86400


def test_rows_after_the_split_are_left_out(tmp_path):
    task, data = prepared(tmp_path, split=(30, 10, 10))
    assert task.meta.sides == [{"train": (0, 30), "validation": (30, 40), "test": (40, 50)}]
    assert len(data["values"]) == 50


def test_table_that_is_too_short_is_refused(tmp_path):
    with pytest.raises(DataError, match="train set has 8 rows, too few for a lookback of 6"):
        prepared(tmp_path, series(12))


def test_segment_must_divide_the_lookback(tmp_path):
    with pytest.raises(ParameterError, match=r"segment 4 does not divide data\.lookback 6"):
        prepared(tmp_path, model=ForecastingModel(segment=4))


def test_target_cannot_be_the_column_of_timestamps():
    with pytest.raises(ValueError, match="date 'y' is a target or feature too"):
        ForecastingData(targets=("y",), date="y")


SUGGESTED = {
    "hours": ("h", 2000, {"lookback": 336, "horizon": 24}),
    "days": ("D", 1000, {"lookback": 56, "horizon": 7}),
    "weeks": ("W-SUN", 1500, {"lookback": 104, "horizon": 13}),
    "months": ("MS", 120, {"lookback": 24, "horizon": 12}),
    "few": ("D", 40, {"lookback": 8, "horizon": 4}),
}


@pytest.mark.parametrize("kind", SUGGESTED)
def test_suggestion_fits_the_step_and_the_rows(tmp_path, kind):
    step, rows, windows = SUGGESTED[kind]
    times = pd.date_range("2001-01-01", periods=rows, freq=step)
    write(tmp_path, series(rows).assign(date=times).rename(columns={"date": "when"}))
    parts = Forecasting.suggest(tmp_path, {"targets": ["y"]})
    assert parts["data"] == {"targets": ["y"], "date": "when", "split": [0.6, 0.2, 0.2]} | windows
    assert yaml.safe_load(yaml.safe_dump(parts)) == parts
    _, meta = Forecasting.prepare(tmp_path, parse(ForecastingData, parts["data"], ""))
    task = Forecasting(meta, parse(ForecastingModel, parts["model"], ""))
    assert build_model(task, "gru").num_steps <= 104
    training = parse(TrainingParameters, parts["training"], "")
    assert 16 <= training.batch_size <= max(16, task.meta.items["train"] / 20)


def test_suggestion_declares_gaps(tmp_path):
    table = series(100)
    table.loc[4, "y"] = np.nan
    write(tmp_path, table.drop(index=[8, 30]))
    data = Forecasting.suggest(tmp_path, {"targets": ["y"], "horizon": 5})["data"]
    assert (data["missing"], data["irregular"], data["horizon"]) == ("fill", "allow", 5)
    _, meta = Forecasting.prepare(tmp_path, parse(ForecastingData, data, ""))
    assert meta.items["test"] == 16


def test_suggestion_for_a_table_without_timestamps(tmp_path):
    write(tmp_path, series(100)[["y", "x"]])
    data = Forecasting.suggest(tmp_path, {"targets": ["y"], "features": ["x"]})["data"]
    assert data["date"] is None
    assert Forecasting.prepare(tmp_path, parse(ForecastingData, data, ""))[1].columns == [
        "y",
        "x",
    ]


REFUSED = {
    "no target": ({}, "table.csv: no targets, .* are given; columns of numbers: y, x"),
    "absent": ({"targets": ["z"]}, "table.csv has no column 'z'; columns of numbers: y, x"),
    "text": ({"targets": ["shop"]}, "column 'shop' holds no numbers; columns of numbers: y, x"),
    "too far": ({"targets": ["y"], "horizon": 13}, "60 rows, too few for .* shortest 12"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_suggested_is_told(tmp_path, kind):
    wanted, message = REFUSED[kind]
    write(tmp_path, series().assign(shop="north"))
    with pytest.raises(ParameterError, match=message):
        Forecasting.suggest(tmp_path, wanted)


def test_nothing_is_suggested_for_a_handful_of_rows(tmp_path):
    write(tmp_path, series(19))
    with pytest.raises(DataError, match=r"table\.csv has 19 rows; at least 20 are needed"):
        Forecasting.suggest(tmp_path, {"targets": ["y"]})


@pytest.mark.parametrize("form", ["csv", "parquet", "folder"])
def test_input_is_read_as_training_data_are(tmp_path, form):
    table, path = series(), tmp_path / f"table.{form}"
    if form == "folder":
        path.mkdir()
        write(path, table)
    else:
        getattr(table, f"to_{form}")(path, index=False)
    (tmp_path / "raw").mkdir()
    read = prepared(tmp_path / "raw", table)[0].read_input(path)
    np.testing.assert_allclose(read[["y", "x"]].astype(float), table[["y", "x"]])
    assert pd.to_datetime(read["date"]).tolist() == table["date"].tolist()


def test_input_that_is_not_there_is_told(tmp_path):
    task, _ = prepared(tmp_path)
    with pytest.raises(DataError, match=r"there is no .*sales\.csv"):
        task.read_input(tmp_path / "sales.csv")
