"""A registered forecaster answers whatever kinds the user's columns have."""

import io

import mlflow
import numpy as np
import pandas as pd
import pytest
from usual_training import write_run

from flows.tracking import served_model
from flows.tracking.registered import RUN
from flows.tracking.registry import Examples, signature_of
from rnn_core.files import digest_of
from rnn_core.tasks.forecasting.learn import ForecastingModel
from rnn_core.tasks.forecasting.parameters import ForecastingData
from rnn_core.tasks.forecasting.task import Forecasting
from rnn_core.training.models import build_model

ROWS = 60
HOURS = pd.date_range("2024-03-29 12:00", periods=ROWS, freq="h", tz="Europe/Berlin")
TABLE = pd.DataFrame({"date": HOURS, "y": np.arange(ROWS) % 7, "x": np.arange(ROWS) * 0.5})


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A model of hours in Berlin, as MLflow loads it, and what it answers by itself."""
    folder = tmp_path_factory.mktemp("registered")
    (folder / "raw").mkdir()
    TABLE.to_parquet(folder / "raw/t.parquet")
    asked = ForecastingData(targets=("y",), features=("x",), lookback=6, horizon=3)
    _, meta = Forecasting.prepare(folder / "raw", asked)
    task = Forecasting(meta, ForecastingModel(hidden_size=4))
    model = build_model(task, "gru").eval()
    write_run(folder / "run", "forecasting", task, model)
    (folder / "digest").write_text(digest_of(folder / "run"))
    example = task.example(folder / "raw")
    examples = Examples(example, task.answer(model, example, task.AnswerParameters()))
    mlflow.pyfunc.save_model(
        folder / "model",
        python_model=served_model.__file__,
        artifacts={name: str(folder / name) for name in (RUN, "digest")},
        pip_requirements=[],
        signature=signature_of(task, examples, None),
    )
    served = mlflow.pyfunc.load_model(str(folder / "model"))
    pd.testing.assert_frame_equal(served.predict(example), examples.answer)
    return served, task.answer(model, TABLE, task.AnswerParameters())


def read_csv(**options):
    return pd.read_csv(io.StringIO(TABLE.to_csv(index=False)), **options)


FRAMES = {
    "parquet": lambda: TABLE,
    "parquet with an index": lambda: TABLE.set_index("date").rename_axis(None),
    "read_csv": read_csv,
    "read_csv with dates": lambda: read_csv(parse_dates=["date"]),
    "read_csv of texts": lambda: read_csv(dtype=str),
    "UTC": lambda: TABLE.assign(date=HOURS.tz_convert("UTC")),
    "without a zone": lambda: TABLE.assign(date=HOURS.tz_localize(None)).tail(12),
    "floats": lambda: TABLE.assign(y=TABLE["y"].astype(float)),
    "the last rows": lambda: TABLE.tail(6),
    "more columns": lambda: TABLE.assign(shop="n"),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_are_answered_alike_whatever_their_kinds(loaded, kind):
    served, answer = loaded
    found = served.predict(FRAMES[kind]())
    pd.testing.assert_frame_equal(found, answer, check_dtype=False, rtol=1e-6)
    assert str(found["date"].dt.tz) == "Europe/Berlin"


def test_column_that_is_not_there_is_told(loaded):
    with pytest.raises(mlflow.MlflowException, match=r"Model is missing inputs \['x'\]"):
        loaded[0].predict(TABLE.drop(columns="x"))
