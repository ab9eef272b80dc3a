"""More seeds for the datasets on which the rule abstains for want of them.

Each gets a list of its own in params.yaml, so that the others need no training.
"""

import re
from collections.abc import Collection
from difflib import unified_diff
from typing import TypeAlias

import yaml

from flows.layout import Layout
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import write_text
from rnn_core.study import FILE, Study, read_study

ALIAS = re.compile(r"\*\S+")

Entry: TypeAlias = tuple[yaml.Node, yaml.Node]
"""Key and value of a mapping, with their places in the text."""


def add_seeds(layout: Layout, datasets: Collection[str], most: int) -> str:
    """Write into params.yaml the seeds that would let the rule decide.

    Numbers of seeds are raised to what the rule asks for, at most to `most`; where no number
    of seeds would do, none is added.

    Args:
        layout: Where the study keeps things.
        datasets: Those that may get more.
        most: Seeds that no dataset gets more than.

    Returns:
        What was changed, as a unified diff; empty if nothing was.

    Raises:
        ParameterError: If params.yaml does not allow it.
    """
    file = layout.folder / FILE
    before = file.read_text()
    plan = read_study(layout.folder)
    wanted = {name: seeds_wanted(layout, plan, name, most) for name in datasets}
    after = with_seeds(before, {name: seeds for name, seeds in wanted.items() if seeds})
    if after == before:
        return ""
    write_text(file, after)
    read_study(layout.folder)
    lines = unified_diff(before.splitlines(), after.splitlines(), FILE, FILE, n=2, lineterm="")
    return "\n".join(lines)


def seeds_wanted(layout: Layout, plan: Study, dataset: str, most: int) -> list[int]:
    """All seeds that a dataset should have; empty if it needs no more, or may have no more."""
    need = read_comparison(layout.comparison(dataset)).decision.need
    needed = need.seeds if need else None
    seeds = list(plan.seeds_of(dataset))
    number = 0 if needed is None else min(most, max(needed, len(seeds) + 1))
    if number <= len(seeds):
        return []
    unused = (seed for seed in range(number + max(seeds) + 1) if seed not in seeds)
    return seeds + [next(unused) for _ in range(number - len(seeds))]


def with_seeds(text: str, wanted: dict[str, list[int]]) -> str:
    """The text of params.yaml with other seeds of some datasets, and all else as it was."""
    for dataset, seeds in wanted.items():
        datasets = entries(yaml.compose(text, yaml.CSafeLoader))["datasets"][1]
        place, added = change(entries(entries(datasets)[dataset][1]), seeds, text)
        text = text[: place.start] + added + text[place.stop :]
    return text


def change(section: dict[str, Entry], seeds: list[int], text: str) -> tuple[slice, str]:
    """Where the text of a section changes, and to what; a new list stands below the task."""
    if "seeds" not in section:
        key, value = section["task"]
        end = text.find("\n", value.end_mark.index)
        end = len(text) if end < 0 else end
        return slice(end, end), f"\n{' ' * key.start_mark.column}seeds: {seeds}"
    key, value = section["seeds"]
    if value.start_mark.index < key.start_mark.index:  # it is an alias of another list
        alias = ALIAS.search(text, key.end_mark.index)
        assert alias is not None
        return slice(*alias.span()), str(seeds)
    assert isinstance(value, yaml.SequenceNode)
    last, new = value.value[-1], seeds[len(value.value) :]
    between = ", " if value.flow_style else f"\n{' ' * value.start_mark.column}- "
    end = last.end_mark.index
    return slice(end, end), "".join(f"{between}{seed}" for seed in new)


def entries(mapping: yaml.Node | None) -> dict[str, Entry]:
    """The entries of a mapping by name; those that it merges from another are not its own."""
    assert isinstance(mapping, yaml.MappingNode)
    return {key.value: (key, value) for key, value in mapping.value}
