"""Columns in another unit than the model was trained on are refused; the same numbers are not."""

import pandas as pd
import pytest
from usual_forecasting import prepared, series

from rnn_core.errors import DataError
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

ASKED = Forecasting.AnswerParameters()


def in_unit(column, unit, before=""):
    """The usual table with a unit after, or a currency before, each number of a column."""
    table = series()
    values = [f"{before}{value!r}{unit}" for value in table[column].tolist()]
    return table.assign(**{column: values})


def answered(folder, trained, asked, **options):
    folder.mkdir(exist_ok=True)
    task, _ = prepared(folder, trained, **options)
    return task.answer(build_model(task, "gru").eval(), asked, ASKED)


@pytest.mark.parametrize("column", ["y", "x"])
@pytest.mark.parametrize(
    ("trained", "asked", "told"),
    [
        (" kg", " g", "is in g, and the model was trained on kg"),
        ("%", " km/h", "is in km/h, and the model was trained on %"),
        ("", "%", "is in %, and the model was trained on numbers without a unit"),
    ],
)
def test_another_unit_is_refused(tmp_path, column, trained, asked, told):
    with pytest.raises(DataError) as caught:
        answered(tmp_path, in_unit(column, trained), in_unit(column, asked))
    assert f"column {column!r} {told}" in str(caught.value)
    assert f"convert it to {trained.strip() or 'what these count'}, and write" in str(caught.value)


@pytest.mark.parametrize(("trained", "asked"), [(" kg", "kg"), ("%", ""), (" kg", "")])
def test_the_same_unit_or_none_gives_the_same_forecast(tmp_path, trained, asked):
    plain = answered(tmp_path / "plain", series(), series())
    found = answered(tmp_path / "unit", in_unit("y", trained), in_unit("y", asked))
    pd.testing.assert_frame_equal(found, plain)


def test_another_currency_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"column 'y' is in €, and the model was trained on [$]"):
        answered(tmp_path, in_unit("y", "", "$"), in_unit("y", "", "€"))


def test_rows_ahead_in_another_unit_are_refused(tmp_path):
    options = {"features": (), "known": ("x",)}
    asked = series().assign(x=lambda table: table["x"].astype(object))
    asked.loc[57:, "y"] = None
    asked.loc[57:, "x"] = "3 %"
    with pytest.raises(DataError, match="column 'x' is in %"):
        answered(tmp_path, series(), asked, **options)
