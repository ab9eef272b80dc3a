"""Record stages that ran with the inputs that they began with, or not at all."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from flows.layout import Layout
from flows.recording.command import commit
from flows.recording.inputs import Inputs, read_inputs
from flows.recording.lock_file import apart, joined, lock_file, split
from flows.recording.plan import order
from rnn_core.errors import ParameterError, StudyError
from rnn_core.files import write_bytes

BATCH = 12
"""Stages that one call of DVC records. DVC rewrites the whole dvc.lock for each, so the time grows
with the square of their number; starting DVC takes about as long as ten stages."""


def record(layout: Layout, inputs: Inputs, ran: Collection[str]) -> dict[str, list[str]]:
    """Let DVC record stages that ran, unless their inputs have been edited since.

    DVC reads params.yaml, the code and the sources when it records, not when a stage runs. It
    would record later edits as the inputs of a result.

    Args:
        layout: Where the study keeps things.
        inputs: The inputs that the run began with.
        ran: Names of the stages that ran.

    Returns:
        The datasets whose inputs were edited, with the parts that changed. Their stages are not
        recorded.
    """
    changed, parts = prepare(layout, inputs, ran)
    write(layout, inputs, parts)
    return changed


def prepare(
    layout: Layout, inputs: Inputs, ran: Collection[str]
) -> tuple[dict[str, list[str]], dict[str, bytes]]:
    """Let DVC record stages as `record` does, but leave dvc.lock as it is.

    Returns:
        The result of `record`; and the lines for dvc.lock by stage.

    Raises:
        RecordingError: If DVC fails.
        StudyError: If an input is edited meanwhile.
    """
    changed = changed_since(layout, inputs) if ran else {}
    stages = unless_changed([stage for stage in order(inputs) if stage in ran], changed)
    parts: dict[str, bytes] = {}
    for start in range(0, len(stages), BATCH):
        parts |= committed(layout, stages[start : start + BATCH])
    if stages and changed_since(layout, inputs) != changed:
        raise StudyError(
            "params.yaml, the code or data changed while DVC recorded the stages, so "
            "nothing is recorded; run it again (finished trainings are kept)"
        )
    return changed, parts


def unless_changed(stages: Iterable[str], changed: Collection[str]) -> list[str]:
    """The stages whose dataset was not edited; if any was, also without `code` and `report`."""
    left_out = {"", *changed} if changed else set()
    return [stage for stage in stages if stage.partition("@")[2] not in left_out]


def committed(layout: Layout, stages: Sequence[str]) -> dict[str, bytes]:
    """The lines that DVC writes for each stage, into a separate dvc.lock; see `apart`."""
    with apart(layout):
        commit(layout, stages)
        return split(lock_file(layout).read_bytes())[1]


def write(layout: Layout, inputs: Inputs, parts: Mapping[str, bytes]) -> None:
    """Write recorded stages into dvc.lock: old stages keep their places, new ones come last.

    Raises:
        StudyError: If dvc.lock is not in the form that DVC gives it.
    """
    if parts:
        file = lock_file(layout)
        whole = file.read_bytes() if file.exists() else b""
        more = {stage: parts[stage] for stage in order(inputs) if stage in parts}
        write_bytes(file, joined(whole, more))


def changed_since(layout: Layout, inputs: Inputs) -> dict[str, list[str]]:
    """The parts of the inputs that have been edited, by dataset; errors if unreadable."""
    try:
        return inputs.changed(read_inputs(layout))
    except ParameterError:
        return {name: ["params.yaml"] for name in inputs.study.datasets}
    except (OSError, SyntaxError) as error:
        return {name: [str(error)] for name in inputs.study.datasets}
