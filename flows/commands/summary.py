"""What a run ends with: a few lines a dataset."""

from dataclasses import dataclass, fields
from typing import Any

from rich.table import Table

from flows.layout import Layout
from flows.tracking.promotion import Promotion
from rnn_core.files import read_json
from rnn_core.study import Study


@dataclass(frozen=True)
class Row:
    """One dataset, in words.

    Attributes:
        dataset: Its name.
        champion: The cell to use, and its hidden size.
        decision: Whether the rule decided that, or what it needs for it.
        test_score: Mean and standard deviation over the champion's seeds.
        registered_seed: The test score of the seed that is registered; empty if none is.
        ahead: Distance to the next candidate.
        cost: Multiply-accumulates of the champion's recurrent layers for one step.
        model: The registered model and its version; empty where the registry was not asked.
    """

    dataset: str
    champion: str
    decision: str
    test_score: str
    registered_seed: str
    ahead: str
    cost: str
    model: str


def summarise(
    layout: Layout, plan: Study, promotions: dict[str, Promotion] | None = None
) -> list[Row]:
    """A row for each dataset that has been compared.

    Args:
        layout: Of the study.
        plan: What it has planned.
        promotions: What was registered, by the name of the dataset; None: that was not asked.
    """
    return [
        row(name, layout, promotions) for name in plan.datasets if layout.comparison(name).exists()
    ]


def row(dataset: str, layout: Layout, promotions: dict[str, Promotion] | None) -> Row:
    """Describe one dataset."""
    content = read_json(layout.comparison(dataset))
    champion, metric = content["champion"], content["metric"]["name"]
    if champion is None:
        return Row(dataset, "none", content["reason"], "", "", "", "", "")
    promotion = (promotions or {}).get(dataset)
    unregistered = "" if promotions is None else "not registered"
    result = content["candidates"][champion]
    seed = next(s for s in result["seeds"] if s["seed"] == content["registered_seed"])
    std, ahead = result["test"]["std"], content["ahead"]
    spread = "" if std is None else f" ± {std:.2g}"
    side = "better" if ahead is not None and ahead >= 0 else "worse"
    return Row(
        dataset=dataset,
        champion=champion,
        decision=decision_in_words(content),
        test_score=f"{result['test']['mean']:.4g}{spread} {metric}",
        registered_seed=f"{seed['test']:.4g}" if promotion else "",
        ahead=f"{abs(ahead):.2g} {side} than {content['runner_up']}" if ahead is not None else "",
        cost=f"{result['cost']['multiply_accumulates']:,} MACs",
        model=f"{promotion.model} v{promotion.version}" if promotion else unregistered,
    )


def decision_in_words(content: dict[str, Any]) -> str:
    """Whether the rule decided, and what it needs if it did not."""
    need = content["need"]
    if need is None:
        return str(content["decision"])
    if need["seeds"] is not None:
        return f"{content['decision']}: {need['seeds']} seeds needed"
    if need["items"] is not None:
        return f"{content['decision']}: more seeds and {need['items']:.2g} times the items needed"
    return f"{content['decision']}: too close to tell"


TITLES = {
    "dataset": "dataset",
    "champion": "champion",
    "decision": "decision",
    "test_score": "test score",
    "registered_seed": "registered seed",
    "ahead": "to the next",
    "cost": "cost of a step",
    "model": "model",
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
    if entry.test_score:
        ahead = f", {entry.ahead}" if entry.ahead else ""
        lines.append(f"test score {entry.test_score}{ahead}; a step costs {entry.cost}")
    if entry.model:
        scored = f", test score {entry.registered_seed}" if entry.registered_seed else ""
        lines.append(f"model {entry.model}{scored}")
    return lines


def markdown_table(rows: list[Row]) -> str:
    """The table as Markdown."""
    names = [field.name for field in fields(Row)]
    lines = [[TITLES[name] for name in names], ["---"] * len(names)]
    lines += [[getattr(entry, name) for name in names] for entry in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
