"""The recording of what ran: as what it was begun with, or not at all."""

from collections.abc import Collection, Iterable, Mapping, Sequence

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


def record(layout: Layout, inputs: Inputs, ran: Collection[str]) -> dict[str, list[str]]:
    """Let DVC record stages that ran, unless what they read has been edited since.

    DVC reads params.yaml, the code and the sources when it records, not when a stage runs, and
    would write down as the reason of a result what came later.

    Args:
        layout: Where the study keeps things.
        inputs: What the run was begun with.
        ran: Names of the stages that ran.

    Returns:
        The datasets that were edited, of which nothing is recorded, with what that is.
    """
    changed, parts = prepare(layout, inputs, ran)
    write(layout, inputs, parts)
    return changed


def prepare(
    layout: Layout, inputs: Inputs, ran: Collection[str]
) -> tuple[dict[str, list[str]], dict[str, bytes]]:
    """Let DVC record stages as `record` does, and leave dvc.lock as it is.

    Returns:
        As of `record`; and what dvc.lock is to say of each stage.

    Raises:
        RecordingError: If DVC cannot.
        StudyError: If something is edited meanwhile.
    """
    changed = changed_since(layout, inputs) if ran else {}
    stages = unless_changed([stage for stage in order(inputs) if stage in ran], changed)
    parts: dict[str, bytes] = {}
    for start in range(0, len(stages), BATCH):
        parts |= committed(layout, stages[start : start + BATCH])
    if stages and changed_since(layout, inputs) != changed:
        raise StudyError(
            "params.yaml, the code or data changed while DVC recorded what ran, so that "
            "nothing is recorded; run it again (what was trained is kept)"
        )
    return changed, parts


def unless_changed(stages: Iterable[str], changed: Collection[str]) -> list[str]:
    """The stages whose dataset was not edited; those of no dataset only if none was."""
    left_out = {"", *changed} if changed else set()
    return [stage for stage in stages if stage.partition("@")[2] not in left_out]


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
