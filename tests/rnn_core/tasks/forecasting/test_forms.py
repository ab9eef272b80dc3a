"""One table in many forms: read alike for training, and answered alike in any of them."""

import gzip
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from packed_files import zipped

from rnn_core.errors import DataError
from rnn_core.readers.faults import FaultsError
from rnn_core.tasks.forecasting.ahead.raw_input import in_own_sign
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData, ForecastingMeta
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

ROWS, LOOKBACK, HORIZON = 60, 8, 3
ASKED = Forecasting.AnswerParameters()
DAYS = pd.date_range("2024-01-01", periods=ROWS)
TABLE = pd.DataFrame(
    {
        "date": DAYS,
        "y": (np.arange(ROWS) * 37 % 11 + np.arange(ROWS) / 8).round(3) + 1200.5,
        "x": np.arange(ROWS) * 29 % 13,
    }
)


def text(form="%Y-%m-%d", number="{}", separator=",", end="\n", names="date,y,x"):
    """The table as text, with dates and numbers of a form."""
    rows = zip(TABLE["date"], TABLE["y"], TABLE["x"], strict=True)
    lines = [f"{d:{form}}{separator}{number.format(y)}{separator}{x}" for d, y, x in rows]
    return end.join([names.replace(",", separator), *lines, ""]).encode()


def comma(content):
    return content.replace(b".", b",")


def written(write):
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def frame(**columns):
    return TABLE.assign(**columns)


def records():
    rows = TABLE.assign(date=TABLE["date"].astype(str)).to_dict("records")
    return "\n".join(map(json.dumps, rows)).encode()


FORMS = {
    "csv": ("t.csv", text()),
    "CSV": ("T.CSV", text()),
    "lines of Windows": ("t.csv", text(end="\r\n")),
    "mark of UTF-8": ("t.csv", b"\xef\xbb\xbf" + text()),
    "UTF-16": ("t.csv", text().decode().encode("utf-16")),
    "semicolons": ("t.csv", text(separator=";")),
    "semicolons and decimal commas": ("t.csv", comma(text(separator=";"))),
    "quoted decimal commas": ("t.csv", text(number='"{}"').replace(b".", b",")),
    "tabs": ("t.tsv", text(separator="\t")),
    "bars": ("t.txt", text(separator="|")),
    "day first": ("t.csv", text("%d/%m/%Y")),
    "month first": ("t.csv", text("%m/%d/%Y")),
    "points": ("t.csv", text("%d.%m.%Y")),
    "names of months": ("t.csv", text("%d %b %Y")),
    "numbers of days": ("t.csv", text("%Y%m%d")),
    "seconds": ("t.csv", text("%s")),
    "clock": ("t.csv", text("%Y-%m-%d 00:00:00")),
    "thousands": ("t.csv", text(number='"{:,}"')),
    "currency": ("t.csv", text(number="${}")),
    "one unit": ("t.csv", text(number="{} kg")),
    "thousands with K": ("t.csv", text(number="{}K")),
    "quotes": ("t.csv", text(number='"{}"')),
    "title": ("t.csv", b"Sales of the north\n\n" + text()),
    "comments": ("t.csv", b"# a, b, c\n" + text()),
    "line for Excel": ("t.csv", b"sep=;\n" + text(separator=";")),
    "trailing commas": ("t.csv", text().replace(b"\n", b",\n").replace(b"x,\n", b"x\n")),
    "blanks around names": ("t.csv", text(names="date, y ,x ")),
    "rows of commas at the end": ("t.csv", text() + b",,\n,,\n"),
    "rows to come": ("t.csv", text() + b"2024-03-01,,\n2024-03-02,,\n"),
    "gzip": ("t.csv.gz", gzip.compress(text())),
    "zip": ("t.zip", zipped({"t.csv": text()})),
    "JSON lines": ("t.jsonl", records()),
    "Excel": ("t.xlsx", written(lambda file: TABLE.to_excel(file, index=False))),
    "parquet": ("t.parquet", written(TABLE.to_parquet)),
    "parquet with a name of the index": (
        "t.parquet",
        written(TABLE.set_index("date").to_parquet),
    ),
    "parquet with an index": (
        "t.parquet",
        written(TABLE.set_index("date").rename_axis(None).to_parquet),
    ),
    "parquet of texts": (
        "t.parquet",
        written(frame(date=DAYS.astype(str), y=TABLE["y"].astype(str)).to_parquet),
    ),
    "parquet of dates": ("t.parquet", written(frame(date=DAYS.date).to_parquet)),
    "parquet of floats": ("t.parquet", written(frame(x=TABLE["x"].astype("float32")).to_parquet)),
}


