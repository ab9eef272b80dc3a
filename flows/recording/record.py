"""The recording of what ran: as what it was begun with, or not at all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flows.layout import Layout
from flows.recording.command import commit
from flows.recording.inputs import Inputs, read_inputs
from flows.recording.lock_file import apart, joined, lock_file, split
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


def record(layout: Layout, inputs: Inputs, ran: Collection[str]) -> Recorded:
    """Let DVC record stages that ran, unless what they read has been edited since.

    DVC reads params.yaml, the code and the sources when it records, not when a stage runs, and
    would write down as the reason of a result what came later.

    Args:
        layout: Where the study keeps things.
        inputs: What the run was begun with.
        ran: Names of the stages that ran.
    """
    found, parts = prepare(layout, inputs, ran)
    write(layout, inputs, parts)
    return found


def prepare(
    layout: Layout, inputs: Inputs, ran: Collection[str]
) -> tuple[Recorded, dict[str, bytes]]:
    """Let DVC record stages as `record` does, and leave dvc.lock as it is.

    Returns:
        What is to be recorded; and what dvc.lock is to say of each stage.

    Raises:
        RecordingError: If DVC cannot.
        StudyError: If something is edited meanwhile.
    """
    changed = changed_since(layout, inputs)
    whole = not changed or not ran
    stages = [
        stage
        for stage in order(inputs)
        if stage in ran and (whole or stage.partition("@")[2] not in {"", *changed})
    ]
    parts: dict[str, bytes] = {}
    for start in range(0, len(stages), BATCH):
        batch = stages[start : start + BATCH]
        parts |= committed(layout, batch)
    if stages and changed_since(layout, inputs) != changed:
        raise StudyError(
            "params.yaml, the code or data changed while DVC recorded what ran, so that "
            "nothing is recorded; run it again (what was trained is kept)"
        )
    return Recorded(set(inputs.study.datasets) - changed.keys(), changed if ran else {}), parts


def committed(layout: Layout, stages: Sequence[str]) -> dict[str, bytes]:
    """What DVC writes of each stage into a dvc.lock of their own, which is put back after that."""
    with apart(layout):
        commit(layout, stages)
        return split(lock_file(layout).read_bytes())[1]


def write(layout: Layout, inputs: Inputs, parts: Mapping[str, bytes]) -> None:
    """Write what was recorded into dvc.lock: old stages stay where they are, others come last.

    Raises:
        StudyError: If dvc.lock is not in the form that DVC gives it.
    """
    if parts:
        file = lock_file(layout)
        whole = file.read_bytes() if file.exists() else b""
        more = {stage: parts[stage] for stage in order(inputs) if stage in parts}
        write_bytes(file, joined(whole, more))


def changed_since(layout: Layout, inputs: Inputs) -> dict[str, list[str]]:
    """What has been edited, by dataset; anything of all, if it cannot be read any more."""
    try:
        return inputs.changed(read_inputs(layout))
    except ParameterError:
        return {name: ["params.yaml"] for name in inputs.study.datasets}
    except (OSError, SyntaxError) as error:
        return {name: [str(error)] for name in inputs.study.datasets}
