"""Words that a shell may complete. Imports no more than it takes to find them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnn_core.cells import REGISTRY as CELLS
from rnn_core.tasks import REGISTRY as TASKS

VERBS = ("ingest", "prepare", "train", "evaluate", "compare")
"""The stages that there is one of for each dataset."""

PLACES = (".", "*", "studies/*")
"""Where studies are looked for, from the current folder."""


def tasks(incomplete: str) -> list[str]:
    """Names of tasks that begin so."""
    return [name for name in TASKS if name.startswith(incomplete)]


def cell(incomplete: str) -> list[str]:
    """Names of cells that begin so."""
    return [name for name in CELLS if name.startswith(incomplete)]


def cells(incomplete: str) -> list[str]:
    """A list of cells with commas between, of which the last begins so."""
    before, comma, last = incomplete.rpartition(",")
    named = before.split(",")
    return [f"{before}{comma}{name}" for name in cell(last) if name not in named]


def datasets(incomplete: str) -> list[str]:
    """Datasets of the study in the current folder that begin so."""
    found = datasets_of(Path("params.yaml"))
    return [name for name in found[1] if name.startswith(incomplete)] if found else []


def stages(incomplete: str) -> list[str]:
    """Stages of the study in the current folder that begin so."""
    names = ["code", *(f"{verb}@{name}" for verb in VERBS for name in datasets("")), "report"]
    return [name for name in names if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """Names that models of the studies near the current folder have once they are registered."""
    names = [f"{study}.{name}" for study, known in studies() for name in known]
    return [name for name in names if name.startswith(incomplete)]


def studies() -> Iterator[tuple[str, list[str]]]:
    """The studies near the current folder, with their datasets."""
    for place in PLACES:
        for file in sorted(Path().glob(f"{place}/params.yaml".removeprefix("./"))):
            if found := datasets_of(file):
                yield found


def datasets_of(file: Path) -> tuple[str, list[str]] | None:
    """Name and datasets of a study; None if its parameters cannot be read."""
    import yaml  # noqa: PLC0415 - most words need none

    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return str(content["study"]), [str(name) for name in content["datasets"]]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return None
