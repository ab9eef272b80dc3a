"""What the stages took on this machine: measured, and so beside the report, not in it."""

from collections.abc import Iterable
from typing import Any

from flows.layout import Layout
from flows.report import words
from flows.report.page import rendered
from flows.report.words import Grid
from rnn_core.files import read_json, read_json_lines, write_text
from rnn_core.study import Study

TEMPLATE = "timings.html.jinja"
TITLES = [
    "cell",
    "test score",
    "tuning, s",
    "training, s",
    "training, MB at most",
    "evaluation, s",
    "evaluation, MB at most",
]
MEASURED = [
    ("tune", "seconds"),
    ("train", "seconds"),
    ("train", "peak_megabytes"),
    ("evaluate", "seconds"),
    ("evaluate", "peak_megabytes"),
]
"""Of which stages the columns after the score tell what."""


def write_timings(layout: Layout, study: Study) -> None:
    """Write the page of timings beside the records that it shows.

    Raises:
        OSError: If it cannot be written.
    """
    last = last_records(read_json_lines(layout.timings))
    datasets = [(name, grid(layout, study, name, last)) for name in study.datasets]
    text = rendered(TEMPLATE, study=study.study, datasets=datasets, others=others(last))
    layout.state.mkdir(parents=True, exist_ok=True)
    write_text(layout.timings_page, text)


def last_records(records: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The last record of each stage."""
    return {record["stage"]: record for record in records}


def grid(layout: Layout, study: Study, dataset: str, last: dict[str, dict[str, Any]]) -> Grid:
    """Each cell of a dataset: how good it is, and what that took."""
    rows = []
    for cell in study.cells_of(dataset):
        taken = [measured(last.get(f"{verb}@{dataset}-{cell}"), what) for verb, what in MEASURED]
        rows.append([cell, scores(layout, dataset, cell), *taken])
    return Grid(titles=TITLES, rows=rows)


def measured(record: dict[str, Any] | None, what: str) -> str:
    """A number of a record; a stage whose output came from DVC's cache has none here."""
    return "not run here" if record is None else f"{record[what]:,.4g}"


def scores(layout: Layout, dataset: str, cell: str) -> str:
    """Mean test scores of the sizes of a cell; all of them share the time."""
    if not layout.comparison(dataset).exists():
        return "not compared yet"
    result = read_json(layout.comparison(dataset))
    found = {n: c for n, c in result["candidates"].items() if c["cell"] == cell}
    told = [f"{name} {words.spread(candidate['test'])}" for name, candidate in found.items()]
    return f"{result['metric']['name']}: {', '.join(told)}" if told else "not compared"


def others(last: dict[str, dict[str, Any]]) -> Grid:
    """The stages that are about no cell."""
    rows = [
        [stage, measured(record, "seconds"), measured(record, "peak_megabytes")]
        for stage, record in last.items()
        if not stage.startswith(tuple(f"{verb}@" for verb, _ in MEASURED))
    ]
    return Grid(titles=["stage", "s", "MB at most"], rows=rows)
