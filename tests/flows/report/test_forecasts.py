"""The figure of forecasts, and of the intervals around them."""

import re
from dataclasses import replace

from flows.report.details import collect
from flows.report.figures.forecasts import forecast_chart, shown_examples
from rnn_core.study import read_study
from rnn_core.training.illustration import Band, Forecasts, Series

TRUTH = (1.0, 2.0, None, 4.0)
BANDS = (
    Band(percent="80", low=(0.0, 2.5, 0.0, 3.0), high=(2.0, 3.0, 9.0, 4.0)),
    Band(percent="97.5", low=(0.0, 1.5, 0.0, 0.0), high=(2.0, 3.0, 9.0, 9.0)),
)


def drawn(layout, intervals):
    """The figure of a study whose champion alone has intervals."""
    details = collect(layout, read_study(layout.folder), "prices")
    one = Series(name="y", past=(1.0, 2.0), truth=TRUTH, forecast=(1.0,) * 4, intervals=intervals)
    first, *others = shown_examples(details)
    plain = replace(one, intervals=())
    shown = {first: one} | dict.fromkeys(others, plain)
    examples = {k: Forecasts(seed=0, split="test", series=(v, v)) for k, v in shown.items()}
    return first, forecast_chart(replace(details, illustrations=examples))


def test_intervals_are_bands_and_told_in_words(made_up):
    champion, chart = drawn(made_up, BANDS)
    assert (
        f"The bands are intervals of {champion}; of the values drawn here, "
        "those of 80 % hold 4 of 6 and of 97.5 % hold 6 of 6."
    ) in chart.words
    assert len(re.findall(r"fill-opacity:0\.18", chart.svg)) == 2 * len(BANDS)


def test_forecasts_of_one_value_have_no_bands(made_up):
    _, chart = drawn(made_up, ())
    assert "bands" not in chart.words
    assert "fill-opacity:0.18" not in chart.svg
