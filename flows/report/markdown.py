"""The report as markdown: report.md, and the parts that Prefect shows."""

from collections.abc import Mapping

from flows.report import advice, recurrence, tables
from flows.report.glossary import GLOSSARY
from flows.report.tables import Grid
from rnn_core.comparison.outcome import Comparison


def report(study: str, results: Mapping[str, Comparison], missing: Mapping[str, str]) -> str:
    """The results for a person, and the datasets that have none yet.

    Args:
        study: Name of the study.
        results: The comparison of each dataset that has one.
        missing: What is not there of the others, in words.
    """
    lines = [
        f"# Which cell to use: study `{study}`",
        "",
        "[What the words mean](#what-the-words-mean) stands at the end.",
        "",
        "![Test score of every cell on every dataset](cells.svg)",
        "",
    ]
    for dataset, comparison in results.items():
        lines += [section(dataset, comparison), ""]
    if missing:
        lines += [f"Not compared yet: {', '.join(missing)}.", ""]
    lines += ["## What the words mean", ""]
    lines += [f"- *{term}*: {meaning}" for term, meaning in GLOSSARY.items()]
    return "\n".join([*lines, ""])


def section(dataset: str, comparison: Comparison) -> str:
    """One dataset: what to do, why, the candidates, and where simple advice leads."""
    lines = [f"## {dataset}", "", advice.verdict(comparison, bold), ""]
    lines += [advice.evidence(comparison), "", *candidates(comparison), ""]
    if recalls := tables.recalls(comparison):
        lines += [*table(recalls), ""]
    lines += [*table(tables.policies(comparison))]
    if needed := recurrence.needed(comparison):
        lines += ["", f"### {recurrence.TITLE} on {dataset}", "", needed]
    if networks := recurrence.table(comparison):
        lines += ["", *table(networks)]
    if tuned := tables.tuning(comparison):
        lines += ["", *table(tuned)]
    if definition := comparison.metric.definition:
        lines += ["", f"{comparison.metric.name}: {definition}."]
    return "\n".join(lines)


def bold(text: str) -> str:
    """Text that stands out."""
    return f"**{text}**"


def candidates(comparison: Comparison) -> list[str]:
    """The candidates, the champion in bold, and the baselines in italics."""
    grid = tables.candidates(comparison)
    for row in grid.rows:
        if row[0] == comparison.decision.champion:
            row[0] = bold(row[0])
        elif row[0] in comparison.baselines:
            row[0] = f"*{row[0]}*"
    return table(grid)


def table(grid: Grid) -> list[str]:
    """A table, line by line; what is a line break or a column elsewhere is none in a word."""
    rows = [grid.titles, ["---"] * len(grid.titles), *grid.rows]
    return [f"| {' | '.join(escaped(word) for word in row)} |" for row in rows]


def escaped(word: str) -> str:
    """A word that cannot leave its column."""
    return " ".join(word.split()).replace("|", "\\|")
