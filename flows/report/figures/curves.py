"""Figures of training: learning curves, and gradients before and after it."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullLocator

from flows.report import words
from flows.report.details import Curve, Details
from flows.report.figures.drawing import (
    Chart,
    Look,
    chart,
    label_values,
    left_out,
    legend,
    look,
    plain,
    thin,
)
from rnn_core.comparison.outcome import Comparison
from rnn_core.diagnostics.findings import Findings, When

Lags: TypeAlias = dict[When, list[float]]
"""Norms of the gradient by lag, before and after training."""

LINES: dict[When, tuple[str, float]] = {"before": ("--", 0.9), "after": ("-", 1.6)}
"""Style and width of lines before and after training."""


def curve_chart(details: Details) -> Chart | None:
    """Draw validation scores by optimiser step: thin lines for seeds, thick ones for means."""
    comparison = details.comparison
    shown = [name for name in words.best_sizes(comparison) if details.curves.get(name)]
    if not shown:
        return None
    figure, axis = plain(len(shown))
    num_lines = sum(len(details.curves[name]) + 1 for name in shown)
    for name in shown:
        draw_curves(axis, details.curves[name], name, look(comparison, name), num_lines)
    metric = comparison.metric
    axis.set_xlabel("optimiser step")
    axis.xaxis.set_major_formatter(EngFormatter(sep=""))
    label_values(axis, f"validation {metric.in_words},\n{metric.direction} is better")
    legend(figure, axis)
    return chart(details, "curves", "Learning curves", curve_words(details, shown), figure)


def draw_curves(
    axis: Axes,
    seeds: Mapping[int, Curve],
    name: str,
    style: Look,
    num_lines: int,
) -> None:
    """Draw a candidate: a thin line for each seed, a thick one for the mean of all seeds."""
    for curve in seeds.values():
        steps, scores = (thin(values, num_lines) for values in (curve.step, curve.validation))
        axis.plot(steps, scores, lw=0.5, alpha=0.5, color=style["color"], ls=style["linestyle"])
    shortest = min((curve.step for curve in seeds.values()), key=len)
    aligned = [curve.validation[: len(shortest)] for curve in seeds.values()]
    steps = thin(shortest, num_lines)
    mean = thin(np.mean(aligned, axis=0).tolist(), num_lines)
    axis.plot(steps, mean, label=name, lw=1.6, markevery=max(1, len(mean) // 5), ms=4, **style)


def curve_words(details: Details, shown: list[str]) -> str:
    """Describe the figure of learning curves."""
    comparison, curves = details.comparison, details.curves
    pick = max if comparison.metric.direction == "higher" else min
    reached = {n: pick(pick(c.validation) for c in curves[n].values()) for n in shown}
    best = "; ".join(f"{name} {words.score(value)}" for name, value in reached.items())
    text = f"The best validation score that a seed reached: {best}. Thick lines are means of seeds."
    found = {name: comparison.candidates[name] for name in shown}
    lost = [f"{name} ({words.outcome(one)})" for name, one in found.items() if one.diverged]
    text += f" Lines end where a training diverged: {', '.join(lost)}." if lost else ""
    return text + left_out(comparison, shown)


def lag_chart(details: Details) -> Chart | None:
    """Draw the gradient of the loss by the state at each lag, before and after training."""
    comparison = details.comparison
    lags: dict[str, Lags] = {
        name: {when: by_lag(details.diagnostics[name], when) for when in LINES}
        for name in words.best_sizes(comparison)
        if name in details.diagnostics
    }
    lags = {name: lines for name, lines in lags.items() if any(lines.values())}
    if not lags:
        return None
    figure, axis = plain(len(lags))
    for name, lines in lags.items():
        style = look(comparison, name)
        for when, (line, width) in LINES.items():
            kept = thin(list(range(len(lines[when]))), 2 * len(lags))
            values = [lines[when][int(lag)] for lag in kept]
            label = name if when == "after" else None
            marked = style | {"linestyle": line, "marker": style["marker"] if label else ""}
            every = max(1, len(values) // 5)
            axis.plot(kept, values, label=label, lw=width, markevery=every, ms=4, **marked)
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(numticks=6))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("lag, steps back from where the loss looks")
    label_values(axis, "norm of the gradient")
    legend(figure, axis)
    return chart(details, "lags", "Gradient by lag", lag_words(comparison, lags), figure)


def by_lag(found: Findings, when: When) -> list[float]:
    """Geometric mean over seeds of the norms in the last recurrent layer, as far as they are > 0.

    Args:
        found: The diagnostics of a candidate.
        when: Before or after training.
    """
    layers = [list(seed.at(when).values()) for seed in found.seeds.values() if seed.at(when)]
    norms = [of_seed[-1].gradient_by_lag.norm for of_seed in layers]
    mean = []
    for values in zip(*norms, strict=False):
        positive = [value for value in values if value is not None and value > 0]
        if len(positive) < len(values):
            break
        mean.append(float(np.exp(np.mean(np.log(positive)))))
    return mean


def lag_words(comparison: Comparison, lags: dict[str, Lags]) -> str:
    """Describe the figure of gradients."""
    told = [f"{name} {fall(lines['after'])}" for name, lines in lags.items()]
    text = (
        "The norm of the gradient of the loss by the state, against that of lag 0: after training "
        f"(solid; before: dashed) {'; '.join(told)}."
    )
    return text + left_out(comparison, list(lags))


def fall(norms: list[float]) -> str:
    """Describe how a gradient after training fades with the lag."""
    if not norms:
        return "was not measured, since its training diverged"
    if len(norms) == 1:
        return "has none beyond lag 0"
    return f"falls to {words.difference(norms[-1] / norms[0])} of it at lag {len(norms) - 1}"
