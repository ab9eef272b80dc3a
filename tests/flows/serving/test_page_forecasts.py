"""The picture of a forecast on the page to try models."""

import json
import re

import numpy as np
import pytest
from chromium_page import CHROMIUM

from flows.tracking.rows import rows_of

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")


def test_forecast_is_drawn_behind_its_history(trying, models, tmp_path):
    made = models["forecasting"]
    rows = rows_of(made.example)
    lines = ["x;date;y", *(f"{r['x']};{r['date'][:10]};{r['y']}" for r in rows)]
    (tmp_path / "sales.csv").write_text("\n".join(lines))
    trying.open(made.name).upload(tmp_path / "sales.csv")
    trying.browser.wait_for(f"document.body.innerText.includes('sales.csv: {len(rows)} rows')")
    told = trying.ask().answer()
    assert "y: 3 steps ahead" in told
    assert "could not be drawn" not in told
    past = trying.browser.value("document.querySelector('.past').getAttribute('d')")
    after = trying.browser.value("document.querySelector('.next').getAttribute('d')")
    points = [np.array(re.findall(r"([\d.]+),([\d.]+)", d), float) for d in (past, after)]
    assert [len(p) for p in points] == [len(rows), 4], "it begins where the history ends"
    heights = np.concatenate([points[0], points[1][1:]])[:, 1]
    values = np.array([*(r["y"] for r in rows), *made.answer["y"]])
    assert np.corrcoef(heights, values)[0, 1] == pytest.approx(-1, abs=1e-3)
    assert (np.diff(points[0][:, 0]) > 0).all()


def drawn(trying, history, rows):
    """Draw what a model could have answered; the caption, and texts below the picture."""
    trying.open("tiny.forecasting")
    trying.browser.value(
        "import('/page/chart.js').then(({charts}) => { document.body.replaceChildren(...charts("
        f"{json.dumps(history)}, {json.dumps(rows)})); window.drawn = true; }})"
    )
    trying.browser.wait_for("window.drawn")
    texts = "[...document.querySelectorAll('svg text')].map(t => t.textContent)"
    return trying.browser.value("document.querySelector('figcaption').textContent"), (
        trying.browser.value(texts)[3:]
    )


def points(trying, line):
    """The points of a line of a picture, (N, 2)."""
    path = trying.browser.value(f"document.querySelector('.{line}').getAttribute('d')")
    return np.array(re.findall(r"([\d.]+),([\d.]+)", path), float)


def test_interval_is_drawn_around_the_forecast(trying):
    """Where there is one: a forecast beyond the horizon of the training has none."""
    row = {"y": 3, "y_lo_80": 2, "y_hi_80": 4, "y_lo_95": 1, "y_hi_95": 5}
    beyond = dict.fromkeys(row, None) | {"y": 3}
    told, _ = drawn(trying, [{"y": 1}, {"y": "2,5"}], [row, row, beyond])
    assert told == "y: 3 steps ahead, with the interval of 95 %"
    assert trying.browser.value("document.querySelectorAll('.band').length") == 1
    assert len(points(trying, "band")) == 4


@pytest.mark.parametrize("target", [None, "", {}])
def test_forecast_follows_its_history_where_a_column_is_known_ahead(trying, target):
    """The rows at the end without a target are those that are predicted."""
    row = {"when": "2031-05-03T00:00:00", "price": 7}
    future = [row if target == {} else row | {"y": target}] * 60
    past = [{"when": f"2.5.2031 {h}:00", "y": h if h != 4 else None, "price": 7} for h in range(9)]
    told, texts = drawn(trying, past + future, [{"when": row["when"], "y": 9.5}])
    assert points(trying, "past").shape == (8, 2), "a true gap stays one"
    last, (start, end) = points(trying, "past")[-1], points(trying, "next")
    assert list(start) == list(last)
    assert end[0] - start[0] == pytest.approx(points(trying, "past")[1, 0] - 64, abs=0.2)
    assert texts == ["history", "forecast", "2.5.2031 0:00", "2031-05-03"]
    assert told == (
        "y: 1 step ahead from 2031-05-03 to 2031-05-03; history from 2.5.2031 0:00 to 2.5.2031 8:00"
    )


def test_times_are_those_of_the_series_that_is_drawn(trying):
    """Its name is not taken for a time though it is there once."""
    past = [{"shop": s, "t": f"2030-01-01T0{h}:30:00+02:00", "y": h} for s in "ab" for h in (1, 2)]
    rows = [{"shop": s, "t": f"2030-01-01T0{h}:30:00+02:00", "y": 5.0} for s, h in ("b3", "a4")]
    told, texts = drawn(trying, past[::-1][:2] + past[:2], rows)
    assert told.startswith("y of b: 1 step ahead from 2030-01-01 03:30+02:00 to 2030-01-01 03:30")
    assert texts[2:] == ["2030-01-01 02:30+02:00", "2030-01-01 03:30+02:00"]
