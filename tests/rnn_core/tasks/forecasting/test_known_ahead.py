"""Columns that are known ahead, and the calendar: read where they are known, and nothing else."""

from functools import partial

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from usual_forecasting import prepared_with

from rnn_core.errors import DataError
from rnn_core.models.ensemble import ensemble
from rnn_core.models.exporting import export_onnx
from rnn_core.tasks.base.divides import divide
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

ASKED = Forecasting.AnswerParameters()
OPTIONS = {
    "targets": ("y",),
    "features": ("x",),
    "known": ("price", "holiday"),
    "calendar": ("weekday", "month"),
    "lookback": 6,
    "horizon": 3,
}
ROWS = 120


def table_of(rows=ROWS, seed=0, start="2024-01-05"):
    """Sales that fall with the price, and more so on holidays."""
    draw = np.random.default_rng(seed)
    price, holiday = draw.uniform(1, 5, rows).round(2), (draw.random(rows) < 0.3).astype(int)
    sold = 40 - 4 * price + 12 * holiday + draw.normal(0, 0.5, rows)
    return pd.DataFrame(
        {
            "date": pd.date_range(start, periods=rows),
            "y": sold,
            "x": draw.normal(size=rows),
            "price": price,
            "holiday": holiday,
        }
    )


def with_ahead(table, rows=3):
    """A table whose last rows are to be predicted."""
    table = table.copy()
    table.loc[table.index[-rows:], ["y", "x"]] = np.nan
    return table


prepared = partial(prepared_with, OPTIONS)


@pytest.fixture
def made(tmp_path):
    task, data = prepared(tmp_path / "raw", table_of())
    return task, data, build_model(task, "gru").eval()


def expected_calendar(times):
    """Weekday and month on circles."""
    angles = [2 * np.pi * times.dt.day_of_week / 7, 2 * np.pi * (times.dt.month - 1) / 12]
    return np.stack([f(angle) for angle in angles for f in (np.sin, np.cos)], axis=1)


def test_model_reads_what_is_known_of_the_horizon_and_the_past_of_all(made):
    task, data, _ = made
    table, train = table_of(), slice(0, round(0.7 * ROWS))
    columns = table[["y", "x", "price", "holiday"]].to_numpy()
    scaled = (columns - columns[train].mean(axis=0)) / columns[train].std(axis=0)
    whole = np.concatenate([scaled, expected_calendar(table["date"])], axis=1)
    rows = task.rows(data, "test")
    past, ahead, future = task.windows(data, rows)
    for i, row in enumerate(rows.tolist()):
        np.testing.assert_allclose(past[i], whole[row : row + 6], atol=1e-5)
        np.testing.assert_allclose(ahead[i], whole[row + 6 : row + 9, 2:], atol=1e-5)
        np.testing.assert_allclose(future[i], whole[row + 6 : row + 9, :1], atol=1e-5)


def test_without_anything_known_ahead_nothing_is_added(tmp_path):
    task, data = prepared(tmp_path / "raw", table_of(), known=(), calendar=())
    assert data.keys() == {"values"}
    assert len(task.windows(data, task.rows(data, "train"))) == 2
    assert not [name for name in build_model(task, "gru").state_dict() if "step_head" in name]


def fitted(task, data, epochs=30):
    """A model after a few hundred steps, and its score on the test set."""
    model, draw = build_model(task, "gru"), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(epochs):
        for batch in task.training_batches(data, 32, draw):
            optimiser.zero_grad()
            task.loss(model, batch, None)[0].backward()
            optimiser.step()
    with torch.inference_mode():
        return task.scores(model.eval(), data, "test").overall


