"""The figure of forecasts, and which candidates examples are shown of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from flows.report import words
from flows.report.details import Details
from flows.report.figures.drawing import Chart, chart, legend, look, stacked, thin
from flows.report.svg import STAND_IN
from rnn_core.training.illustration import Forecasts, Series

MOST_SERIES = 4
NUM_STEPS = 2000
"""Steps of a forecast that are drawn at most, before they are thinned."""


def forecast_chart(details: Details) -> Chart | None:
    """Forecasts of the candidates that are shown, over what happened."""
    examples = {name: details.illustrations[name] for name in shown_examples(details)}
    found = {
        name: shown.series[:MOST_SERIES]
        for name, shown in examples.items()
        if isinstance(shown, Forecasts) and shown.series
    }
    if not found:
        return None
    first = next(iter(found.values()))
    figure, panels = stacked(len(first), 1 + len(found), 1.2)
    for i, (axis, series) in enumerate(zip(panels, first, strict=True)):
        draw_truth(axis, series)
        axis.set_title(f"{series.name}, window {i + 1} of {len(first)}", fontsize=9)
        for name, forecasts in found.items():
            if i < len(forecasts):
                start, values = len(series.past), forecasts[i].forecast
                draw_line(axis, start, values, label=name, **look(details.comparison, name))
    panels[-1].set_xlabel("step; the forecast begins at the dotted line")
    legend(figure, panels[0])
    said = f"Forecasts of {' and '.join(found)} over the truth. {forecast_words(found)}"
    return chart(details, "forecasts", "Forecasts over truth", said, figure)


def draw_truth(axis: Axes, series: Series) -> None:
    """What is known when the forecast is made, and what happened then."""
    start = len(series.past)
    whole = [*series.past, *series.truth]
    draw_line(axis, 0, whole, label="truth", color=STAND_IN["quiet"], marker="")
    axis.axvline(start - 0.5, color=STAND_IN["quiet"], ls=":", lw=1)


def draw_line(axis: Axes, start: int, values: Sequence[float | None], **style: Any) -> None:
    """A line through values at steps that begin somewhere, with gaps where there is none."""
    kept = thin(list(range(min(len(values), NUM_STEPS))))
    steps = [start + i for i in kept]
    every = max(1, len(kept) // 5)
    shown = np.asarray([values[int(i)] for i in kept], dtype=float)  # None becomes NaN
    axis.plot(steps, shown, lw=1.4, ms=4, markevery=every, **style)


def forecast_words(found: Mapping[str, Sequence[Series]]) -> str:
    """How far the forecasts are from the truth on the series that are drawn."""
    told = []
    for name, series in found.items():
        pairs = [pair for s in series for pair in zip(s.truth, s.forecast, strict=False)]
        known = [(t, f) for t, f in pairs if t is not None and f is not None]
        errors = [abs(truth - made) for truth, made in known]
        whole = len(errors) == len(pairs) and errors
        told.append(f"{name} {words.score(float(np.mean(errors))) if whole else 'no number'}")
    return f"Mean absolute difference from the truth drawn here: {'; '.join(told)}."


def shown_examples(details: Details) -> list[str]:
    """The champion and the runner-up, as far as they have examples; else those that have."""
    there, decision = details.illustrations, details.comparison.decision
    first = (decision.champion, decision.runner_up)
    wanted = [name for name in first if name is not None and name in there]
    return wanted or [name for name, _ in words.ranked(details.comparison) if name in there][:2]
