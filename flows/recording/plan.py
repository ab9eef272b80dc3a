"""Find the stages to run: those that DVC calls stale, and those that depend on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from flows.layout import Layout
from flows.recording.command import has_remote, stale_stages
from flows.recording.graph_file import NAME, bring_up_to_date
from flows.recording.inputs import Inputs
from flows.recording.lock_file import read_lock
from flows.recording.repair import repair
from flows.stages import DATASET_VERBS
from flows.stages.code import code
from rnn_core.errors import ParameterError, unknown
from rnn_core.files import write_bytes


@dataclass(frozen=True)
class Due:
    """The stages that a run has to do.

    Attributes:
        selected: Stages that were asked for, with all that they depend on.
        stages: Those of them that are stale, or depend on a stale one.
        repaired: A line for the user about each file that a kill had left half-written.
    """

    selected: set[str]
    stages: set[str]
    repaired: list[str]

    @property
    def work(self) -> set[str]:
        """The stages without `code`, which `find_due` has done: alone, it leaves nothing to do."""
        return self.stages - {"code"}


def find_due(
    layout: Layout, inputs: Inputs, datasets: list[str] | None, only: list[str] | None
) -> Due:
    """Bring code.json up to date, and ask DVC which stages are stale.

    The caller must hold the lock for runs of the study: nobody may repair dvc.lock while it is
    written.

    Args:
        layout: Where the study keeps things.
        inputs: The inputs of the run.
        datasets: Datasets to bring up to date; all if None.
        only: Patterns of stages; all if None.

    Raises:
        ParameterError: If a pattern or a dataset names none.
        RecordingError: If DVC fails.
        StudyError: If the study's dvc.yaml is not for this code.
    """
    repaired = repair(layout)
    selected = select(layout, inputs, datasets, only)
    bring_up_to_date(layout)
    code(layout)
    stale = stale_stages(layout)
    return Due(selected, below(inputs, stale) & selected, repaired)


@contextmanager
def only_looking(layout: Layout) -> Iterator[None]:
    """Put code.json and dvc.yaml back after `find_due`, for whoever runs nothing.

    The files belong to the recorded results until a run brings these up to date. A dvc.lock that
    a kill cut off stays repaired.
    """
    files = (layout.code, layout.folder / NAME)
    before = {file: file.read_bytes() for file in files if file.exists()}
    try:
        yield
    finally:
        for file in filter(Path.exists, files):
            if file not in before:
                file.unlink()
            elif file.read_bytes() != before[file]:
                write_bytes(file, before[file])


def lacks_trainings(
    layout: Layout, inputs: Inputs, datasets: list[str] | None, only: list[str] | None
) -> bool:
    """Return whether a run certainly has something to do, without asking DVC.

    It has in a fresh clone, and in a new study: trainings that are asked for are missing.

    Args:
        layout: Where the study keeps things.
        inputs: The inputs of the run.
        datasets: Datasets to bring up to date; all if None.
        only: Patterns of stages; all if None.

    Raises:
        ParameterError: If a pattern or a dataset names none.
    """
    selected = select(layout, inputs, datasets, only)
    names = [name for name in inputs.study.datasets if f"train@{name}" in selected]
    return not all(layout.runs(name).exists() for name in names)


def to_be_pulled(layout: Layout, inputs: Inputs, due: Due) -> list[str]:
    """Datasets that would be trained although a remote may have their trainings.

    These are the ones whose trainings dvc.lock names but that are missing here, as in a fresh
    clone.
    """
    recorded = read_lock(layout)
    names = [
        name
        for name in inputs.study.datasets
        if {f"train@{name}"} <= due.stages & recorded.keys() and not layout.runs(name).exists()
    ]
    return names if names and has_remote(layout) else []


def order(inputs: Inputs) -> list[str]:
    """All stages, in the order in which `dvc repro` runs them."""
    stages = [f"{verb}@{name}" for verb in DATASET_VERBS for name in inputs.study.datasets]
    return ["code", *stages, "report"]


def below(inputs: Inputs, stale: set[str]) -> set[str]:
    """The stale stages and all that depend on them.

    Nothing follows from a stale code stage: the other stages depend on their own fingerprints in
    code.json, which DVC has compared.
    """
    found = set(stale)
    for name in inputs.study.datasets:
        chain = [f"{verb}@{name}" for verb in DATASET_VERBS]
        first = next((i for i, stage in enumerate(chain) if stage in stale), len(chain))
        found.update(chain[first:])
    if found - {"code"}:
        found.add("report")
    return found


def above(stages: set[str], inputs: Inputs) -> set[str]:
    """The given stages and all that they depend on."""
    found = set(stages) | {"code"}
    names = inputs.study.datasets
    for name in names:
        chain = [f"{verb}@{name}" for verb in DATASET_VERBS]
        wanted = [i for i, stage in enumerate(chain) if stage in stages or "report" in stages]
        found.update(chain[: max(wanted, default=-1) + 1])
    return found


def select(
    layout: Layout, inputs: Inputs, datasets: list[str] | None, only: list[str] | None
) -> set[str]:
    """The stages that are asked for, with all that they depend on.

    The report covers all datasets. A run of some of them includes it only if the others have been
    compared before.
    """
    for name in datasets or []:
        inputs.study.section(name)
    known = order(inputs)
    asked = [s for s in known if datasets is None or s.partition("@")[2] in datasets]
    chosen: set[str] = set()
    for pattern in ["*"] if only is None else only:
        found = {stage for stage in asked if fnmatchcase(stage, pattern)}
        if not found:
            raise ParameterError(f"{unknown('stage', pattern, known)} (a pattern may have *)")
        chosen |= found
    compared = all(layout.comparison(name).exists() for name in inputs.study.datasets)
    return above(chosen, inputs) | ({"report"} if datasets and not only and compared else set())
