"""Forecasting: what a window may see, what is scored, and tables that are not in order."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from rnn_core.errors import DataError, ParameterError
from rnn_core.recurrent import Recurrent
from rnn_core.runs import build_model
from rnn_core.tasks.base import SPLITS
from rnn_core.tasks.forecasting import Forecasting, ForecastingData, ForecastingModel

ROWS = 60


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
    assert task.meta["mean"] == other.meta["mean"]
    assert task.meta["std"] == other.meta["std"]
    torch.testing.assert_close(data["values"][:42], changed["values"][:42], rtol=0, atol=0)
    train = table[["y", "x"]].to_numpy()[:42]
    np.testing.assert_allclose(task.meta["mean"], train.mean(axis=0))
    np.testing.assert_allclose(task.meta["std"], train.std(axis=0))


def test_tables_of_several_columns_can_be_saved_row_by_row(tmp_path):
    _, data = prepared(tmp_path, date=None)
    saved = load(save(data))["values"]
    table = series()[["y", "x"]].to_numpy()
    expected = (table - table[:42].mean(axis=0)) / table[:42].std(axis=0)
    np.testing.assert_allclose(saved, expected, rtol=1e-6)


@pytest.mark.parametrize("rows", range(60, 71))
def test_shares_leave_no_row_out(tmp_path, rows):
    task, _ = prepared(tmp_path, series(rows))
    assert task.meta["borders"]["test"][1] == rows


def test_no_window_is_scored_or_trained_outside_its_side(tmp_path):
    task, _ = prepared(tmp_path)
    seen = {}
    for split, (start, end) in zip(SPLITS, [(0, 42), (42, 48), (48, 60)], strict=True):
        futures = [range(row + 6, row + 9) for row in task.rows(split).tolist()]
        seen[split] = {row for future in futures for row in future}
        assert min(seen[split]) == max(start, 6)
        assert max(seen[split]) == end - 1
        assert len(futures) == task.meta["items"][split]
    assert not seen["train"] & (seen["validation"] | seen["test"])
    assert task.rows("train").max() + 9 <= 42


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


def test_every_training_window_is_drawn_once_an_epoch(tmp_path):
    task, data = prepared(tmp_path)
    draw = torch.Generator().manual_seed(0)
    batches = list(task.training_batches(data, 8, draw))
    assert len(batches) == task.num_batches(data, 8)
    pasts = torch.cat([past for past, _ in batches])
    expected, _ = task.windows(data, task.rows("train"))
    assert sorted(pasts.flatten(1).tolist()) == sorted(expected.flatten(1).tolist())


class Constant(nn.Module):
    def forward(self, past):
        return torch.full((len(past), 3, 1), 0.5)


def test_score_is_the_mean_squared_error_of_standardised_values(tmp_path):
    table = series()
    task, data = prepared(tmp_path, table)
    y = (table["y"].to_numpy() - task.meta["mean"][0]) / task.meta["std"][0]
    windows = [y[row : row + 3] for row in range(48, 58)]
    expected = [((0.5 - window) ** 2).mean() for window in windows]
    scores = task.scores(Constant(), data, "test")
    np.testing.assert_allclose(scores.values.numpy(), expected, rtol=1e-5)
    assert scores.mean == pytest.approx(np.mean(expected), rel=1e-5)


def test_baselines_match_numpy(tmp_path):
    task, data = prepared(tmp_path, features=())
    values = data["values"].double().numpy()[:, 0]
    windows = np.lib.stride_tricks.sliding_window_view(values, 9)
    train, test = windows[: 42 - 8], windows[48 - 6 : 60 - 8]
    repeated = ((test[:, 6:] - test[:, 5:6]) ** 2).mean()
    x, y = train[:, :6] - train[:, 5:6], train[:, 6:] - train[:, 5:6]
    weight = np.linalg.lstsq(
        np.vstack([x, np.sqrt(1e-3 * len(x)) * np.eye(6)]), np.vstack([y, np.zeros((6, 3))])
    )[0]
    linear = (((test[:, :6] - test[:, 5:6]) @ weight + test[:, 5:6] - test[:, 6:]) ** 2).mean()
    baselines = task.baselines(data)
    assert baselines["repeat_last"] == pytest.approx(repeated, rel=1e-5)
    assert baselines["linear"] == pytest.approx(linear, rel=1e-4)


@pytest.mark.parametrize("channels", ["together", "apart"])
def test_last_value_normalisation_makes_forecasts_follow_the_level(tmp_path, channels):
    model = ForecastingModel(hidden_size=4, channels=channels, normalisation="last_value")
    task, data = prepared(tmp_path, model=model)
    network = build_model(task, "gru").eval()
    past, _ = task.windows(data, task.rows("test"))
    raised = network(past + 3.0)
    torch.testing.assert_close(raised, network(past) + 3.0, rtol=1e-4, atol=1e-4)


def test_channels_apart_share_weights_and_do_not_see_each_other(tmp_path):
    model = ForecastingModel(hidden_size=4, channels="apart", embedding_size=5, segment=2)
    task, data = prepared(tmp_path, targets=("y", "x"), features=(), model=model)
    network = build_model(task, "lstm").eval()
    past, _ = task.windows(data, task.rows("test"))
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
    answer = task.answer(network, table)
    assert answer["date"].tolist() == [datetime(2024, 3, 1) + timedelta(days=i) for i in range(3)]
    with torch.inference_mode():
        scaled = network(data["values"][None, -6:])[0, :, 0].double().numpy()
    expected = scaled * task.meta["std"][0] + task.meta["mean"][0]
    np.testing.assert_allclose(answer["y"], expected, rtol=1e-5)


def test_answer_refuses_a_table_that_does_not_fit(tmp_path):
    task, _ = prepared(tmp_path)
    network = build_model(task, "gru").eval()
    with pytest.raises(DataError, match="unknown column 'x'"):
        task.answer(network, series().drop(columns="x"))
    with pytest.raises(DataError, match="has 5 rows; 6 are needed"):
        task.answer(network, series(5))
    with pytest.raises(DataError, match="have missing values"):
        task.answer(network, series().assign(y=None))


def test_gaps_are_filled_within_their_side(tmp_path):
    table = series()
    table.loc[41:42, "y"] = np.nan
    task, data = prepared(tmp_path, table, missing="interpolate")
    filled = data["values"][:, 0].double().numpy() * task.meta["std"][0] + task.meta["mean"][0]
    assert filled[41] == pytest.approx(table["y"][40], rel=1e-5)
    assert filled[42] == pytest.approx(table["y"][43], rel=1e-5)


def test_rows_after_the_split_are_left_out(tmp_path):
    task, data = prepared(tmp_path, split=(30, 10, 10))
    assert task.meta["borders"] == {"train": (0, 30), "validation": (30, 40), "test": (40, 50)}
    assert len(data["values"]) == 50


def broken(change):
    table = series().astype({"y": object})
    change(table)
    return table


def swap_dates(table):
    table.loc[[7, 8], "date"] = table.loc[[8, 7], "date"].to_numpy()


BROKEN = {
    "gap": (lambda t: t.__setitem__("y", t["y"].where(t.index != 9)), "row 11, column 'y' has no"),
    "word": (lambda t: t.__setitem__("y", t["y"].where(t.index != 4, "n/b")), "row 6, column 'y'"),
    "date": (lambda t: t.__setitem__("date", "soon"), "row 2, column 'date': 'soon' is not a"),
    "order": (swap_dates, "row 10: 2024-01-08"),
    "twice": (lambda t: t.__setitem__("date", t["date"][0]), "row 3: 2024-01-01"),
    "constant": (lambda t: t.__setitem__("x", 1.0), "column 'x' never changes"),
    "target": (lambda t: t.pop("y"), "unknown column 'y'; known: date, x"),
    "no date": (lambda t: t.pop("date"), "unknown column 'date'"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_table_is_named_with_its_row(tmp_path, kind):
    change, message = BROKEN[kind]
    with pytest.raises(DataError) as caught:
        prepared(tmp_path, broken(change))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_table_that_is_too_short_is_refused(tmp_path):
    with pytest.raises(DataError, match="train side has 8 rows, too few for a lookback of 6"):
        prepared(tmp_path, series(12))


def test_folder_must_hold_one_table(tmp_path):
    with pytest.raises(DataError, match="holds 0 tables"):
        Forecasting.prepare(tmp_path, ForecastingData(targets=("y",)))
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(DataError, match=r"a\.csv is not a readable table"):
        Forecasting.prepare(tmp_path, ForecastingData(targets=("y",)))


def test_segment_must_divide_the_lookback(tmp_path):
    with pytest.raises(ParameterError, match=r"segment 4 does not divide data\.lookback 6"):
        prepared(tmp_path, model=ForecastingModel(segment=4))
