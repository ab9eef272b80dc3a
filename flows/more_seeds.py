"""More seeds for the datasets on which the rule abstains for want of them.

Each gets a list of its own in params.yaml, so that the others need no training.
"""

import io
from collections.abc import Collection
from difflib import unified_diff
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from flows.layout import Layout
from rnn_core.files import read_json, write_text
from rnn_core.params import FILE, Study, read_study

WIDEST = 4096
"""Lines of params.yaml are never broken anew."""


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
    comparison = read_json(layout.comparison(dataset))
    needed = (comparison["need"] or {}).get("seeds")
    seeds = list(plan.seeds_of(dataset))
    number = 0 if needed is None else min(most, max(needed, len(seeds) + 1))
    if number <= len(seeds):
        return []
    unused = (seed for seed in range(number + max(seeds) + 1) if seed not in seeds)
    return seeds + [next(unused) for _ in range(number - len(seeds))]


def with_seeds(text: str, wanted: dict[str, list[int]]) -> str:
    """The text of params.yaml with other seeds of some datasets, and all else as it was."""
    if not wanted:
        return text
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = WIDEST
    content = yaml.load(text)
    for dataset, seeds in wanted.items():
        set_seeds(content["datasets"][dataset], seeds)
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


def set_seeds(section: CommentedMap, seeds: list[int]) -> None:
    """Set the seeds of a section; a new list comes after what the section begins with."""
    known: Any = dict.get(section, "seeds")
    if isinstance(known, CommentedSeq):
        known.extend(seeds[len(known) :])
        return
    added = CommentedSeq(seeds)
    added.fa.set_flow_style()
    place = next(i for i, key in enumerate(section) if key == "task")
    section.insert(place + 1, "seeds", added)
