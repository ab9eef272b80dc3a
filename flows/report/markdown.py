"""The report in Markdown: report.md, and the parts that Prefect shows."""

from collections.abc import Iterable, Mapping

from flows.report import advice, recurrence, tables
from flows.report.glossary import GLOSSARY
from flows.report.tables import Grid
from rnn_core.comparison.outcome import Comparison


def report(study: str, results: Mapping[str, Comparison], missing: Mapping[str, str]) -> str:
    """The results of a study in Markdown, with the datasets that have none yet.

    Args:
        study: Name of the study.
        results: The comparison of each dataset that has one.
        missing: The reason why each of the other datasets has none.
    """
    lines = [
        f"# Which cell to use: study `{study}`",
        "",
        "[What the words mean](#what-the-words-mean) is at the end.",
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
    """One dataset: the advice, its reasons, the candidates, and the results of simple policies."""
    lines = [f"## {dataset}", "", advice.verdict(comparison, bold), ""]
    lines += [points(advice.evidence(comparison)), "", *candidates(comparison), ""]
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
        lines += ["", f"{comparison.metric.in_words}: {definition}."]
    return "\n".join(lines)


def points(texts: Iterable[str]) -> str:
    """Texts as a list."""
    return "\n".join(f"- {text}" for text in texts)


def bold(text: str) -> str:
    """Text in bold."""
    return f"**{text}**"


def candidates(comparison: Comparison) -> list[str]:
    """The candidates, the recommended one in bold, and the baselines in italics."""
    grid = tables.candidates(comparison)
    for row in grid.rows:
        if row[0] == comparison.decision.recommended:
            row[0] = bold(row[0])
        elif row[0] in comparison.baselines:
            row[0] = f"*{row[0]}*"
    return table(grid)


def table(grid: Grid) -> list[str]:
    """The lines of a table; line breaks and column marks in a cell's text are escaped."""
    rows = [grid.titles, ["---"] * len(grid.titles), *grid.rows]
    return [f"| {' | '.join(escaped(word) for word in row)} |" for row in rows]


def escaped(word: str) -> str:
    """The text of a cell without line breaks, with escaped column marks."""
    return " ".join(word.split()).replace("|", "\\|")