@pytest.mark.parametrize("channels", ["together", "apart"])
def test_series_that_others_drive_is_forecast_far_better_with_them(tmp_path, channels):
    """By far more than what their past alone tells, and near to the noise."""
    model = ForecastingModel(hidden_size=16, channels=channels)
    options = {"features": (), "calendar": ()}
    task, data = prepared(tmp_path / "known", table_of(300), model, **options)
    before = {"features": ("price", "holiday"), "known": (), "calendar": ()}
    other, past_alone = prepared(tmp_path / "past", table_of(300), model, **before)
    found, without = fitted(task, data), fitted(other, past_alone)
    assert without > 0.8
    assert found < 0.15


def test_calendar_tells_what_the_lookback_is_too_short_to_see(tmp_path):
    draw = np.random.default_rng(0)
    times = pd.date_range("2024-01-01", periods=300)
    sold = np.where(times.day_of_week >= 5, 9.0, 1.0) + draw.normal(0, 0.3, 300)
    table = table_of(300).assign(date=times, y=sold)
    model, short = ForecastingModel(hidden_size=16), {"features": (), "known": (), "lookback": 2}
    task, data = prepared(tmp_path / "with", table, model, calendar=("weekday",), **short)
    other, without = prepared(tmp_path / "without", table, model, calendar=(), **short)
    assert fitted(task, data) < 0.1
    assert fitted(other, without) > 0.25


@torch.inference_mode()
@pytest.mark.parametrize("segment", [1, 3])
def test_answer_reads_the_rows_after_the_last_target(tmp_path, segment):
    """It is what the network says of these numbers, in units of the table."""
    task, _ = prepared(
        tmp_path / "raw", table_of(), ForecastingModel(hidden_size=4, segment=segment)
    )
    model = build_model(task, "gru").eval()
    table = with_ahead(table_of(40, seed=1))
    (scale,) = task.meta.series
    columns = table[["y", "x", "price", "holiday"]].to_numpy()
    scaled = (columns - scale.mean) / scale.std
    whole = torch.tensor(np.concatenate([scaled, expected_calendar(table["date"])], 1)).float()
    said = model(whole[None, 31:37], whole[None, 37:, 2:])[0, :, 0].double().numpy()
    answer = task.answer(model, table, ASKED)
    np.testing.assert_allclose(answer["y"], said * scale.std[0] + scale.mean[0], rtol=1e-5)
    assert answer["date"].tolist() == table["date"][37:].tolist()


@torch.inference_mode()
def test_value_that_is_known_changes_the_forecast_of_its_row(made):
    task, _, model = made
    table = with_ahead(table_of(40, seed=1), rows=5)
    before = task.answer(model, table, ASKED)["y"]
    changed = task.answer(model, table.replace({"price": {table["price"][36]: 30.0}}), ASKED)["y"]
    assert (before != changed).tolist() == [False, True, False]
    later = table.assign(price=table["price"].where(table.index < 38, 30.0))
    assert task.answer(model, later, ASKED)["y"].equals(before)


@torch.inference_mode()
def test_answer_has_the_timestamps_of_the_rows_that_are_given(tmp_path):
    """Also where they are not one step apart, and the weekday is then that of those days."""
    table = table_of().drop(index=range(5, ROWS, 9)).reset_index(drop=True)
    task, _ = prepared(tmp_path / "raw", table, irregular="allow")
    model = build_model(task, "gru").eval()
    asked = with_ahead(table.iloc[:40])
    later = asked.assign(date=asked["date"].where(asked.index < 39, pd.Timestamp("2024-02-28")))
    answer, other = (task.answer(model, each, ASKED) for each in (asked, later))
    assert other["date"].tolist() == later["date"][37:].tolist()
    assert (answer["y"] == other["y"]).tolist() == [True, True, False]


