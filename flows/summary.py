"""The table that a run ends with."""

from dataclasses import dataclass, fields

from rich.table import Table

from flows.layout import Layout
from flows.registry import Promotion
from rnn_core.files import read_json
from rnn_core.params import Study


@dataclass(frozen=True)
class Row:
    """One dataset, in words.

    Attributes:
        dataset: Its name.
        champion: The cell to use.
        test_score: Mean and standard deviation over the champion's seeds.
        registered_seed: The test score of the seed that is registered.
        margin: Distance to the next cell.
        cost: Multiply-accumulates of the champion's recurrent layers for one step.
        model: The registered model and its version.
    """

    dataset: str
    champion: str
    test_score: str
    registered_seed: str
    margin: str
    cost: str
    model: str


def summarise(layout: Layout, plan: Study, promotions: dict[str, Promotion]) -> list[Row]:
    """A row for each dataset that has been compared."""
    return [
        row(name, layout, promotions.get(name))
        for name in plan.datasets
        if layout.comparison(name).exists()
    ]


def row(dataset: str, layout: Layout, promotion: Promotion | None) -> Row:
    """Describe one dataset."""
    content = read_json(layout.comparison(dataset))
    champion, metric = content["champion"], content["metric"]["name"]
    if champion is None:
        return Row(dataset, "none", "every cell diverged", "", "", "", "")
    result = content["cells"][champion]
    seed = next(s for s in result["seeds"] if s["seed"] == content["registered_seed"])
    std, margin = result["test"]["std"], content["margin"]
    spread = "" if std is None else f" ± {std:.2g}"
    side = "better" if margin is not None and margin >= 0 else "worse"
    return Row(
        dataset=dataset,
        champion=champion,
        test_score=f"{result['test']['mean']:.4g}{spread} {metric}",
        registered_seed=f"{seed['test']:.4g}",
        margin=f"{abs(margin):.2g} {side} than {content['runner_up']}"
        if margin is not None
        else "",
        cost=f"{result['cost']['multiply_accumulates']:,} MACs",
        model=f"{promotion.model} v{promotion.version}" if promotion else "not registered",
    )


TITLES = {
    "dataset": "dataset",
    "champion": "champion",
    "test_score": "test score",
    "registered_seed": "registered seed",
    "margin": "margin to the next",
    "cost": "cost of a step",
    "model": "model",
}


def terminal_table(rows: list[Row], *, with_model: bool = True) -> Table:
    """The table for a terminal; without the models where the registry was not asked."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = [field.name for field in fields(Row) if with_model or field.name != "model"]
    for name in names:
        table.add_column(TITLES[name], overflow="fold")
    for entry in rows:
        table.add_row(*(getattr(entry, name) for name in names))
    return table


def markdown_table(rows: list[Row]) -> str:
    """The table as Markdown."""
    names = [field.name for field in fields(Row)]
    lines = [[TITLES[name] for name in names], ["---"] * len(names)]
    lines += [[getattr(entry, name) for name in names] for entry in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
