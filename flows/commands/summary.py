"""What a run ends with: a few lines a dataset."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields

from rich.table import Table

from flows.layout import Layout
from flows.report import advice, recurrence, words
from flows.system.home import clone
from flows.tracking.promoted import Promotion
from rnn_core.comparison.outcome import Comparison, read_comparison
from rnn_core.study import Study


@dataclass(frozen=True, kw_only=True)
class Row:
    """One dataset, in words.

    Attributes:
        dataset: Its name.
        champion: The cell to use, and its hidden size.
        decision: Whether that is decided, and how sure it is.
        baseline: A simple baseline that is as good; empty if there is none.
        network: A network without a recurrence that is as good; likewise.
        risk: What the champion is expected to lose against the best, by both sets.
        test_score: Mean and standard deviation over the champion's seeds.
        ahead: Distance to the next candidate.
        cost: Multiply-accumulates of the champion's recurrent layers for one step.
        model: The registered model and the version that has the alias; empty where the registry
            was not asked.
        model_score: The test score of that version; empty if it is not known.
        kept: Why the version that was there stays instead of this champion; empty if it
            does not.
    """

    dataset: str
    champion: str
    decision: str
    baseline: str = ""
    network: str = ""
    risk: str = ""
    test_score: str = ""
    ahead: str = ""
    cost: str = ""
    model: str = ""
    model_score: str = ""
    kept: str = ""


def compared(plan: Study, stages: Collection[str]) -> list[str]:
    """The datasets of a study whose comparison is among some stages."""
    return [name for name in plan.datasets if f"compare@{name}" in stages]


def summarise(
    layout: Layout, datasets: Iterable[str], promotions: Mapping[str, Promotion]
) -> list[Row]:
    """A row for each dataset that has been compared.

    Args:
        layout: Of the study.
        datasets: Those to describe.
        promotions: What was registered, by the name of the dataset.
    """
    return [
        row(name, read_comparison(layout.comparison(name)), promotions.get(name))
        for name in datasets
        if layout.comparison(name).exists()
    ]


def row(dataset: str, comparison: Comparison, promotion: Promotion | None) -> Row:
    """Describe one dataset."""
    champion, decision = comparison.champion, comparison.decision
    if champion is None:
        return Row(dataset=dataset, champion="none", decision=advice.because(comparison))
    test, cost = champion.result.test, champion.result.cost
    return Row(
        dataset=dataset,
        champion=champion.name,
        decision=advice.status(comparison),
        baseline=words.capitalised(advice.as_good(comparison)),
        network=recurrence.as_good(comparison),
        risk=advice.risk(comparison),
        test_score=f"{words.mean_and_std(test)} {comparison.metric.name}",
        ahead=advice.to_runner_up(decision),
        cost=f"{words.count(cost.multiply_accumulates)} MACs",
        model=version_of(promotion) if promotion else "",
        model_score=words.score(promotion.test_score) if promotion else "",
        kept=promotion.reason if promotion and promotion.action == "kept" else "",
    )


def version_of(promotion: Promotion) -> str:
    """The registered model, and which version of it has the alias."""
    if promotion.version is None:
        return f"{promotion.model} without a champion"
    return f"{promotion.model} v{promotion.version}"


MOST_STAGES = 12
"""Names of stages that are shown where a run made no report."""

TITLES = {
    "dataset": "dataset",
    "champion": "champion",
    "decision": "decision",
    "baseline": "simple baseline",
    "network": "without a recurrence",
    "risk": "risk",
    "test_score": "test score",
    "ahead": "to the next",
    "cost": "cost of a step",
    "model": "model",
    "model_score": "its test score",
    "kept": "kept since",
}


def terminal_table(rows: list[Row]) -> Table:
    """What a terminal shows, a few lines a dataset.

    Eight columns would not fit: names that are folded cannot be copied, and what stands beside
    names that are not is folded to slivers.
    """
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for entry in rows:
        table.add_row(entry.dataset, "\n".join(in_lines(entry)))
    return table


def in_lines(entry: Row) -> list[str]:
    """What is known of a dataset; between its words a terminal may break a line."""
    lines = [f"{entry.champion}, {entry.decision}"]
    lines += [line for line in (entry.baseline, entry.network, entry.risk) if line]
    if entry.test_score:
        ahead = f", {entry.ahead}" if entry.ahead else ""
        lines.append(f"test score {entry.test_score}{ahead}; a step costs {entry.cost}")
    if entry.model:
        scored = f", test score {entry.model_score}" if entry.model_score else ""
        kept = f"; it stays so, since {entry.kept}" if entry.kept else ""
        lines.append(f"model {entry.model}{scored}{kept}")
    return lines


def markdown_table(rows: list[Row]) -> str:
    """The table as Markdown."""
    names = [field.name for field in fields(Row)]
    lines = [[TITLES[name] for name in names], ["---"] * len(names)]
    lines += [[getattr(entry, name) for name in names] for entry in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def closing_lines(
    layout: Layout, study: str, stages: Collection[str], promotions: Mapping[str, Promotion]
) -> list[str]:
    """Where the results of a run are, as far as it made them.

    Args:
        layout: Of the study.
        study: Name of the study.
        stages: All that the run brought up to date.
        promotions: What it registered, by the name of the dataset.
    """
    lines = []
    if "report" in stages:
        pages = "make up" if clone() else "gatewise up"
        lines.append(f"Report: {layout.page}. MLflow and Prefect pages: {pages}.")
    else:
        names = sorted(stages)
        shown = ", ".join(names[:MOST_STAGES]) + (", ..." if len(names) > MOST_STAGES else "")
        lines.append(f"Up to date now: {shown}.")
    if promotions:
        address = f"models:/{study}.DATASET@champion"
        lines.append(f'Load a model: mlflow.pyfunc.load_model("{address}").')
    return lines
