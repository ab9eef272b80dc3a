"""The style of figures, and functions that all of them use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flows.report import svg
from flows.report.details import Details
from flows.report.svg import STAND_IN
from rnn_core.comparison.outcome import Comparison

Look: TypeAlias = dict[str, Any]
"""Style of a line, as arguments of matplotlib."""

WIDTH = 4.4
"""Width in inches; narrow enough that the text can be read on a phone."""

LEFT = 0.8
"""Inches left of a panel, for its numbers and a label of two lines."""

RIGHT = 0.12
"""Inches right of a panel."""

MOST_POINTS = 150
"""Most points of a line."""

MOST_POINTS_OF_ALL = 1200
"""Most points of all lines of a figure, unless each would have fewer than `FEWEST_POINTS`."""

FEWEST_POINTS = 12

LEGEND_COLUMNS = 3
NUM_COLOURS = 7
MARKERS = "osD^vP*Xhd"
FILLS = ("full", "none", "left", "bottom")
LINES = ("-", "--", "-.", ":")


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure of a dataset.

    Attributes:
        name: A word for files and ids.
        title: Title of the figure.
        words: Description, also for readers who do not see the figure.
        svg: The figure as an SVG element.
    """

    name: str
    title: str
    words: str
    svg: str


def chart(details: Details, name: str, title: str, said: str, figure: Figure) -> Chart:
    """Make a chart of a figure, with its description."""
    dataset = details.dataset
    picture = svg.written(figure, f"{dataset} {name}", f"{title} on {dataset}. {said}")
    return Chart(name=name, title=title, words=said, svg=picture)


def look(comparison: Comparison, name: str) -> Look:
    """Style of a candidate: colour and marker show its cell, line and filling its size."""
    found = comparison.candidates
    cells = sorted({candidate.cell for candidate in found.values()})
    cell = found[name].cell
    place = cells.index(cell)
    same = [other for other in found if found[other].cell == cell]
    same.sort(key=lambda other: (found[other].num_layers, found[other].hidden_size))
    turn = same.index(name) + place // NUM_COLOURS
    return {
        "color": STAND_IN[f"c{place % NUM_COLOURS}"],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": LINES[turn % len(LINES)],
        "fillstyle": FILLS[turn % len(FILLS)],
    }


def plain(num_labels: int, height: float = 2.3, left: float = LEFT) -> tuple[Figure, Axes]:
    """A figure with one panel and room for a legend below.

    The room for text is estimated: matplotlib takes as long to measure text as to draw it.

    Args:
        num_labels: Entries of the legend.
        height: Height of the panel, in inches.
        left: Room for labels left of the panel, in inches.
    """
    figure, panels = stacked(1, num_labels, height, left)
    return figure, panels[0]


def stacked(
    num_panels: int, num_labels: int, height: float, left: float = LEFT
) -> tuple[Figure, list[Axes]]:
    """A figure with panels below each other; see `plain`."""
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
    """Add a legend below the panels, where it hides nothing."""
    handles, labels = axis.get_legend_handles_labels()
    style: Look = {"handlelength": 1.6, "columnspacing": 1.2, "borderpad": 0.2}
    figure.legend(handles, labels, loc="lower center", ncols=LEGEND_COLUMNS, **style)


def label_values(axis: Axes, text: str) -> None:
    """Label the values at the left edge of the figure, at the same place for all numbers."""
    axis.set_ylabel(text, va="top")
    axis.yaxis.set_label_coords(-(LEFT - 0.05) / (WIDTH - LEFT - RIGHT), 0.5)


def thin(values: Sequence[float], num_lines: int = 1) -> list[float]:
    """Thin out values evenly, so that the figure stays small; the first and last stay."""
    most = min(MOST_POINTS, max(FEWEST_POINTS, MOST_POINTS_OF_ALL // num_lines))
    if len(values) <= most:
        return list(values)
    kept = np.linspace(0, len(values) - 1, most).round().astype(int)
    return [values[i] for i in kept]


def left_out(comparison: Comparison, shown: list[str]) -> str:
    """Name the candidates that a figure does not show."""
    others = [name for name in comparison.candidates if name not in shown]
    if not others:
        return ""
    return (
        " Each cell is drawn at the size that is best on validation; not drawn: "
        f"{', '.join(others)}."
    )