def prepared(folder, name, content, **options):
    folder.mkdir()
    (folder / name).write_bytes(content)
    asked = {"targets": ("y",), "features": ("x",), "lookback": LOOKBACK, "horizon": HORIZON}
    data, meta = Forecasting.prepare(folder, ForecastingData(**asked | options))
    again = ForecastingMeta.from_json(json.loads(json.dumps(meta.to_json())))
    assert again == meta
    return Forecasting(again, ForecastingModel(hidden_size=4)), data


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The task of the plain table, its data, a model, and its answer."""
    task, data = prepared(tmp_path_factory.mktemp("plain") / "t", *FORMS["csv"])
    torch.manual_seed(0)
    model = build_model(task, "gru").eval()
    return task, data, model, task.answer(model, TABLE, ASKED)


@pytest.mark.parametrize("form", FORMS)
def test_table_is_read_and_answered_alike_in_any_form(tmp_path, plain, form):
    """By the model that was trained on that form; from its file, last rows, and example."""
    _, data, model, answer = plain
    task, read = prepared(tmp_path / "t", *FORMS[form])
    torch.testing.assert_close(read["values"], data["values"], rtol=1e-5, atol=1e-5)
    scale = 1000 if "K" in form else 1
    table = task.read_input(tmp_path / "t" / FORMS[form][0])
    rows = len(table) - (2 if form == "rows to come" else 0)
    for given in (table, table.iloc[rows - LOOKBACK - 2 :]):
        found = task.answer(model, given, ASKED)
        assert found["date"].tolist() == answer["date"].tolist()
        np.testing.assert_allclose(found["y"] / scale, answer["y"], rtol=1e-5)
    example = task.answer(model, task.example(tmp_path / "t"), ASKED)
    first = TABLE[:LOOKBACK].assign(y=TABLE["y"] * scale)
    pd.testing.assert_frame_equal(example, task.answer(model, first, ASKED), check_dtype=False)


FRAMES = {
    "read_csv": lambda: pd.read_csv(io.BytesIO(text())),
    "read_csv with dates": lambda: pd.read_csv(io.BytesIO(text()), parse_dates=["date"]),
    "read_csv with an index": lambda: pd.read_csv(
        io.BytesIO(text()), parse_dates=["date"], index_col="date"
    ),
    "read_csv of texts": lambda: pd.read_csv(io.BytesIO(text()), dtype=str),
    "read_parquet": lambda: pd.read_parquet(io.BytesIO(written(TABLE.to_parquet))),
    "read_parquet with an index": lambda: pd.read_parquet(
        io.BytesIO(FORMS["parquet with an index"][1])
    ),
    "columns in another order, and more": lambda: TABLE.assign(z="a")[["z", "x", "y", "date"]],
    "objects": lambda: TABLE.astype(object),
    "periods": lambda: TABLE.assign(date=DAYS.to_period("D")),
    "months before days": lambda: TABLE.assign(date=DAYS.strftime("%m/%d/%Y")),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_are_answered_alike_whatever_their_kinds(plain, kind):
    task, _, model, answer = plain
    found = task.answer(model, FRAMES[kind](), ASKED)
    pd.testing.assert_frame_equal(found, answer, check_dtype=False)


@pytest.mark.parametrize("order", ["%d/%m/%Y", "%m/%d/%Y"])
def test_order_of_day_and_month_is_that_of_the_training(tmp_path, plain, order):
    """Its last rows alone do not tell it: of the first to the eighth of February."""
    _, _, model, _ = plain
    task, _ = prepared(tmp_path / "t", "t.csv", text(order))
    assert task.meta.day_first == (order == "%d/%m/%Y")
    early = TABLE.iloc[31:39].assign(date=lambda t: t["date"].dt.strftime(order))
    found = task.answer(model, early, ASKED)
    assert found["date"].astype(str).tolist() == ["2024-02-09", "2024-02-10", "2024-02-11"]
    other = "%m/%d/%Y" if task.meta.day_first else "%d/%m/%Y"
    with pytest.raises(DataError, match=r"does not have the (day|month) first"):
        task.answer(model, TABLE.assign(date=DAYS.strftime(other)), ASKED)


def test_order_of_day_and_month_can_be_said(tmp_path):
    days = pd.DatetimeIndex([f"2024-{m:02d}-{m:02d}" for m in range(1, 13)])
    lines = ["date,y", *(f"{d:%d/%m/%Y},{i % 5}" for i, d in enumerate(days))]
    options = {"features": (), "lookback": 2, "horizon": 1, "irregular": "allow"}
    options["split"] = (6, 3, 3)
    content = "\n".join(lines).encode()
    with pytest.raises(DataError, match="when the study is made: --set day_first=true, or"):
        prepared(tmp_path / "a", "t.csv", content, **options)
    task, _ = prepared(tmp_path / "b", "t.csv", content, **options, day_first=True)
    assert task.meta.span == ("2024-01-01 00:00:00", "2024-12-12 00:00:00")


@pytest.mark.parametrize(("separator", "less"), [(",", 1100.518), (";", 1100)])
def test_decimals_with_another_sign_than_in_the_training_are_not_thousands(
    tmp_path, plain, separator, less
):
    """Where all numbers have three of them, commas between fields tell; else 100.5 does."""
    _, _, model, _ = plain
    table = TABLE.assign(y=(TABLE["y"] - less).round(3))
    commas = table.to_csv(sep=";", decimal=",", index=False).encode()
    task, _ = prepared(tmp_path / "t", "t.csv", commas)
    answer = task.answer(model, table, ASKED)
    table.to_csv(tmp_path / "again.csv", sep=separator, index=False)
    again = task.read_input(tmp_path / "again.csv")
    pd.testing.assert_frame_equal(task.answer(model, again, ASKED), answer)


def test_a_unit_does_not_hide_that_points_are_before_decimals(plain):
    meta = plain[0].meta
    meta = replace(meta, form=replace(meta.form, decimal=","))
    table = in_own_sign(pd.DataFrame({"y": ["304.482 kW", "304.48 kW"]}), meta)
    assert table["y"].tolist() == ["304,482 kW", "304,48 kW"]


def test_points_that_may_be_between_thousands_are_told_where_that_is_unlikely(plain):
    meta = plain[0].meta
    form = replace(meta.form, decimal=",")
    hundreds, thousands = (
        replace(meta, form=form, series=[replace(meta.series[0], mean=[n, 0.0], std=[n / 10, 1.0])])
        for n in (300.0, 250_000.0)
    )
    table = pd.DataFrame({"y": ["304.482", "298.177", "301"]})
    pd.testing.assert_frame_equal(in_own_sign(table, thousands), table)
    with pytest.raises(
        DataError, match=r"row 0, column 'y': the point of '304\.482' may be before"
    ):
        in_own_sign(table, hundreds)


def test_counts_since_1970_are_in_utc_whatever_the_zone_of_the_training(tmp_path, plain):
    _, _, model, _ = plain
    hours = pd.date_range("2024-01-01", periods=ROWS, freq="h", tz="Etc/GMT-1")
    table = TABLE.assign(date=hours)
    task, _ = prepared(tmp_path / "t", "t.csv", table.to_csv(index=False).encode())
    answer = task.answer(model, table, ASKED)
    counted = table.assign(date=[int(time.timestamp() * 1000) for time in hours])
    pd.testing.assert_frame_equal(task.answer(model, counted, ASKED), answer)


def test_few_irregular_rows_may_have_another_median(tmp_path, plain):
    """The last rows of a table that may be irregular are answered, and rows of another step not."""
    _, _, model, _ = plain
    apart = np.r_[np.full(ROWS - LOOKBACK, 60), [60, 60, 150, 150, 150, 150, 150, 60]]
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta(apart.cumsum(), unit="s")
    table = TABLE.assign(date=times)
    content = table.to_csv(index=False).encode()
    task, _ = prepared(tmp_path / "t", "t.csv", content, irregular="allow")
    whole = task.answer(model, table, ASKED)
    pd.testing.assert_frame_equal(task.answer(model, table.tail(LOOKBACK), ASKED), whole)
    with pytest.raises(DataError, match="86400 seconds apart, and the model was trained on rows"):
        task.answer(model, TABLE, ASKED)


ZONES = {
    "parquet, Berlin": ("Europe/Berlin", lambda t: t),
    "UTC": ("UTC", lambda t: t.tz_convert("UTC")),
    "texts with offsets": (None, lambda t: t.strftime("%Y-%m-%d %H:%M:%S%z")),
    "texts as PostgreSQL has them": (None, lambda t: [str(time)[:-3] for time in t]),
}


@pytest.mark.parametrize("kind", ZONES)
def test_time_zones_are_kept_across_a_change_of_the_clock(tmp_path, plain, kind):
    """The answer is at the same instants whatever the zone is written in."""
    zone, write = ZONES[kind]
    _, _, model, _ = plain
    hours = pd.date_range("2024-03-29 12:00", periods=ROWS, freq="h", tz="Europe/Berlin")
    table = TABLE.assign(date=write(hours))
    file = io.BytesIO()
    if zone:
        table.to_parquet(file)
    else:
        table.to_csv(file, index=False)
    task, _ = prepared(tmp_path / "t", "t.parquet" if zone else "t.csv", file.getvalue())
    assert task.meta.zone == (zone or "UTC")
    expected = (hours[-1] + pd.to_timedelta([1, 2, 3], unit="h")).tz_convert("UTC")
    for given in (table, table.tail(LOOKBACK), TABLE.assign(date=hours.tz_convert("Asia/Tokyo"))):
        found = task.answer(model, given, ASKED)
        assert str(found["date"].dt.tz) == (zone or "UTC")
        assert found["date"].dt.tz_convert("UTC").tolist() == expected.tolist()


def test_days_at_midnight_of_a_zone_stay_days(tmp_path, plain):
    _, _, model, _ = plain
    days = pd.date_range("2024-03-20", periods=ROWS, tz="Europe/Berlin")
    table = TABLE.assign(date=days.astype(str))
    task, _ = prepared(tmp_path / "t", "t.csv", table.to_csv(index=False).encode())
    assert (task.meta.zone, task.meta.step) == (None, "D")
    found = task.answer(model, table, ASKED)
    assert found["date"].astype(str).tolist() == ["2024-05-19", "2024-05-20", "2024-05-21"]


def test_rows_that_do_not_fit_the_model_are_told_with_what_can_be_done(plain):
    task, _, model, _ = plain
    gap = TABLE.copy()
    gap.loc[57, "x"] = np.nan
    with pytest.raises(DataError, match="row 58, column 'x' has no value; fill it, since the mo"):
        task.answer(model, gap, ASKED)
    with pytest.raises(DataError, match="add the missing rows, since the model was trained on a"):
        task.answer(model, TABLE.drop(index=57), ASKED)
    for frame in (gap, TABLE.drop(index=57), TABLE.rename(columns={"date": "Date"})):
        with pytest.raises(DataError) as error:
            task.answer(model, frame, ASKED)
        assert "data." not in str(error.value)


def test_blank_ends_are_cut_and_neither_scored_nor_answered_from(tmp_path, plain):
    _, data, model, answer = plain
    dates = pd.date_range("2023-12-22", periods=ROWS + 30)
    ends = pd.DataFrame({"date": dates, "y": np.nan, "x": 5})
    ends.loc[10 : ROWS + 9, ["y", "x"]] = TABLE[["y", "x"]].to_numpy()
    task, read = prepared(tmp_path / "t", "t.csv", ends.to_csv(index=False).encode())
    assert task.meta.cut == (10, 20)
    torch.testing.assert_close(read["values"], data["values"], rtol=0, atol=0)
    pd.testing.assert_frame_equal(task.answer(model, ends, ASKED), answer, check_dtype=False)


def test_faults_of_timestamps_and_of_numbers_are_told_together(tmp_path):
    rows = [f"2024-01-{day:02d},{day}" for day in range(1, 29)]
    rows[3], rows[9] = "2024-01-32,4", "2024-01-10,many"
    (tmp_path / "f.csv").write_text("\n".join(["day,y", *rows, ""]))
    with pytest.raises(FaultsError) as caught:
        Forecasting.suggest(tmp_path, {"targets": ["y"]})
    told = str(caught.value)
    assert "f.csv, row 5, column 'day': '2024-01-32'" in told
    assert "f.csv, row 11, column 'y': 'many'" in told
