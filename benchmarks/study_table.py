"""Scores of both sides of `study.py`, compared, and the table of all results."""

import math
import statistics
from typing import Any

from scipy.stats import ttest_ind

SIGNIFICANCE = 0.01


def compared(ours: list[float | None], theirs: list[float | None]) -> dict[str, Any]:
    """The test scores of a cell on both sides, and whether they differ beyond chance.

    Returns:
        Means and the spread over seeds, which is the pooled standard deviation of both
        sides; None where a seed diverged or there is but one.
    """
    found: dict[str, Any] = {"gatewise": ours, "plain": theirs}
    mine, others = ([t for t in tests if t is not None] for tests in (ours, theirs))
    if len(mine) < len(ours) or len(others) < len(theirs):
        both = len(mine) == len(others) < len(ours)
        return found | {"difference": None, "spread": None, "beyond_chance": not both}
    found["difference"] = statistics.fmean(mine) - statistics.fmean(others)
    if len(mine) < 2:
        return found | {"spread": None, "beyond_chance": None}
    spread = math.sqrt((statistics.variance(mine) + statistics.variance(others)) / 2)
    chance = 1.0 if found["difference"] == 0 else float(ttest_ind(mine, others).pvalue)
    return found | {"spread": spread, "beyond_chance": bool(chance < SIGNIFICANCE)}


def number(value: float | None) -> str:
    """A score for a table."""
    return "-" if value is None else f"{value:.4g}"


def mean(tests: list[float | None]) -> str:
    """The mean of scores for a table."""
    values = [test for test in tests if test is not None]
    return number(statistics.fmean(values)) if len(values) == len(tests) else "diverged"


def table(part: str, found: dict[str, Any]) -> str:
    """Table of the results."""
    lines = [f"{part}: wall time, seconds"]
    lines += [f"  {name:24}{seconds:10.1f}" for name, seconds in found["seconds"].items()]
    than = f"plain PyTorch, {found['better_plain']}"
    lines.append(f"  Gatewise is {found['ratio']:.2f} times as fast as {than}")
    lines += [
        "",
        f"{part}: Gatewise's workers, seconds of all their work",
    ]
    lines += [
        f"  {what:16}{sums['number']:4.0f}{sums['seconds']:10.1f}"
        for what, sums in found["work"].items()
    ]
    lines += [f"  {found['time_account']}", ""]
    titles = ("Gatewise", "plain", "difference", "spread", "s, Gatewise", "s, plain")
    lines.append(f"{part}: test scores" + " " * 22 + "".join(f"{title:>13}" for title in titles))
    for dataset, cells in found["scores"].items():
        lines += [row(dataset, cell, scores) for cell, scores in cells.items()]
    lines.append("  Seconds are those of all seeds of a cell on one thread.")
    return "\n".join(lines)


def row(dataset: str, cell: str, scores: dict[str, Any]) -> str:
    """Line about a cell."""
    columns = [mean(scores["gatewise"]), mean(scores["plain"])]
    columns += [number(scores["difference"]), number(scores["spread"])]
    columns += [f"{scores[f'{side}_seconds']:.1f}" for side in ("gatewise", "plain")]
    mark = "  <- beyond chance" if scores["beyond_chance"] else ""
    return f"  {dataset:20} {cell:16}" + "".join(f"{column:>13}" for column in columns) + mark
