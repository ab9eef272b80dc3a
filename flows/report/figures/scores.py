"""Figures of scores: against cost, and against the best of the other candidates."""

from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator

from flows.report import words
from flows.report.details import Details
from flows.report.figures.drawing import Chart, chart, label_values, legend, look, plain
from flows.report.svg import STAND_IN
from rnn_core.comparison.outcome import CandidateResult, Comparison, SplitResult
from rnn_core.metric import ScoredSplit

Points: TypeAlias = dict[str, tuple[int, float]]
"""Multiply-accumulates of a step and mean test score, by candidate."""

LOOKS: dict[ScoredSplit, tuple[str, str, float]] = {
    "validation": ("c0", "o", -0.13),
    "test": ("c1", "s", 0.13),
}
"""Colour, marker and vertical offset within a candidate's row, by split."""


def cost_chart(details: Details) -> Chart | None:
    """Draw the test score against the cost of a step, with the Pareto front."""
    comparison = details.comparison
    points = {
        name: (found.cost.multiply_accumulates, found.test.mean)
        for name, found in words.ranked(comparison)
        if found.test.mean is not None
    }
    if not points:
        return None
    figure, axis = plain(len(points))
    for name, (x, y) in points.items():
        style = look(comparison, name) | {"linestyle": "none"}
        deviation = comparison.candidates[name].test.std
        axis.errorbar([x], [y], yerr=deviation, label=name, capsize=2, markersize=5, **style)
    front = pareto_front(comparison, points)
    axis.plot(*zip(*(points[n] for n in front), strict=True), "--", lw=1, color=STAND_IN["quiet"])
    if (recommended := comparison.decision.recommended) in points:
        x, y = points[recommended]
        axis.plot([x], [y], "o", markersize=12, fillstyle="none", color=STAND_IN["accent"])
    metric = comparison.metric
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
    axis.xaxis.set_major_formatter(EngFormatter(sep=""))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("multiply-accumulates of a step (logarithmic)")
    label_values(axis, f"test {metric.in_words},\n{metric.direction} is better")
    legend(figure, axis)
    return chart(
        details, "cost", "Accuracy against cost", cost_words(comparison, points, front), figure
    )


def pareto_front(comparison: Comparison, points: Points) -> list[str]:
    """Candidates for which no other is both cheaper and better, by cost."""
    front: list[str] = []
    best = np.inf
    order = sorted(points, key=lambda n: (points[n][0], comparison.metric.loss(points[n][1])))
    for name in order:
        value = comparison.metric.loss(points[name][1])
        if value < best:
            best = value
            front.append(name)
    return front


def cost_words(comparison: Comparison, points: Points, front: list[str]) -> str:
    """Describe the figure of costs."""
    listed = ", ".join(
        f"{name} ({words.score(points[name][1])} for {words.count(points[name][0])})"
        for name in front
    )
    text = f"On the Pareto front, the dashed line, from the cheapest: {listed}."
    if len(front) == 1:
        text = f"The cheapest is also the best: {listed}."
    if comparison.decision.recommended in points:
        text += f" The ring marks the recommended one, {comparison.decision.recommended}."
    text += " Bars are a standard deviation over seeds."
    absent = [name for name in comparison.candidates if name not in points]
    return text + (
        f" Without a score, since every seed diverged: {', '.join(absent)}." if absent else ""
    )


def interval_chart(details: Details) -> Chart | None:
    """Draw how much worse each candidate is than the best of the others, on both splits."""
    comparison = details.comparison
    rows = [(n, c) for n, c in words.ranked(comparison) if c.validation.standing]
    if len(rows) < 2:
        return None
    longest = max(len(name) for name, _ in rows)
    figure, axis = plain(3, 0.3 + 0.28 * len(rows), 0.2 + 0.075 * longest)
    for split, (colour, marker, shift) in LOOKS.items():
        for row, (_, candidate) in enumerate(rows):
            draw_interval(
                axis,
                row + shift,
                candidate.on(split),
                marker,
                color=STAND_IN[colour],
                label=split if row == 0 else None,
            )
    axis.axvline(0, color=STAND_IN["quiet"], lw=0.8)
    margin = comparison.margin
    axis.axvline(margin, color=STAND_IN["accent"], ls="--", lw=1, label=f"margin, {margin:g}")
    axis.set_yticks(range(len(rows)), [name for name, _ in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel(f"worse than the best other, {comparison.metric.in_words}")
    legend(figure, axis)
    said = interval_words(comparison, rows)
    return chart(details, "intervals", "Paired differences", said, figure)


def draw_interval(
    axis: Axes, height: float, result: SplitResult, marker: str, color: str, label: str | None
) -> None:
    """Draw a candidate on one split: how much worse it is, with limits if there are any."""
    standing = result.standing
    assert standing is not None
    middle, ends = standing.worse_by, (standing.at_least, standing.at_most)
    known = [end for end in ends if end is not None]
    drawn = known if len(known) == len(ends) else [middle, middle]
    axis.plot(drawn, [height] * 2, lw=1.5, color=color)
    axis.plot([middle], [height], marker, markersize=4, label=label, color=color)


def interval_words(comparison: Comparison, rows: list[tuple[str, CandidateResult]]) -> str:
    """Describe the figure of intervals."""
    listed = "; ".join(f"{name} {words.behind(c.validation)}" for name, c in rows)
    text = f"On validation, worse than the best of the others by: {listed}."
    standings = [c.validation.standing for _, c in rows]
    if all(standing is None or standing.at_least is None for standing in standings):
        text += " There are no intervals: one random seed does not tell how scores vary."
    else:
        text += " Lines are limits that hold for all candidates together at 95 %."
    absent = sorted(set(comparison.candidates) - {name for name, _ in rows})
    told = [f"{name} ({words.outcome(comparison.candidates[name])})" for name in absent]
    return text + (f" Not compared: {', '.join(told)}." if told else "")
