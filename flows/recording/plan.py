"""Which stages are due: what DVC says is stale, and what follows from it."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from flows.layout import Layout
from flows.recording.command import has_remote, stale_stages
from flows.recording.graph_file import bring_up_to_date
from flows.recording.inputs import DATASET_VERBS, Inputs
from flows.recording.lock_file import read_lock
from flows.recording.mending import mend
from flows.stages.code import code
from rnn_core.errors import ParameterError, unknown


@dataclass(frozen=True)
class Due:
    """What is to be done.

    Attributes:
        selected: Stages that were asked for, with all that they wait for.
        stages: Those of them that are stale, or that follow from such.
        mended: What a kill had left half-written, for a person.
    """

    selected: set[str]
    stages: set[str]
    mended: list[str]


def find_due(
    layout: Layout, inputs: Inputs, datasets: list[str] | None, only: list[str] | None
) -> Due:
    """Ask DVC what is stale, once code.json says what the code is now.

    Its caller holds the lock of the study's runs: dvc.lock is not to be mended while it is written.

    Args:
        layout: Where the study keeps things.
        inputs: What the run is begun with.
        datasets: Datasets to bring up to date; all if None.
        only: Patterns of stages; all if None.

    Raises:
        ParameterError: If a pattern or a dataset names none.
        RecordingError: If DVC cannot say.
        StudyError: If its dvc.yaml is not for this code.
    """
    mended = mend(layout)
    selected = select(layout, inputs, datasets, only)
    bring_up_to_date(layout)
    code(layout)
    stale = stale_stages(layout)
    return Due(selected, below(inputs, stale) & selected, mended)


def lacks_trainings(
    layout: Layout, inputs: Inputs, datasets: list[str] | None, only: list[str] | None
) -> bool:
    """Whether something is due for certain, which is known without asking DVC.

    So it is in a fresh clone, and in a new study: trainings that are asked for are not there.

    Args:
        layout: Where the study keeps things.
        inputs: What the run is begun with.
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

    They are those whose trainings dvc.lock names and that are not here, as in a fresh clone.
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
    """The stale stages and all that wait for them.

    The code stage has no followers: what depends on it depends on its own fingerprint, which
    DVC has looked at.
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
    """The given stages and all that they wait for."""
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
    """The stages that are asked for, with all that they wait for.

    The report is of all datasets: with some of them it is brought up to date where the others
    have been compared before.
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
