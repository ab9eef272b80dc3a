"""The text at the end of a run, and of a status: a block of a few lines for each dataset."""

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from flows.layout import Layout
from flows.report import advice, words
from flows.report.answer import Answer, answer
from flows.report.details import ask
from flows.system.command_line import command_line
from flows.tracking.promoted import Promotion
from rnn_core.comparison.outcome import Comparison, read_comparison
from rnn_core.errors import DataError
from rnn_core.study import Study

FOLLOWING = "  "
"""Indentation of text for which the terminal's line is too short."""

NARROW = 3
"""A name that takes more than this part of the width gets its own line."""

MOST_STAGES = 12
"""Most names of stages that are shown after a run that made no report."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One dataset, in words.

    Attributes:
        dataset: Its name.
        answer: The answer of its comparison; None if it failed before the comparison.
        registry: The model that is registered, with its own score; empty if there is none.
        commands: Commands to type next, each after its purpose.
        details: Further lines, for --verbose.
        failed: The task that failed, and the cause, or why its comparison cannot be read; empty
            if there is nothing of the kind.
    """

    dataset: str
    answer: Answer | None
    registry: str = ""
    commands: tuple[tuple[str, str], ...] = ()
    details: tuple[str, ...] = ()
    failed: str = ""

    def lines(self, *, verbose: bool = False) -> list[str]:
        """All lines that are shown, except the commands."""
        told = self.answer.lines if self.answer else []
        told += [f"registered: {self.registry}"] if self.registry else []
        told += self.details if verbose else ()
        return [*told, *([self.failed] if self.failed else [])]


def compared(plan: Study, stages: Collection[str]) -> list[str]:
    """The datasets of a study whose comparison is among some stages."""
    return [name for name in plan.datasets if f"compare@{name}" in stages]


def summarise(
    layout: Layout,
    study: str,
    datasets: Iterable[str],
    promotions: Mapping[str, Promotion],
    folder: Path = Path(),
) -> list[Block]:
    """Make a block for each dataset that has been compared.

    Args:
        layout: Where the study keeps things.
        study: Name of the study.
        datasets: Datasets to describe.
        promotions: The promotion of the champion, by dataset.
        folder: The study's folder, as the user types it in a command.
    """
    found = []
    for name in datasets:
        if not layout.comparison(name).exists():
            continue
        try:
            comparison = read_comparison(layout.comparison(name))
        except (DataError, OSError) as error:  # the others can be shown
            again = (("compare again", command_line("run", folder)),)
            found.append(Block(dataset=name, answer=None, commands=again, failed=str(error)))
        else:
            found.append(block(study, name, comparison, promotions.get(name), folder))
    return found


def block(
    study: str, dataset: str, comparison: Comparison, promotion: Promotion | None, folder: Path
) -> Block:
    """Describe one dataset."""
    model, again = f"{study}.{dataset}", command_line("run", folder)
    if comparison.recommended is None:
        return Block(dataset=dataset, answer=answer(comparison), commands=(("then", again),))
    if promotion is None:
        commands = (("not registered yet; to register it", again),)
    elif promotion.version is None:
        commands = (
            ("choose one", f"gatewise champion promote {model} VERSION --because 'REASON'"),
        )
    else:
        commands = (("try it", f"gatewise {ask(model, comparison.task)}"),)
    return Block(
        dataset=dataset,
        answer=answer(comparison),
        registry=registry(comparison, promotion),
        commands=commands,
        details=(*details(comparison), *registered(promotion)),
    )


def registry(comparison: Comparison, promotion: Promotion | None) -> str:
    """The model that is the champion, with its own test score; empty if none is registered."""
    if promotion is None:
        return ""
    if promotion.version is None:
        return "the model has no champion, since someone removed the alias"
    version, score = f"version {promotion.version}", promotion.test_score
    own = "" if score is None else f"{words.score(score)} on the test set"
    if promotion.action == "kept":
        return f"{version} stays, since {promotion.reason}{own and f'; it has {own}'}"
    return f"{version}, {words.what_is_registered(comparison)}{own and f': {own}'}"


def registered(promotion: Promotion | None) -> list[str]:
    """Lines on the registered model: its name, and the way to load it."""
    if promotion is None or promotion.version is None:
        return []
    model = promotion.model
    return [
        f"registered as {model}; its champion now: {command_line('champion', 'show', model)}",
        f'in Python: mlflow.pyfunc.load_model("models:/{model}@champion")',
    ]


