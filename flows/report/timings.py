"""The page of times and memory on this machine; separate from the report, as they vary."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from flows.layout import Layout
from flows.report import words
from flows.report.page import rendered
from flows.report.tables import Grid
from flows.trainings.records import (
    ANSWERS,
    Answer,
    Record,
    last_records,
    read_answers,
    read_records,
)
from rnn_core.comparison.outcome import read_comparison
from rnn_core.errors import DataError
from rnn_core.files import write_text
from rnn_core.study import Study

TEMPLATE = "timings.html.jinja"
TITLES = [
    *("candidate", "test score", "parameters", "MACs", "answer, ms", "95 % of answers, ms"),
    *("answer, MB more at most", "tuning, s", "training, s", "training, MB at most"),
    *("evaluation, s", "evaluation, MB at most", "refit, s"),
]


def write_timings(layout: Layout, study: Study) -> None:
    """Write the page of timings next to the records that it shows.

    Raises:
        OSError: If it cannot be written.
    """
    last, answers = last_records(read_records(layout)), read_answers(layout)
    datasets = [(name, grid(layout, name, last, answers)) for name in study.datasets]
    text = rendered(TEMPLATE, study=study.study, datasets=datasets, answers=ANSWERS)
    layout.state.mkdir(parents=True, exist_ok=True)
    write_text(layout.timings_page, text)


def grid(layout: Layout, dataset: str, last: Iterable[Record], answers: Iterable[Answer]) -> Grid:
    """A row for each candidate and reference network: scores, size, and measurements here."""
    answer = {one.candidate: one for one in answers if one.dataset == dataset}
    found: dict[str, list[Record]] = defaultdict(list)
    for one in last:
        if one.dataset == dataset:
            found[one.candidate].append(one)
    rows, (told, otherwise) = [], judged(layout, dataset)
    for name, records in sorted(found.items()):
        trials = [r for r in records if r.is_trial]
        compared = [r for r in records if r.is_compared]
        refits = [r for r in records if not (r.is_trial or r.is_compared)]
        trainings = [r for r in compared if r.what == "train"]
        evaluations = [r for r in compared if r.what == "evaluate"]
        took = [measured(trials)[0], *measured(trainings), *measured(evaluations)]
        took.append(measured(refits)[0])
        known = told.get(name, [otherwise, "", ""])
        ran = any(one.seed == 0 for one in evaluations)
        rows.append([name, *known, *answered(answer.get(name), ran), *took])
    return Grid(titles=TITLES, rows=rows)


def measured(records: Sequence[Record]) -> tuple[str, str]:
    """Total seconds and peak megabytes; trainings from the store have none here."""
    if not records:
        return "not run here", "not run here"
    seconds = sum(one.seconds for one in records)
    return f"{seconds:,.4g}", f"{max(one.peak_megabytes for one in records):,.4g}"


def answered(answer: Answer | None, ran: bool) -> tuple[str, str, str]:
    """Time and memory of an answer here: median and 95th percentile in ms, and peak megabytes.

    Args:
        answer: The measurement; None if there is none.
        ran: Whether the seed whose answers are measured was evaluated here.
    """
    if answer is None:
        why = "not measured" if ran else "not run here"
        return why, why, why
    peak = "not told" if answer.peak_megabytes is None else f"{answer.peak_megabytes:,.3g}"
    return f"{answer.median_ms:,.3g}", f"{answer.p95_ms:,.3g}", peak


def judged(layout: Layout, dataset: str) -> tuple[dict[str, list[str]], str]:
    """Test score, parameters and MACs of compared models, and a word for all others."""
    if not layout.comparison(dataset).exists():
        return {}, "not compared yet"
    try:
        comparison = read_comparison(layout.comparison(dataset))
    except DataError:
        return {}, "compared by another version"
    metric = comparison.metric.in_words
    found = {
        name: [
            f"{metric} {words.mean_and_std(one.test)}",
            words.count(one.cost.parameters),
            words.count(one.cost.multiply_accumulates),
        ]
        for name, one in comparison.results.items()
    }
    return found, "not compared"
