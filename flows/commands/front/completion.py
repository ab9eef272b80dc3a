"""Words that a shell can complete. It imports little, so that completion is quick."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.stages import DATASET_VERBS
from rnn_core.cells import REGISTRY as CELLS
from rnn_core.tasks import REGISTRY as TASKS

PLACES = (".", "*", "studies/*")
"""Patterns of folders where studies are looked for, from the current folder."""


def tasks(incomplete: str) -> list[str]:
    """Names of tasks that begin with the incomplete word."""
    return [name for name in TASKS if name.startswith(incomplete)]


def cell(incomplete: str) -> list[str]:
    """Names of cells that begin with the incomplete word."""
    return [name for name in CELLS if name.startswith(incomplete)]


def cells(incomplete: str) -> list[str]:
    """Lists of cells, separated by commas, whose last name completes the incomplete one."""
    before, comma, last = incomplete.rpartition(",")
    named = before.split(",")
    return [f"{before}{comma}{name}" for name in cell(last) if name not in named]


def datasets(incomplete: str) -> list[str]:
    """Datasets of the study in the current folder that begin with the incomplete word."""
    found = datasets_of(Path("params.yaml"))
    return [name for name in found[1] if name.startswith(incomplete)] if found else []


def stages(incomplete: str) -> list[str]:
    """Stages of the study in the current folder that begin with the incomplete word."""
    found = datasets("")
    names = ["code", *(f"{verb}@{name}" for verb in DATASET_VERBS for name in found), "report"]
    return [name for name in names if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """Names of registered models of the studies near the current folder, also future ones."""
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
    import yaml  # noqa: PLC0415 - most words do not need it

    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return str(content["study"]), [str(name) for name in content["datasets"]]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        return None