def details(comparison: Comparison) -> list[str]:
    """Further facts about a recommendation, a line each."""
    chosen = comparison.recommended
    assert chosen is not None
    mean, cost = chosen.result.test, chosen.result.cost
    deviation = ""
    if mean.std is not None:
        seeds = len(chosen.result.seeds) - len(chosen.result.diverged)
        deviation = (
            f", with a standard deviation of {words.difference(mean.std)} over {seeds} random seeds"
        )
    lines = [
        f"mean test score of {chosen.name}: {words.score(mean.mean)}{deviation}",
        *advice.evidence(comparison),
        *advice.chances(comparison),
        (
            f"cost: {words.count(cost.parameters)} parameters; a step of one sequence takes "
            f"{words.count(cost.multiply_accumulates)} multiply-accumulates in the recurrent layers"
        ),
    ]
    return [line for line in lines if line]


def with_failures(
    blocks: Sequence[Block], failures: Mapping[str, str], folder: Path
) -> list[Block]:
    """Add failures to the blocks of their datasets, and blocks for datasets without one.

    Args:
        blocks: Blocks of the datasets that have been compared.
        failures: The cause of each failed task by its name, such as "train@co2".
        folder: The study's folder, as the user types it in a command.
    """
    failed: dict[str, str] = {}
    for task, why in failures.items():
        if dataset := task.partition("@")[2]:
            failed.setdefault(dataset, f"failed at {task}: {first_line(why)}")
    names = {one.dataset for one in blocks}
    again = (("fix it, then", command_line("run", folder)),)
    return [
        *(replace(one, failed=failed.get(one.dataset, "")) for one in blocks),
        *(
            Block(dataset=name, answer=None, failed=why, commands=again)
            for name, why in failed.items()
            if name not in names
        ),
    ]


def first_line(text: str) -> str:
    """The first line of an error."""
    return (text.strip().splitlines() or [""])[0]


def show(console: Console, blocks: Sequence[Block], *, verbose: bool = False) -> None:
    """Print blocks; lines are wrapped only on a terminal."""
    width = console.width if console.is_terminal else None
    text = shown(blocks, width, verbose=verbose) if blocks else "Nothing has been compared yet.\n"
    console.print(text, highlight=False, soft_wrap=True)


def shown(blocks: Sequence[Block], width: int | None, *, verbose: bool = False) -> Text:
    """The blocks for a terminal.

    Names are in a separate column, unless it leaves too little room for the rest. Commands are
    never wrapped, so that they can be copied.

    Args:
        blocks: Blocks to show.
        width: Characters of a line; None: lines are not wrapped.
        verbose: Whether to show details.
    """
    longest = max((len(one.dataset) for one in blocks), default=0) + 2
    beside = width is None or longest * NARROW <= width
    indent = " " * (longest if beside else len(FOLLOWING))
    text = Text()
    for one in blocks:
        lines = [*broken(one.lines(verbose=verbose), width, len(indent))]
        lines += [f"{purpose}: {command}" for purpose, command in one.commands]
        text.append(one.dataset, "bold")
        text.append(" " * (longest - len(one.dataset)) if beside else f"\n{indent}")
        text.append(f"\n{indent}".join(lines) + "\n")
    return text


def broken(lines: Iterable[str], width: int | None, indent: int) -> Iterable[str]:
    """Wrap lines between words to fit into a width after an indentation."""
    for line in lines:
        if width is None:
            yield line
        else:
            yield from textwrap.wrap(
                line,
                max(width - indent, 20),
                subsequent_indent=FOLLOWING,
                break_long_words=False,
                break_on_hyphens=False,
            )


def markdown_table(blocks: Iterable[Block]) -> str:
    """The answers as a table in Markdown."""
    lines = [["dataset", "answer", "score", "risk", "registered"], ["---"] * 5]
    for one in blocks:
        if one.answer is not None:
            found = one.answer
            lines.append(
                [one.dataset, found.headline, found.scores, found.risk, one.registry or "no"]
            )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def closing_lines(typed: Layout, stages: Collection[str], blocks: Sequence[Block]) -> list[str]:
    """Lines that say where to find the results of a run.

    Args:
        typed: The study, with its folder as the user typed it.
        stages: The stages that the run brought up to date.
        blocks: The blocks that were shown.
    """
    if "report" not in stages:
        names = sorted(stages)
        some = ", ".join(names[:MOST_STAGES]) + (", ..." if len(names) > MOST_STAGES else "")
        return [f"Up to date now: {some}."] if names else []
    lines = [f"Report: {typed.page}"]
    if blocks:
        lines.append(f"Details: {command_line('status', typed.folder)} --verbose")
    return [*lines, "Pages of MLflow and Prefect: gatewise up"]
