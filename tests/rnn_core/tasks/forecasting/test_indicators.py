"""Columns of texts in forecasting: read as columns of 0 and 1, told, and asked for as texts."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from usual_forecasting import prepared_with

from rnn_core.errors import DataError, ParameterError
from rnn_core.tasks.forecasting.suggest import suggest
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.tasks.forecasting.understand import understand
from rnn_core.training.models import build_model

ASKED = Forecasting.AnswerParameters()
HOLIDAYS = ("", "", "", "Easter", "New Year", "a=b")
KINDS = ["holiday = Easter", "holiday = New Year", "holiday = a=b"]
ROWS = 120


def table_of(rows=ROWS, seed=0):
    draw = np.random.default_rng(seed)
    holiday = draw.choice(HOLIDAYS, rows)
    sold = 40 + 12 * (holiday == "Easter") - 9 * (holiday == "New Year") + draw.normal(size=rows)
    weather = np.where(draw.random(rows) < 0.5, "sun", "rain")
    dates = pd.date_range("2024-01-05", periods=rows)
    return pd.DataFrame({"date": dates, "y": sold, "weather": weather, "holiday": holiday})


def by_hand(table):
    """The same table with columns of 0 and 1 in the place of texts."""
    found = table[["date", "y"]].assign(sun=1.0 * (table["weather"] == "sun"))
    for place, kind in enumerate(HOLIDAYS[3:]):
        found[f"h{place}"] = 1.0 * (table["holiday"] == kind)
    return found


SIZES = {"lookback": 6, "horizon": 3}
TEXTS = {"targets": ("y",), "features": ("weather = sun",), "known": tuple(KINDS), **SIZES}
NUMBERS = {"targets": ("y",), "features": ("sun",), "known": ("h0", "h1", "h2"), **SIZES}
prepared = partial(prepared_with, TEXTS)
prepared_numbers = partial(prepared_with, NUMBERS)


@pytest.fixture
def made(tmp_path):
    task, data = prepared(tmp_path / "raw", table_of())
    return task, data, build_model(task, "gru").eval()


def with_ahead(table, rows=3):
    table = table.copy()
    table.loc[table.index[-rows:], "y"] = np.nan
    return table


def test_texts_are_read_as_the_same_data_with_columns_of_0_and_1(made, tmp_path):
    task, data, model = made
    other, expected = prepared_numbers(tmp_path / "numbers", by_hand(table_of()))
    assert torch.equal(data["values"], expected["values"])
    twin = build_model(other, "gru").eval()
    table = with_ahead(table_of(seed=1))
    answer = task.answer(model, table, ASKED)
    np.testing.assert_array_equal(answer["y"], other.answer(twin, by_hand(table), ASKED)["y"])
    table.loc[table.index[-1], "holiday"] = "Easter" if table["holiday"].iloc[-1] == "" else ""
    assert (task.answer(model, table, ASKED)["y"] != answer["y"]).any()


def test_a_text_that_is_not_known_is_read_as_none(made):
    task, _, model = made
    table = with_ahead(table_of())
    table.loc[table.index[-2], "holiday"] = ""
    expected = task.answer(model, table, ASKED)
    for value in ("May Day", None, "n/a", " "):
        table.loc[table.index[-2], "holiday"] = value
        pd.testing.assert_frame_equal(task.answer(model, table, ASKED), expected)
    table.loc[table.index[-2], "holiday"] = " Easter "
    assert (task.answer(model, table, ASKED)["y"] != expected["y"]).any()


def test_columns_of_texts_are_asked_for_by_their_own_names(made, tmp_path):
    task, _, model = made
    assert set(task.input_columns()) == {"date", "y", "weather", "holiday"}
    example = task.example(tmp_path / "raw")
    first = table_of().head(9)
    assert example["holiday"].tolist() == first["holiday"].tolist()
    assert example["weather"].tolist()[:6] == [
        "sun" if value == "sun" else "" for value in first["weather"][:6]
    ]
    assert len(task.answer(model, example, ASKED)) == 3
    with pytest.raises(DataError, match="holiday"):
        task.answer(model, with_ahead(table_of()).drop(columns="holiday"), ASKED)


def written(folder, table):
    folder.mkdir()
    table.to_csv(folder / "sales.csv", index=False)
    return folder


def test_columns_of_texts_are_suggested_and_told(tmp_path):
    raw = written(tmp_path / "raw", table_of())
    data = suggest(raw, {"targets": ["y"], "features": ["weather"], "known": ["holiday"]})["data"]
    assert data["features"] == ["weather = rain", "weather = sun"]
    assert data["known"] == KINDS
    asked = Forecasting.DataParameters(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    )
    found = understand(raw, *Forecasting.prepare(raw, asked))
    assert "known ahead: holiday" in found.read
    assert any(
        line.startswith("column 'holiday' has texts, and is read as 0 and 1 for each of: Easter,")
        for line in found.read
    )
    assert not any("not read" in line and "holiday" in line for line in found.read)


def test_texts_that_only_later_rows_have_are_no_columns(tmp_path):
    table = table_of()
    table.loc[table.index[-5:], "holiday"] = "Christmas"
    raw = written(tmp_path / "raw", table)
    data = suggest(raw, {"targets": ["y"], "known": ["holiday"]})["data"]
    assert data["known"] == KINDS


def test_texts_of_each_series_are_known_by_its_own_training_set(tmp_path):
    """The last rows of the first series are in the middle of the table."""
    table = pd.concat([table_of().assign(shop="a"), table_of(seed=1).assign(shop="b")])
    last = table["date"] > table["date"].iloc[ROWS - 6]
    table.loc[last & (table["shop"] == "a"), "holiday"] = "Christmas"
    raw = written(tmp_path / "raw", table)
    data = suggest(raw, {"targets": ["y"], "known": ["holiday"], "series": "shop"})["data"]
    assert data["known"] == KINDS


def test_many_different_texts_are_refused(tmp_path):
    raw = written(tmp_path / "raw", table_of().assign(note=[f"note {i}" for i in range(ROWS)]))
    with pytest.raises(ParameterError, match=r"'note' has 72 different texts, .* at most 20 are"):
        suggest(raw, {"targets": ["y"], "known": ["note"]})
    with pytest.raises(ParameterError, match="column 'weather' holds no numbers"):
        suggest(raw, {"targets": ["weather"]})


def test_suggested_columns_can_be_asked_for_again(tmp_path):
    raw = written(tmp_path / "raw", table_of())
    wanted = {"targets": ["y"], "features": ["weather"], "known": ["holiday"]}
    data = suggest(raw, wanted)["data"]
    again = suggest(raw, {**wanted, "features": data["features"], "known": data["known"]})["data"]
    assert again == data


@pytest.mark.parametrize(
    ("texts", "kinds"),
    [
        (("0", "Easter", "Easter"), ["Easter", "0"]),
        (("7 mph", "rain", "snow"), ["7 mph", "rain", "snow"]),
        (("E", "N", "1e5"), ["1e5", "E", "N"]),
        (("Cafe\u0301", "Caf\u00e9", "tea"), ["Caf\u00e9", "tea"]),
    ],
)
def test_texts_among_which_are_numbers_are_texts(tmp_path, texts, kinds):
    table = table_of().assign(holiday=[texts[i % 3] for i in range(ROWS)])
    raw = written(tmp_path / "raw", table)
    data = suggest(raw, {"targets": ["y"], "known": ["holiday"]})["data"]
    assert sorted(data["known"]) == sorted(f"holiday = {kind}" for kind in kinds)


def test_numbers_among_which_is_a_text_are_numbers(tmp_path):
    table = table_of().assign(price=["1.5", "2.5", "x", "3"] * (ROWS // 4))
    raw = written(tmp_path / "raw", table)
    with pytest.raises(DataError, match="column 'price'"):
        suggest(raw, {"targets": ["y"], "known": ["price"]})


def test_columns_whose_names_hold_the_sign_are_refused_but_not_as_targets(tmp_path):
    table = table_of().rename(columns={"y": "y=1"}).assign(**{"temp = C": 1.5, "temp": "x"})
    table["temp = C"] = np.arange(ROWS)
    raw = written(tmp_path / "raw", table)
    with pytest.raises(DataError, match="the name of column 'temp = C' has ' = ' in it; rename it"):
        suggest(raw, {"targets": ["y=1"], "features": ["temp = C"]})
    task, _ = prepared(tmp_path / "other", table, targets=("y=1",), features=(), known=())
    assert set(task.input_columns()) == {"date", "y=1"}


def test_whole_numbers_of_a_spreadsheet_are_the_texts_of_a_file(tmp_path):
    """A holiday of 0, a or b, as of a chain of shops: without a letter, pandas reads numbers."""
    table = table_of().assign(holiday=[("0", "a", "b")[i % 3] for i in range(ROWS)])
    known = ("holiday = 0", "holiday = a", "holiday = b")
    task, _ = prepared(tmp_path / "raw", table, known=known)
    model = build_model(task, "gru").eval()
    asked = with_ahead(table).assign(holiday="0")
    expected = task.answer(model, asked, ASKED)
    numbers = asked.assign(holiday=0.0)
    pd.testing.assert_frame_equal(task.answer(model, numbers, ASKED), expected)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"known": ["holiday = Eastr"]}, "no row of the training set has 'Eastr' in column 'hol"),
        ({"known": ["y = 1"]}, "features or known are texts of the targets"),
    ],
)
def test_indicators_that_say_nothing_are_refused(tmp_path, wanted, message):
    raw = written(tmp_path / "raw", table_of().assign(y=[float(i % 2) for i in range(ROWS)]))
    with pytest.raises((DataError, ParameterError), match=message):
        suggest(raw, {"targets": ["y"], **wanted})


def test_columns_of_indicators_made_elsewhere_are_columns_of_numbers(tmp_path):
    """Programs call them `weekday=Mon`."""
    table = table_of().assign(**{"holiday=Easter": [float(i % 3 == 0) for i in range(ROWS)]})
    options = {"features": ("holiday=Easter",), "known": ()}
    task, data = prepared(tmp_path / "raw", table, **options)
    assert set(task.input_columns()) == {"date", "y", "holiday=Easter"}
    assert data["values"][:, 1].unique().numel() == 2
    assert len(task.answer(build_model(task, "gru").eval(), table, ASKED)) == 3
