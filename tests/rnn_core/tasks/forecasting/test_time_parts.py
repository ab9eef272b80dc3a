"""A day and a time of day in two columns: suggested, kept with the model, and answered alike."""

import io
import json

import numpy as np
import pandas as pd
import pytest
import torch

from rnn_core.errors import DataError, ParameterError
from rnn_core.parameters import parse
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData, ForecastingMeta
from rnn_core.tasks.forecasting.reading import Table
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

HOURS = pd.date_range("2024-02-28", periods=120, freq="h")
VALUES = (np.arange(120) * 37 % 11 + np.arange(120) / 8).round(3)
TABLE = pd.DataFrame({"Date": HOURS.strftime("%d/%m/%Y"), "Time": HOURS.strftime("%H.%M.%S")})
TABLE["CO(GT)"] = VALUES
ASKED = Forecasting.AnswerParameters()


def suggested(folder, table, **wanted):
    """The task of a table, with what is suggested for it."""
    (folder / "air.csv").write_text(table.to_csv(index=False))
    found = Forecasting.suggest(folder, {"targets": "CO(GT)", **wanted})
    parameters = parse(ForecastingData, found["data"], "", "--set")
    _, meta = Forecasting.prepare(folder, parameters)
    again = ForecastingMeta.from_json(json.loads(json.dumps(meta.to_json())))
    assert again == meta
    return Forecasting(again, ForecastingModel(hidden_size=4))


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    task = suggested(folder, TABLE)
    torch.manual_seed(0)
    return task, build_model(task, "gru").eval(), folder


def test_answers_are_those_of_a_table_with_one_column(learned, tmp_path):
    task, model, _ = learned
    joined = TABLE.assign(date=HOURS).drop(columns=["Date", "Time"])
    expected = suggested(tmp_path, joined).answer(model, joined, ASKED)
    found = task.answer(model, TABLE, ASKED)
    assert found["Date Time"].tolist() == expected["date"].tolist()
    assert found["Date Time"][0] == HOURS[-1] + pd.Timedelta(hours=1)
    assert found["CO(GT)"].tolist() == expected["CO(GT)"].tolist()


FRAMES = {
    "the file": lambda task, folder: task.read_input(folder / "air.csv"),
    "its last rows, of days that do not tell their order": lambda task, _: TABLE.tail(30),
    "read_csv": lambda task, _: pd.read_csv(io.StringIO(TABLE.to_csv(index=False))),
    "the column that they make": lambda task, _: TABLE.assign(**{"Date Time": HOURS})[
        ["Date Time", "CO(GT)"]
    ],
    "it as the index": lambda task, _: TABLE[["CO(GT)"]].set_axis(HOURS),
    "another form": lambda task, _: TABLE.assign(
        Date=HOURS.strftime("%Y-%m-%d"), Time=HOURS.strftime("%I:%M %p")
    ),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_are_answered_alike(learned, kind):
    task, model, folder = learned
    found = task.answer(model, FRAMES[kind](task, folder), ASKED)
    pd.testing.assert_frame_equal(found, task.answer(model, TABLE, ASKED))


def test_signature_and_example_have_what_is_read(learned):
    task, model, folder = learned
    columns = {"Date Time": False, "Date": False, "Time": False, "CO(GT)": True}
    assert task.input_columns() == columns
    example = task.example(folder)
    assert example["Date Time"].tolist() == HOURS[: task.meta.lookback].tolist()
    first = TABLE.head(task.meta.lookback)
    pd.testing.assert_frame_equal(
        task.answer(model, example, ASKED), task.answer(model, first, ASKED)
    )


def test_parts_are_no_other_columns(learned):
    task, _, folder = learned
    understood = task.understand(folder, {}, task.meta)
    told = "\n".join((*understood.read, *understood.doubts))
    assert "time by Date and Time together: 2024-02-28 to 2024-03-03 23:00:00, the day" in told
    assert "not read" not in told


def test_missing_part_is_told(learned):
    task, model, _ = learned
    with pytest.raises(DataError, match="the table: unknown column 'Time'"):
        task.answer(model, TABLE.drop(columns="Time"), ASKED)


def test_columns_can_be_named(tmp_path):
    table = TABLE.set_axis(["A", "B", "CO(GT)"], axis="columns")
    assert suggested(tmp_path, table, date="A,B").meta.parameters.time_parts == ("A", "B")


@pytest.mark.parametrize("date", ["1,2", [1, 2], ["1", "2"]])
def test_columns_without_names_are_taken_in_the_order_that_they_are_given_in(tmp_path, date):
    months = pd.date_range("1990-01-01", periods=120, freq="MS")
    rows = zip(months.year, months.month, VALUES, strict=True)
    (tmp_path / "co2.dat").write_text("".join(f"{y:6d}{m:4d}{v:10.2f}\n" for y, m, v in rows))
    found = Forecasting.suggest(tmp_path, {"targets": 3, "date": date})["data"]
    assert (found["targets"], found["date"], found["time_parts"]) == (["3"], "1 2", ["1", "2"])
    _, meta = Forecasting.prepare(tmp_path, parse(ForecastingData, found, "", "--set"))
    assert (meta.step, meta.span) == ("MS", ("1990-01-01 00:00:00", "1999-12-01 00:00:00"))
    alone = Forecasting.suggest(tmp_path, {"targets": [3], "features": 1, "date": None})["data"]
    assert (alone["features"], alone["date"]) == (["1"], None)


def test_each_series_has_its_days_and_times(tmp_path):
    both = pd.concat([TABLE.assign(shop="n"), TABLE.assign(shop="s")])
    task = suggested(tmp_path, both, series="shop")
    assert (task.meta.parameters.date, task.meta.step) == ("Date Time", "h")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"date": "d", "time_parts": ["a"]}, "time_parts are two columns or more"),
        ({"date": None, "time_parts": ["a", "b"]}, "date is what they become"),
        ({"date": "a", "time_parts": ["a", "b"]}, "give what they make a name"),
        ({"date": "d", "time_parts": ["a", "y"]}, "are targets or the like too"),
    ],
)
def test_parameters_that_do_not_fit_are_told(wanted, message):
    with pytest.raises(ParameterError, match=message):
        parse(ForecastingData, {"targets": ["y"], **wanted}, "", "--set")


def test_order_of_day_and_month_that_is_said_holds_where_timestamps_are_looked_for(tmp_path):
    """Days of January in one order, firsts of months in the other, and one is missing."""
    kept = [day for day in range(1, 13) if day != 5]
    days = [f"{day:02d}/01/{year}" for year in (2013, 2014) for day in kept]
    table = pd.DataFrame({"date": days, "CO(GT)": VALUES[:22]})
    with pytest.raises(DataError, match="can be day and month or month and day"):
        suggested(tmp_path, table)
    task = suggested(tmp_path, table, day_first=True)
    assert task.meta.span == ("2013-01-01 00:00:00", "2014-01-12 00:00:00")


def test_series_are_told_apart_once_whatever_their_number(tmp_path, monkeypatch):
    """Each of many series is cut out of the table as often as each of few."""
    cut = Table.parts.func if hasattr(Table.parts, "func") else Table.parts.fget
    counts = []
    monkeypatch.setattr(Table, "parts", property(lambda table: counts.append(1) or cut(table)))
    found = []
    for number in (3, 9):
        shops = [TABLE.assign(shop=f"shop {place}") for place in range(number)]
        folder = tmp_path / str(number)
        folder.mkdir()
        suggested(folder, pd.concat(shops), series="shop")
        found.append(len(counts))
        counts.clear()
    assert found[0] == found[1]
