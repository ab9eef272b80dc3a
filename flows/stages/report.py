"""report: write the results of a study for programs and for people, with pictures."""

from dataclasses import asdict, dataclass

from flows.layout import REPORT_PARTS, Layout
from flows.report import advice, markdown
from flows.report.details import Details, collect, what_is_missing
from flows.report.figures import picture
from flows.report.page import page
from rnn_core.comparison.outcome import Comparison, Risk, Status
from rnn_core.files import whole_folder, write_json, write_text
from rnn_core.metric import Direction
from rnn_core.records import write_record
from rnn_core.study import Study


def report(layout: Layout, study: Study) -> None:
    """Fill `reports/` from the comparisons of the study; names missing ones and the reason."""
    there = [name for name in study.datasets if layout.comparison(name).exists()]
    found = {name: collect(layout, study, name) for name in there}
    results = {name: details.comparison for name, details in found.items()}
    missing = {
        name: what_is_missing(layout, study, name) for name in study.datasets if name not in there
    }
    with whole_folder(layout.reports, layout.scratch / "report") as folder:
        briefs = {name: asdict(brief(comparison)) for name, comparison in results.items()}
        write_json(folder / layout.metrics.name, briefs)
        write_text(folder / "report.md", markdown.report(study.study, results, missing))
        write_text(folder / "cells.svg", picture(results))
        write_text(folder / layout.page.name, page(study.study, found, missing))
        for name in REPORT_PARTS:
            (folder / name).mkdir()
        for name, details in found.items():
            write_record(folder / "details" / f"{name}.json", details)
            write_text(folder / "curves" / f"{name}.csv", curve(details))
            write_text(folder / "scores" / f"{name}.csv", scores(details.comparison))


def curve(details: Details) -> str:
    """The validation score of the registered seed at each epoch, as CSV for DVC's plots."""
    chosen = details.comparison.recommended
    curves = {} if chosen is None else details.curves.get(chosen.name, {})
    found = curves.get(chosen.seed.seed) if chosen else None
    values = found.validation if found else ()
    return "epoch,validation\n" + "".join(f"{i},{v}\n" for i, v in enumerate(values, start=1))


def scores(comparison: Comparison) -> str:
    """The mean test score of each candidate, as CSV for DVC's plots."""
    means = {name: found.test.mean for name, found in comparison.candidates.items()}
    told = (f"{name},{mean}\n" for name, mean in means.items() if mean is not None)
    return "candidate,test\n" + "".join(told)


@dataclass(frozen=True, kw_only=True)
class BriefScore:
    """A candidate: its test score over its seeds, and the risk of choosing it."""

    mean: float | None
    std: float | None
    seeds: int
    validation: Risk | None
    test: Risk | None


@dataclass(frozen=True, kw_only=True)
class BriefNetwork:
    """A network without recurrence: its test score, and how it compares with the candidate."""

    mean: float | None
    std: float | None
    seeds: int
    validation_margins_worse: float | None
    test_margins_worse: float | None


@dataclass(frozen=True, kw_only=True)
class Brief:
    """A dataset as programs read it from metrics.json."""

    task: str
    metric: str
    direction: Direction
    recommended: str | None
    decision: Status
    because: str
    trainings: int
    candidates: dict[str, BriefScore]
    references: dict[str, BriefNetwork]


def brief(comparison: Comparison) -> Brief:
    """The results that programs read."""
    decision, metric = comparison.decision, comparison.metric
    return Brief(
        task=comparison.task,
        metric=metric.name,
        direction=metric.direction,
        recommended=decision.recommended,
        decision=decision.status,
        because=advice.because(comparison),
        trainings=comparison.effort.trainings,
        candidates={
            name: BriefScore(
                mean=found.test.mean,
                std=found.test.std,
                seeds=len(found.seeds),
                validation=found.validation.risk,
                test=found.test.risk,
            )
            for name, found in comparison.candidates.items()
        },
        references={
            name: BriefNetwork(
                mean=found.test.mean,
                std=found.test.std,
                seeds=len(found.seeds),
                validation_margins_worse=found.validation.worse_by,
                test_margins_worse=found.test.worse_by,
            )
            for name, found in (comparison.references or {}).items()
        },
    )
