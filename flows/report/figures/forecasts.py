"""The figure of forecasts, and the choice of candidates for examples."""

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
"""Most steps of a forecast that are drawn, before they are thinned."""


def forecast_chart(details: Details) -> Chart | None:
    """Draw forecasts of the candidates with examples, over the truth."""
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
        draw_intervals(axis, series, look(details.comparison, next(iter(found)))["color"])
        draw_truth(axis, series)
        axis.set_title(f"{series.name}, window {i + 1} of {len(first)}", fontsize=9)
        for name, forecasts in found.items():
            if i < len(forecasts):
                start, values = len(series.past), forecasts[i].forecast
                draw_line(axis, start, values, label=name, **look(details.comparison, name))
    panels[-1].set_xlabel("step; the forecast begins at the dotted line")
    legend(figure, panels[0])
    said = (
        f"Forecasts of {' and '.join(found)} over the truth. {forecast_words(found)}"
        f"{interval_words(next(iter(found)), first)}"
    )
    return chart(details, "forecasts", "Forecasts over truth", said, figure)


def draw_intervals(axis: Axes, series: Series, colour: str) -> None:
    """Draw the intervals of a forecast; wider ones are paler."""
    for band in series.intervals:
        kept = thin(list(range(min(len(band.low), NUM_STEPS))))
        steps = [len(series.past) + i for i in kept]
        low, high = (
            np.asarray([end[int(i)] for i in kept], float) for end in (band.low, band.high)
        )
        axis.fill_between(steps, low, high, color=colour, alpha=0.18, lw=0)


def draw_truth(axis: Axes, series: Series) -> None:
    """Draw the values before the forecast, and the truth after its start."""
    start = len(series.past)
    whole = [*series.past, *series.truth]
    draw_line(axis, 0, whole, label="truth", color=STAND_IN["quiet"], marker="")
    axis.axvline(start - 0.5, color=STAND_IN["quiet"], ls=":", lw=1)


def draw_line(axis: Axes, start: int, values: Sequence[float | None], **style: Any) -> None:
    """Draw a line through values from a step on, with gaps where values are missing."""
    kept = thin(list(range(min(len(values), NUM_STEPS))))
    steps = [start + i for i in kept]
    every = max(1, len(kept) // 5)
    shown = np.asarray([values[int(i)] for i in kept], dtype=float)  # None becomes NaN
    axis.plot(steps, shown, lw=1.4, ms=4, markevery=every, **style)


def forecast_words(found: Mapping[str, Sequence[Series]]) -> str:
    """State the mean difference of forecasts from the truth on the series that are drawn."""
    told = []
    for name, series in found.items():
        pairs = [pair for s in series for pair in zip(s.truth, s.forecast, strict=False)]
        known = [(t, f) for t, f in pairs if t is not None and f is not None]
        errors = [abs(truth - made) for truth, made in known]
        whole = len(errors) == len(pairs) and errors
        told.append(f"{name} {words.score(float(np.mean(errors))) if whole else 'no number'}")
    return f"Mean absolute difference from the truth drawn here: {'; '.join(told)}."


def interval_words(name: str, series: Sequence[Series]) -> str:
    """Count the drawn values that are in each interval; empty if there are no intervals."""
    held: dict[str, list[bool]] = {}
    for one in series:
        for band in one.intervals:
            each = zip(band.low, one.truth, band.high, strict=True)
            held.setdefault(band.percent, []).extend(
                low <= truth <= high
                for low, truth, high in each
                if low is not None and truth is not None and high is not None
            )
    if not held:
        return ""
    told = [f"of {percent} % hold {sum(is_in)} of {len(is_in)}" for percent, is_in in held.items()]
    return (
        f" The bands are intervals of {name}; of the values drawn here, those {words.listed(told)}."
    )


def shown_examples(details: Details) -> list[str]:
    """The recommended candidate and the runner-up, or two others if these have no examples."""
    there, decision = details.illustrations, details.comparison.decision
    first = (decision.recommended, decision.runner_up)
    wanted = [name for name in first if name is not None and name in there]
    return wanted or [name for name, _ in words.ranked(details.comparison) if name in there][:2]
