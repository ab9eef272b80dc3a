"""The figures of a report: one picture of a study, and those of each dataset."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullLocator

from flows.report import svg, words
from flows.report.svg import STAND_IN
from flows.report.words import Result

CHAMPION_COLOUR = "#d1495b"
CELL_COLOUR = "#30638e"
BASELINE_COLOUR = "#8d99ae"
PANELS_IN_A_ROW = 3

WIDTH = 4.4
"""Inches; so wide that its text can still be read on a phone."""

LEFT = 0.8
"""Inches left of a panel, for its numbers and what they are of, in two lines."""

RIGHT = 0.12
"""Inches right of it."""

MOST_POINTS = 150
"""Points of a line."""

MOST_POINTS_OF_ALL = 1200
"""Points of all lines of a picture, unless each would have fewer than `FEWEST_POINTS`."""

FEWEST_POINTS = 12

LEGEND_COLUMNS = 3
NUM_COLOURS = 7
MARKERS = "osD^vP*Xhd"
FILLS = ("full", "none", "left", "bottom")
LINES = ("-", "--", "-.", ":")
MOST_SERIES = 4
NUM_STEPS = 2000
"""Steps of a forecast that are drawn at most, before they are thinned."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure of a dataset.

    Attributes:
        name: A word for files and ids.
        title: Of the figure.
        words: What it shows, in words; also for those who do not see it.
        svg: The picture, an SVG element.
    """

    name: str
    title: str
    words: str
    svg: str


def charts(details: dict[str, Any]) -> list[Chart]:
    """The figures of a dataset for which there is something to draw."""
    drawn = (cost_chart, interval_chart, curve_chart, lag_chart, forecast_chart)
    with svg.drawing():
        return [chart for draw in drawn if (chart := draw(details)) is not None]


def chart(details: dict[str, Any], name: str, title: str, said: str, figure: Figure) -> Chart:
    """A figure with all that belongs to it."""
    dataset = details["dataset"]
    picture = svg.written(figure, f"{dataset} {name}", f"{title} on {dataset}. {said}")
    return Chart(name=name, title=title, words=said, svg=picture)


def look(result: Result, name: str) -> dict[str, Any]:
    """How a candidate is drawn: colour and marker tell its cell, line and filling its size."""
    found = result["candidates"]
    cells = sorted({candidate["cell"] for candidate in found.values()})
    cell = found[name]["cell"]
    place = cells.index(cell)
    sizes = sorted(c["hidden_size"] for c in found.values() if c["cell"] == cell)
    turn = sizes.index(found[name]["hidden_size"]) + place // NUM_COLOURS
    return {
        "color": STAND_IN[f"c{place % NUM_COLOURS}"],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": LINES[turn % len(LINES)],
        "fillstyle": FILLS[turn % len(FILLS)],
    }


def plain(num_labels: int, height: float = 2.3, left: float = LEFT) -> tuple[Figure, Axes]:
    """A figure with one panel and room for a legend below.

    Room is reckoned, not measured: matplotlib takes as long to measure text as to draw it.

    Args:
        num_labels: Entries of the legend.
        height: Of the panel, in inches.
        left: Of the panel, room for its labels, in inches.
    """
    figure, panels = stacked(1, num_labels, height, left)
    return figure, panels[0]


def stacked(
    num_panels: int, num_labels: int, height: float, left: float = LEFT
) -> tuple[Figure, list[Axes]]:
    """A figure with panels below each other, as `plain`."""
    above, between = 0.22, 0.45
    below = 0.5 + 0.2 * -(-num_labels // LEGEND_COLUMNS)
    whole = above + num_panels * height + (num_panels - 1) * between + below
    figure = Figure(figsize=(WIDTH, whole))
    grid = figure.add_gridspec(
        num_panels,
        1,
        left=left / WIDTH,
        right=1 - RIGHT / WIDTH,
        bottom=below / whole,
        top=1 - above / whole,
        hspace=between / height,
    )
    return figure, [figure.add_subplot(grid[row, 0]) for row in range(num_panels)]


def legend(figure: Figure, axis: Axes) -> None:
    """A legend below the panels, where it hides nothing."""
    handles, labels = axis.get_legend_handles_labels()
    style: dict[str, Any] = {"handlelength": 1.6, "columnspacing": 1.2, "borderpad": 0.2}
    figure.legend(handles, labels, loc="lower center", ncols=LEGEND_COLUMNS, **style)


def label_values(axis: Axes, text: str) -> None:
    """Say what the values are at the left edge of the figure, however long their numbers."""
    axis.set_ylabel(text, va="top")
    axis.yaxis.set_label_coords(-(LEFT - 0.05) / (WIDTH - LEFT - RIGHT), 0.5)


def thin(values: Sequence[float], num_lines: int = 1) -> list[float]:
    """Values with so few left out, evenly, that the picture stays small; the ends stay."""
    most = min(MOST_POINTS, max(FEWEST_POINTS, MOST_POINTS_OF_ALL // num_lines))
    if len(values) <= most:
        return list(values)
    kept = np.linspace(0, len(values) - 1, most).round().astype(int)
    return [values[i] for i in kept]


def cost_chart(details: dict[str, Any]) -> Chart | None:
    """Test score against the cost of a step, with the Pareto front."""
    result = details["comparison"]
    points = {
        name: (found["cost"]["multiply_accumulates"], found["test"]["mean"])
        for name, found in words.ranked(result)
        if found["test"]["mean"] is not None
    }
    if not points:
        return None
    figure, axis = plain(len(points))
    for name, (x, y) in points.items():
        style = look(result, name) | {"linestyle": "none"}
        deviation = result["candidates"][name]["test"]["std"]
        axis.errorbar([x], [y], yerr=deviation, label=name, capsize=2, markersize=5, **style)
    front = pareto_front(result, points)
    axis.plot(*zip(*(points[n] for n in front), strict=True), "--", lw=1, color=STAND_IN["quiet"])
    if (champion := result["champion"]) in points:
        x, y = points[champion]
        axis.plot([x], [y], "o", markersize=12, fillstyle="none", color=STAND_IN["accent"])
    metric = result["metric"]
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
    axis.xaxis.set_major_formatter(EngFormatter(sep=""))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("multiply-accumulates of a step (logarithmic)")
    label_values(axis, f"test {metric['name']},\n{metric['direction']} is better")
    legend(figure, axis)
    return chart(
        details, "cost", "Accuracy against cost", cost_words(result, points, front), figure
    )


def pareto_front(result: Result, points: dict[str, tuple[int, float]]) -> list[str]:
    """Candidates than which none is both cheaper and better, by cost."""
    front: list[str] = []
    best = np.inf
    order = sorted(points, key=lambda n: (points[n][0], words.loss(result["metric"], points[n][1])))
    for name in order:
        value = words.loss(result["metric"], points[name][1])
        if value < best:
            best = value
            front.append(name)
    return front


def cost_words(result: Result, points: dict[str, tuple[int, float]], front: list[str]) -> str:
    """What the figure of costs shows."""
    listed = ", ".join(
        f"{name} ({words.score(points[name][1])} for {words.count(points[name][0])})"
        for name in front
    )
    text = f"On the Pareto front, the dashed line, from the cheapest: {listed}."
    if result["champion"] in points:
        text += f" The ring marks the champion, {result['champion']}."
    text += " Bars are a standard deviation over seeds."
    absent = [name for name in result["candidates"] if name not in points]
    return text + (
        f" Without a score, since every seed diverged: {', '.join(absent)}." if absent else ""
    )


def interval_chart(details: dict[str, Any]) -> Chart | None:
    """By how much each candidate is worse than the best of the others, on both sides."""
    result = details["comparison"]
    rows = [(n, c) for n, c in words.ranked(result) if c["validation"].get("worse_by") is not None]
    if len(rows) < 2:
        return None
    longest = max(len(name) for name, _ in rows)
    figure, axis = plain(3, 0.3 + 0.28 * len(rows), 0.2 + 0.075 * longest)
    sides = {"validation": ("c0", "o", -0.13), "test": ("c1", "s", 0.13)}
    for side, (colour, marker, shift) in sides.items():
        for row, (_, candidate) in enumerate(rows):
            limits = candidate[side]
            middle, paint = limits["worse_by"], STAND_IN[colour]
            known = limits["at_least"] is not None and limits["at_most"] is not None
            ends = [limits["at_least"], limits["at_most"]] if known else [middle, middle]
            axis.plot(ends, [row + shift] * 2, lw=1.5, color=paint)
            label = side if row == 0 else None
            axis.plot([middle], [row + shift], marker, markersize=4, label=label, color=paint)
    axis.axvline(0, color=STAND_IN["quiet"], lw=0.8)
    margin = result["margin"]
    axis.axvline(margin, color=STAND_IN["accent"], ls="--", lw=1, label=f"margin, {margin:g}")
    axis.set_yticks(range(len(rows)), [name for name, _ in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel(f"worse than the best other, {result['metric']['name']}")
    legend(figure, axis)
    return chart(details, "intervals", "Paired differences", interval_words(result, rows), figure)


def interval_words(result: Result, rows: list[tuple[str, Any]]) -> str:
    """What the figure of intervals shows."""
    listed = "; ".join(f"{name} {words.behind(c['validation'])}" for name, c in rows)
    text = f"On validation, worse than the best of the others by: {listed}."
    if all(c["validation"]["at_least"] is None for _, c in rows):
        text += " There are no intervals: one seed says nothing of the spread between seeds."
    else:
        text += " Lines are limits that hold for all candidates together at 95 %."
    absent = sorted(set(result["candidates"]) - {name for name, _ in rows})
    told = [f"{name} ({words.outcome(result['candidates'][name])})" for name in absent]
    return text + (f" Not compared: {', '.join(told)}." if told else "")


def curve_chart(details: dict[str, Any]) -> Chart | None:
    """Validation scores by optimiser step: seeds thin, their mean thick."""
    result = details["comparison"]
    shown = [name for name in words.best_sizes(result) if details["curves"].get(name)]
    if not shown:
        return None
    figure, axis = plain(len(shown))
    num_lines = sum(len(details["curves"][name]) + 1 for name in shown)
    for name in shown:
        draw_curves(axis, details["curves"][name], name, look(result, name), num_lines)
    metric = result["metric"]
    axis.set_xlabel("optimiser step")
    axis.xaxis.set_major_formatter(EngFormatter(sep=""))
    label_values(axis, f"validation {metric['name']},\n{metric['direction']} is better")
    legend(figure, axis)
    return chart(details, "curves", "Learning curves", curve_words(details, shown), figure)


def draw_curves(
    axis: Axes,
    seeds: dict[str, dict[str, list[float]]],
    name: str,
    style: dict[str, Any],
    num_lines: int,
) -> None:
    """One candidate: a thin line for each seed, a thick one for the mean where all have one."""
    for curve in seeds.values():
        steps, scores = (thin(curve[key], num_lines) for key in ("step", "validation"))
        axis.plot(steps, scores, lw=0.5, alpha=0.5, color=style["color"], ls=style["linestyle"])
    shortest = min((curve["step"] for curve in seeds.values()), key=len)
    aligned = [curve["validation"][: len(shortest)] for curve in seeds.values()]
    steps = thin(shortest, num_lines)
    mean = thin(np.mean(aligned, axis=0).tolist(), num_lines)
    axis.plot(steps, mean, label=name, lw=1.6, markevery=max(1, len(mean) // 5), ms=4, **style)


def curve_words(details: dict[str, Any], shown: list[str]) -> str:
    """What the figure of learning curves shows."""
    result, curves = details["comparison"], details["curves"]
    pick = max if result["metric"]["direction"] == "higher" else min
    reached = {n: pick(pick(c["validation"]) for c in curves[n].values()) for n in shown}
    best = "; ".join(f"{name} {words.score(value)}" for name, value in reached.items())
    text = f"The best validation score that a seed reached: {best}. Thick lines are means of seeds."
    outcomes = {n: result["candidates"][n]["outcome"] for n in shown}
    lost = [f"{name} ({outcome})" for name, outcome in outcomes.items() if outcome]
    text += f" Lines end where a training diverged: {', '.join(lost)}." if lost else ""
    return text + left_out(result, shown)


def left_out(result: Result, shown: list[str]) -> str:
    """Which candidates a figure does not draw, in words."""
    others = [name for name in result["candidates"] if name not in shown]
    if not others:
        return ""
    return (
        " Each cell is drawn at the size that is best on validation; not drawn: "
        f"{', '.join(others)}."
    )


def lag_chart(details: dict[str, Any]) -> Chart | None:
    """The gradient of the loss by the state so many steps back, before and after training."""
    result = details["comparison"]
    lags = {
        name: {when: by_lag(details["diagnostics"][name], when) for when in ("before", "after")}
        for name in words.best_sizes(result)
        if name in details["diagnostics"]
    }
    lags = {name: lines for name, lines in lags.items() if any(lines.values())}
    if not lags:
        return None
    figure, axis = plain(len(lags))
    for name, lines in lags.items():
        style = look(result, name)
        for when, line, width in (("before", "--", 0.9), ("after", "-", 1.6)):
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
    return chart(details, "lags", "Gradient by lag", lag_words(result, lags), figure)


def by_lag(found: dict[str, Any], when: str) -> list[float]:
    """Geometric mean over seeds of the norms in the last recurrent layer, as far as they are > 0.

    Args:
        found: The content of a diagnostics.json.
        when: "before" or "after".
    """
    norms = []
    for seed in found["seeds"].values():
        if seed[when]:
            layer = list(seed[when])[-1]
            norms.append(seed[when][layer]["gradient_by_lag"]["norm"])
    mean = []
    for values in zip(*norms, strict=False):
        if any(value is None or value <= 0 for value in values):
            break
        mean.append(float(np.exp(np.mean(np.log(values)))))
    return mean


def lag_words(result: Result, lags: dict[str, dict[str, list[float]]]) -> str:
    """What the figure of gradients shows."""
    told = [f"{name} {fall(lines['after'])}" for name, lines in lags.items()]
    text = (
        "The norm of the gradient of the loss by the state, against that of lag 0: after training "
        f"(solid; before: dashed) {'; '.join(told)}."
    )
    return text + left_out(result, list(lags))


def fall(norms: list[float]) -> str:
    """How a gradient after training fades with the lag."""
    if not norms:
        return "was not measured, since its training diverged"
    if len(norms) == 1:
        return "has none beyond lag 0"
    return f"falls to {words.difference(norms[-1] / norms[0])} of it at lag {len(norms) - 1}"


def forecast_chart(details: dict[str, Any]) -> Chart | None:
    """Forecasts of the candidates that are shown, over what happened."""
    found = {
        name: details["illustrations"][name]["series"]
        for name in shown_examples(details)
        if details["illustrations"][name].get("kind") == "forecast"
    }
    found = {name: series[:MOST_SERIES] for name, series in found.items() if series}
    if not found:
        return None
    first = next(iter(found.values()))
    figure, panels = stacked(len(first), 1 + len(found), 1.2)
    for i, (axis, series) in enumerate(zip(panels, first, strict=True)):
        draw_truth(axis, series)
        axis.set_title(f"{series['name']}, window {i + 1} of {len(first)}", fontsize=9)
        for name, forecasts in found.items():
            if i < len(forecasts):
                start, values = len(series["past"]), forecasts[i]["forecast"]
                draw_line(axis, start, values, label=name, **look(details["comparison"], name))
    panels[-1].set_xlabel("step; the forecast begins at the dotted line")
    legend(figure, panels[0])
    said = f"Forecasts of {' and '.join(found)} over the truth. {forecast_words(found)}"
    return chart(details, "forecasts", "Forecasts over truth", said, figure)


def draw_truth(axis: Axes, series: dict[str, Any]) -> None:
    """What is known when the forecast is made, and what happened then."""
    start = len(series["past"])
    whole = [*series["past"], *series["truth"]]
    draw_line(axis, 0, whole, label="truth", color=STAND_IN["quiet"], marker="")
    axis.axvline(start - 0.5, color=STAND_IN["quiet"], ls=":", lw=1)


def draw_line(axis: Axes, start: int, values: list[float | None], **style: Any) -> None:
    """A line through values at steps that begin somewhere, with gaps where there is none."""
    kept = thin(list(range(min(len(values), NUM_STEPS))))
    steps = [start + i for i in kept]
    every = max(1, len(kept) // 5)
    shown = np.asarray([values[int(i)] for i in kept], dtype=float)  # None becomes NaN
    axis.plot(steps, shown, lw=1.4, ms=4, markevery=every, **style)


def forecast_words(found: dict[str, list[dict[str, Any]]]) -> str:
    """How far the forecasts are from the truth on the series that are drawn."""
    told = []
    for name, series in found.items():
        pairs = [pair for s in series for pair in zip(s["truth"], s["forecast"], strict=False)]
        errors = [abs(truth - made) for truth, made in pairs if None not in (truth, made)]
        whole = len(errors) == len(pairs) and errors
        told.append(f"{name} {words.score(float(np.mean(errors))) if whole else 'no number'}")
    return f"Mean absolute difference from the truth drawn here: {'; '.join(told)}."


def shown_examples(details: dict[str, Any]) -> list[str]:
    """The champion and the runner-up, as far as they have examples; else those that have."""
    result, there = details["comparison"], details["illustrations"]
    wanted = [name for name in (result["champion"], result["runner_up"]) if name in there]
    return wanted or [name for name, _ in words.ranked(result) if name in there][:2]


def picture(results: dict[str, Result]) -> str:
    """Every seed of every cell, a panel for each dataset, as SVG with stable bytes."""
    style: dict[Any, Any] = {"svg.hashsalt": "gatewise", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(style):
        columns = max(1, min(len(results), PANELS_IN_A_ROW))
        rows = max(1, -(-len(results) // columns))
        figure = Figure(figsize=(3.6 * columns, 2.9 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).flatten()
        for axis, (dataset, result) in zip(axes, results.items(), strict=False):
            draw_panel(axis, dataset, result)
        for axis in axes[len(results) :]:
            axis.set_visible(False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def draw_panel(axis: Axes, dataset: str, result: Result) -> None:
    """One dataset: a dot for each seed, a bar at each mean, a line at the best baseline."""
    cells = words.ranked(result)[::-1]
    for row, (name, cell) in enumerate(cells):
        colour = CHAMPION_COLOUR if name == result["champion"] else CELL_COLOUR
        scores = [seed["test"] for seed in cell["seeds"] if seed["test"] is not None]
        axis.plot(scores, [row] * len(scores), "o", color=colour, alpha=0.6, markersize=4)
        if scores:
            axis.plot([cell["test"]["mean"]] * 2, [row - 0.3, row + 0.3], color=colour, lw=2)
    if best := words.best_baseline(result):
        axis.axvline(result["baselines"][best], color=BASELINE_COLOUR, ls="--", lw=1)
    if result["optimum"] is not None:
        axis.axvline(result["optimum"], color=BASELINE_COLOUR, lw=1)
    axis.set_yticks(range(len(cells)), [name for name, _ in cells])
    axis.set_title(dataset)
    better = result["metric"]["direction"]
    axis.set_xlabel(f"test {result['metric']['name']}, {better} is better")
    axis.spines[["top", "right"]].set_visible(False)