@torch.inference_mode()
def test_calendar_alone_asks_for_no_rows(tmp_path):
    task, _ = prepared(tmp_path / "raw", table_of(), features=(), known=())
    model = build_model(task, "gru").eval()
    table = table_of(40, seed=1)
    answer = task.answer(model, table[["date", "y"]], ASKED)
    moved = task.answer(
        model, table.assign(date=table["date"] + pd.Timedelta(days=3))[["date", "y"]], ASKED
    )
    assert (answer["y"] != moved["y"]).all()
    weeks = table.assign(date=table["date"] + pd.Timedelta(days=364))  # of the same month nearly
    rows = weeks["date"].dt.month == table["date"].dt.month
    assert rows[34:].all()
    np.testing.assert_allclose(task.answer(model, weeks[["date", "y"]], ASKED)["y"], answer["y"])


def cut(rows):
    return lambda table: table.iloc[:-rows]


def without(row, column):
    return lambda table: table.assign(**{column: table[column].where(table.index != row)})


def a_day_later(table):
    return table.assign(
        date=table["date"].where(table.index < 37, table["date"] + pd.Timedelta("1D"))
    )


NO_ROWS = (
    "the table: the model knows price, holiday ahead, and of the 3 rows to predict, from "
    r"2024-02-11 on, {} are there; add them with price, holiday filled and y empty"
)
WRONG = {
    "no rows": (cut(3), NO_ROWS.format(0)),
    "too few": (cut(1), NO_ROWS.format(2) + ", or ask for horizon=2"),
    "no price": (without(38, "price"), "row 39, column 'price' has no value; fill it, since the"),
    "no holiday": (without(37, "holiday"), "row 38, column 'holiday' has no value"),
    "gap before": (without(35, "price"), "row 36, column 'price' has no value; fill it, since"),
    "no column": (lambda t: t.drop(columns="holiday"), "unknown column 'holiday'"),
    "words": (lambda t: t.assign(price="low"), "column 'price'.*'low' is not a number"),
    "a day later": (a_day_later, "row 38: 2024-02-12 comes 2 days after the row before"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_rows_that_do_not_say_what_is_known_are_told(made, kind):
    task, _, model = made
    change, message = WRONG[kind]
    with pytest.raises(DataError, match=message):
        task.answer(model, change(with_ahead(table_of(40, seed=1))), ASKED)


@torch.inference_mode()
def test_each_series_is_answered_by_its_own_rows(tmp_path, made):
    parts = {name: table_of(50, seed) for seed, name in enumerate(("n", "s", "e"))}
    stacked = pd.concat([part.assign(store=name) for name, part in parts.items()])
    task, _ = prepared(tmp_path / "all", stacked, series="store")
    model = build_model(task, "gru").eval()
    new = {"s": with_ahead(table_of(30, 8), 5), "w": with_ahead(table_of(30, 9))}
    asked = pd.concat([part.assign(store=name) for name, part in new.items()], ignore_index=True)
    answer = task.answer(model, asked.sort_values("date", kind="stable"), ASKED)
    for name, part in new.items():
        alone = task.answer(model, part.assign(store=name), ASKED)
        found = answer[answer["store"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, alone, rtol=1e-5)
    lacking = asked.drop(index=[28, 59])
    with pytest.raises(DataError) as error:
        task.answer(model, lacking, ASKED)
    assert "series 'w': the model knows price, holiday ahead, and of the 3 rows" in str(error.value)
    assert "series 's'" not in str(error.value)


def test_gaps_of_what_is_known_are_filled_from_the_rows_before(tmp_path):
    table = table_of()
    table.loc[[1, 2, 50], "price"] = np.nan
    task, data = prepared(tmp_path / "raw", table, missing="fill")
    filled = table.assign(price=table["price"].ffill())
    (scale,) = task.meta.series
    for row in (20, 43, 46):
        _, ahead, _ = task.windows(data, torch.tensor([row]))
        expected = (filled["price"][row + 6 : row + 9] - scale.mean[2]) / scale.std[2]
        np.testing.assert_allclose(ahead[0, :, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("division", ["refit", "moved_back"])
def test_calendar_moves_with_the_rows(made, division):
    task, data, _ = made
    moved, meta = divide(Forecasting, data, task.meta, division)
    other = Forecasting(meta, task.model)
    first = 0
    windows = other.windows(moved, torch.tensor([first, first + 40]))
    for ours, theirs in zip(
        windows, task.windows(data, torch.tensor([first, first + 40])), strict=True
    ):
        assert torch.equal(ours, theirs)
    assert len(moved["calendar"]) == len(moved["values"])


@torch.inference_mode()
def test_later_table_is_scored_as_it_is_answered(tmp_path, made):
    task, _, model = made
    (later := tmp_path / "later").mkdir()
    table = table_of(60, seed=3)
    table.to_csv(later / "t.csv", index=False)
    found = task.rescore(model, later, task.meta.parameters, 0, task.meta)
    _, meta = Forecasting.prepare(later, task.meta.parameters)
    expected = []
    for now in range(48, 58):
        answer = task.answer(model, with_ahead(table[: now + 3]), ASKED)["y"].to_numpy()
        error = (answer - table["y"][now : now + 3].to_numpy()) / meta.series[0].std[0]
        expected.append((error**2).mean())
    np.testing.assert_allclose(found.values, expected, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("channels", ["together", "apart"])
@pytest.mark.parametrize("loss", ["mse", "quantile"])
@pytest.mark.one_in(2)
def test_exported_network_and_ensemble_read_it_too(tmp_path, channels, loss):
    options = {"channels": channels, "loss": loss, "segment": 2}
    model = ForecastingModel(hidden_size=4, **options)
    task, data = prepared(tmp_path / "raw", table_of(), model, targets=("y", "x"), features=())
    networks = [build_model(task, "gru", seed).eval() for seed in range(2)]
    together = ensemble(networks)
    *inputs, _ = task.windows(data, task.rows(data, "test")[:5])
    said = together(*inputs)
    torch.testing.assert_close(said, (networks[0](*inputs) + networks[1](*inputs)) / 2)
    export_onnx(together, tmp_path / "m.onnx", {})
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    given = dict(zip(("past", "ahead"), (each.numpy() for each in inputs), strict=True))
    np.testing.assert_allclose(session.run(None, given)[0], said, rtol=1e-4, atol=1e-5)


def test_example_can_be_answered(tmp_path, made):
    task, _, model = made
    example = task.example(tmp_path / "raw")
    assert example["y"].notna().tolist() == [True] * 6 + [False] * 3
    assert task.answer(model, example, ASKED)["y"].notna().all()


def test_linear_forecast_with_what_is_known_is_the_one_of_what_remains(made):
    """By numpy's least squares, where the ridge is small."""
    task, data, _ = made
    found = task.baselines(data)
    assert found["linear_known"] < 0.1 < found["linear"]
    (past, ahead, future), (test_past, test_ahead, truth) = (
        [each.double().numpy() for each in task.windows(data, task.rows(data, split))]
        for split in ("train", "test")
    )

    def one(rows):
        return np.concatenate([rows, np.ones((*rows.shape[:-1], 1))], axis=-1)

    rows = one(ahead).reshape(-1, 7)
    ridge = 1e-3 * len(rows) * np.eye(7)
    weight = np.linalg.solve(rows.T @ rows + ridge, rows.T @ future.reshape(-1, 1))
    remains = past[..., :1] - one(past[..., 2:]) @ weight
    change = (remains - remains[:, -1:])[..., 0]
    target = (future - one(ahead) @ weight - remains[:, -1:])[..., 0]
    ridge = 1e-3 * len(change) * np.eye(6)
    map_ = np.linalg.solve(change.T @ change + ridge, change.T @ target)
    now = test_past[..., :1] - one(test_past[..., 2:]) @ weight
    said = (now - now[:, -1:])[..., 0] @ map_ + now[:, -1] + (one(test_ahead) @ weight)[..., 0]
    assert found["linear_known"] == pytest.approx(((said - truth[..., 0]) ** 2).mean(), rel=1e-4)
