"""A registered forecaster reads what is known ahead from frames of all kinds, and any horizon."""

import io
from dataclasses import asdict

import mlflow
import numpy as np
import pandas as pd
import pytest
from usual_training import write_run

from flows.tracking import served_model
from flows.tracking.registered import RUN
from flows.tracking.registry import Examples, signature_of
from flows.tracking.rows import rows_of, table_of
from rnn_core.files import digest_of
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

ROWS = 60
DAYS = pd.date_range("2024-03-29", periods=ROWS, name="date")
TABLE = pd.DataFrame(
    {"date": DAYS, "y": np.arange(ROWS) % 7, "promo": (np.arange(ROWS) % 5 == 0).astype(int)}
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A model that knows `promo` ahead, as MLflow loads it, and the task with its own."""
    folder = tmp_path_factory.mktemp("registered")
    (folder / "raw").mkdir()
    TABLE.to_csv(folder / "raw/t.csv", index=False)
    asked = ForecastingData(
        targets=("y",), known=("promo",), calendar=("weekday",), lookback=6, horizon=3
    )
    _, meta = Forecasting.prepare(folder / "raw", asked)
    task = Forecasting(meta, ForecastingModel(hidden_size=4))
    model = build_model(task, "gru").eval()
    write_run(folder / "run", "forecasting", task, model)
    (folder / "digest").write_text(digest_of(folder / "run"))
    example, parameters = task.example(folder / "raw"), task.AnswerParameters()
    examples = Examples(example, task.answer(model, example, parameters))
    mlflow.pyfunc.save_model(
        folder / "model",
        python_model=served_model.__file__,
        artifacts={name: str(folder / name) for name in (RUN, "digest")},
        pip_requirements=[],
        signature=signature_of(task, examples, asdict(parameters)),
    )
    return mlflow.pyfunc.load_model(str(folder / "model")), task, model


def asked_for(rows):
    """The table, whose last rows are to be predicted."""
    return TABLE.assign(y=TABLE["y"].where(TABLE.index < ROWS - rows))


def read_csv(table, **options):
    return pd.read_csv(io.StringIO(table.to_csv(index=False)), **options)


def through_parquet(table):
    table.to_parquet(file := io.BytesIO())
    return pd.read_parquet(file)


FRAMES = {
    "read_csv": read_csv,
    "read_csv with dates": lambda t: read_csv(t, parse_dates=["date"]),
    "read_csv of texts": lambda t: read_csv(t, dtype=str),
    "read_parquet": through_parquet,
    "an index": lambda t: t.set_index("date"),
    "the last rows": lambda t: t.tail(11),
    "whole numbers": lambda t: t.assign(promo=t["promo"].astype("Int64")),
}


@pytest.mark.parametrize("horizon", [0, 2, 5])
@pytest.mark.parametrize("kind", FRAMES)
def test_frames_are_answered_alike_whatever_their_kinds(loaded, kind, horizon):
    served, task, model = loaded
    rows = horizon or 3
    expected = task.answer(model, asked_for(rows), task.AnswerParameters(horizon=horizon))
    found = served.predict(FRAMES[kind](asked_for(rows)), params={"horizon": horizon})
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6, check_dtype=False)
    assert found["date"].tolist() == list(DAYS[-rows:])


def test_what_is_known_ahead_changes_what_is_served(loaded):
    served, *_ = loaded
    table = asked_for(3)
    others = table.assign(promo=table["promo"].where(table.index < ROWS - 1, 1 - table["promo"]))
    before, after = (served.predict(each)["y"].tolist() for each in (table, others))
    assert before[:2] == after[:2]
    assert before[2] != after[2]


def test_rows_that_are_not_there_are_told(loaded):
    with pytest.raises(Exception, match="of the 3 rows to predict, from 2024-05-25 on, 1 are"):
        loaded[0].predict(asked_for(3).iloc[:-2])


def test_rows_as_json_has_them_are_answered_alike(loaded):
    """Values to predict are null there."""
    _, task, model = loaded
    rows = rows_of(asked_for(3))
    assert [row["y"] for row in rows[-3:]] == [None] * 3
    given = [{name: value for name, value in row.items() if value is not None} for row in rows]
    found = task.answer(model, table_of(given, tuple(TABLE)), task.AnswerParameters())
    expected = task.answer(model, asked_for(3), task.AnswerParameters())
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6, check_dtype=False)
