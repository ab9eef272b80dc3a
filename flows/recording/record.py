"""The recording of what ran: as what it was begun with, or not at all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flows.layout import Layout
from flows.recording.command import commit
from flows.recording.inputs import Inputs, read_inputs
from flows.recording.lock_file import joined, lock_file, read_lock, rewriting, with_last
from flows.recording.plan import order
from rnn_core.errors import ParameterError, StudyError
from rnn_core.files import write_bytes

BATCH = 12
"""Stages that DVC records at once. For each it reads and writes the whole dvc.lock, so that time
grows with the square of their number; to start DVC takes about as long as ten."""


@dataclass(frozen=True)
class Recorded:
    """What of a run is recorded.

    Attributes:
        datasets: Datasets whose stages are recorded, or were up to date.
        changed: Datasets of which something was edited while the run read it, with what that is.
    """

    datasets: set[str]
    changed: Mapping[str, Sequence[str]]


def record(
    layout: Layout, inputs: Inputs, ran: Collection[str], before: Collection[str] | None = None
) -> Recorded:
    """Let DVC record stages that ran, unless what they read has been edited since.

    DVC reads params.yaml, the code and the sources when it records, not when a stage runs, and
    would write down as the reason of a result what came later.

    Args:
        layout: Where the study keeps things.
        inputs: What the run was begun with.
        ran: Names of the stages that ran.
        before: The stages that dvc.lock had when the run began; those that it has now if None.
            All others get the order in which `dvc repro` would have added them.
    """
    changed = changed_since(layout, inputs)
    whole = not changed or not ran
    stages = [
        stage
        for stage in order(inputs)
        if stage in ran and (whole or stage.partition("@")[2] not in {"", *changed})
    ]
    if stages:
        known = set(read_lock(layout)) if before is None else before
        added = [stage for stage in order(inputs) if stage not in known]
        with rewriting(layout):
            commit_all(layout, stages, added)
            if changed_since(layout, inputs) != changed:
                raise StudyError(
                    "params.yaml, the code or data changed while DVC recorded what ran, so that "
                    "nothing is recorded; run it again (what was trained is kept)"
                )
    return Recorded(set(inputs.study.datasets) - changed.keys(), changed if ran else {})


def commit_all(layout: Layout, stages: Sequence[str], added: Sequence[str]) -> None:
    """Let DVC record stages, a batch in a dvc.lock of its own, and join these.

    Args:
        layout: Where the study keeps things.
        stages: Those that are to be recorded.
        added: Those that come last in dvc.lock, in this order.

    Raises:
        RecordingError: If DVC cannot.
        StudyError: If dvc.lock is not in the form that DVC gives it.
    """
    file = lock_file(layout)
    whole = file.read_bytes() if file.exists() else b""
    for start in range(0, len(stages), BATCH):
        file.unlink(missing_ok=True)
        commit(layout, stages[start : start + BATCH])
        whole = joined(whole, file.read_bytes())
    write_bytes(file, with_last(whole, added))


def changed_since(layout: Layout, inputs: Inputs) -> dict[str, list[str]]:
    """What has been edited, by dataset; anything of all, if it cannot be read any more."""
    try:
        return inputs.changed(read_inputs(layout))
    except ParameterError:
        return {name: ["params.yaml"] for name in inputs.study.datasets}
    except (OSError, SyntaxError) as error:
        return {name: [str(error)] for name in inputs.study.datasets}
