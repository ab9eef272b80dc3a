"""What trainings took on this machine: measured, and so beside the report, not in it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from flows.layout import Layout
from flows.report import words
from flows.report.page import rendered
from flows.report.tables import Grid
from flows.trainings.records import Record, read_records
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import write_text
from rnn_core.study import Study, is_for_tuning

TEMPLATE = "timings.html.jinja"
TITLES = [
    *("candidate", "test score", "tuning, s", "training, s", "training, MB at most"),
    *("evaluation, s", "evaluation, MB at most"),
]


def write_timings(layout: Layout, study: Study) -> None:
    """Write the page of timings beside the records that it shows.

    Raises:
        OSError: If it cannot be written.
    """
    last = last_records(read_records(layout))
    datasets = [(name, grid(layout, name, last)) for name in study.datasets]
    text = rendered(TEMPLATE, study=study.study, datasets=datasets)
    layout.state.mkdir(parents=True, exist_ok=True)
    write_text(layout.timings_page, text)


def last_records(records: Iterable[Record]) -> list[Record]:
    """The last record of each seed; all of the trials, which share seeds."""
    seeds, trials = {}, []
    for one in records:
        if is_for_tuning(one.seed):
            trials.append(one)
        else:
            seeds[one.what, one.dataset, one.cell, one.hidden_size, one.seed] = one
    return [*trials, *seeds.values()]


def grid(layout: Layout, dataset: str, last: Iterable[Record]) -> Grid:
    """Each candidate of a dataset: how good it is, and what its trainings took here."""
    found: dict[str, list[Record]] = defaultdict(list)
    for one in last:
        if one.dataset == dataset:
            found[f"{one.cell}-{one.hidden_size}"].append(one)
    rows = []
    for name, records in sorted(found.items()):
        trials = [r for r in records if is_for_tuning(r.seed)]
        trainings = [r for r in records if r.what == "train" and r not in trials]
        evaluations = [r for r in records if r.what == "evaluate"]
        took = [*measured(trainings), *measured(evaluations)]
        rows.append([name, score(layout, dataset, name), measured(trials)[0], *took])
    return Grid(titles=TITLES, rows=rows)


def measured(records: Sequence[Record]) -> tuple[str, str]:
    """Seconds together and megabytes at most; what the store had has none here."""
    if not records:
        return "not run here", "not run here"
    seconds = sum(one.seconds for one in records)
    return f"{seconds:,.4g}", f"{max(one.peak_megabytes for one in records):,.4g}"


def score(layout: Layout, dataset: str, candidate: str) -> str:
    """The mean test score of a candidate."""
    if not layout.comparison(dataset).exists():
        return "not compared yet"
    comparison = read_comparison(layout.comparison(dataset))
    found = comparison.candidates.get(candidate)
    return f"{comparison.metric.name} {words.mean_and_std(found.test)}" if found else "not compared"
