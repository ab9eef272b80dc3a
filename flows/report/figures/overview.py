"""The figure of a study, with a panel for each dataset."""

import io
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flows.report import words
from rnn_core.comparison.outcome import Comparison

RECOMMENDED_COLOUR = "#d1495b"
CELL_COLOUR = "#30638e"
BASELINE_COLOUR = "#8d99ae"
PANELS_IN_A_ROW = 3


def picture(results: Mapping[str, Comparison]) -> str:
    """Draw every seed of every cell, a panel for each dataset, as SVG with reproducible bytes."""
    style: dict[Any, Any] = {"svg.hashsalt": "gatewise", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(style):
        columns = max(1, min(len(results), PANELS_IN_A_ROW))
        rows = max(1, -(-len(results) // columns))
        figure = Figure(figsize=(3.6 * columns, 2.9 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).flatten()
        for axis, (dataset, comparison) in zip(axes, results.items(), strict=False):
            draw_panel(axis, dataset, comparison)
        for axis in axes[len(results) :]:
            axis.set_visible(False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def draw_panel(axis: Axes, dataset: str, comparison: Comparison) -> None:
    """Draw a dataset: a dot for each seed, a bar at each mean, a line at the best baseline."""
    cells = words.ranked(comparison)[::-1]
    for row, (name, cell) in enumerate(cells):
        colour = RECOMMENDED_COLOUR if name == comparison.decision.recommended else CELL_COLOUR
        scores = [seed.test for seed in cell.seeds if seed.test is not None]
        axis.plot(scores, [row] * len(scores), "o", color=colour, alpha=0.6, markersize=4)
        if cell.test.mean is not None:
            axis.plot([cell.test.mean] * 2, [row - 0.3, row + 0.3], color=colour, lw=2)
    if best := words.best_baseline(comparison):
        axis.axvline(comparison.baselines[best], color=BASELINE_COLOUR, ls="--", lw=1)
    if comparison.optimum is not None:
        axis.axvline(comparison.optimum, color=BASELINE_COLOUR, lw=1)
    axis.set_yticks(range(len(cells)), [name for name, _ in cells])
    axis.set_title(dataset)
    better = comparison.metric.direction
    axis.set_xlabel(f"test {comparison.metric.in_words}, {better} is better")
    axis.spines[["top", "right"]].set_visible(False)
