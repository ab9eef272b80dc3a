"""Find parameters for your own data by trying them, before there is a study."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnn_core.parameters import parse
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.prepares import Suggestion
from rnn_core.tasks.base.task import Task
from rnn_core.tasks.base.understanding import Understanding
from rnn_core.training.loop import TrainingParameters


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The result of trying parameters.

    Attributes:
        section: The parameters, in the form of params.yaml.
        task: The task, with facts found in the data.
        data: Prepared tensors.
        training: Parameters of a training.
        understood: A description of the data that was read.
    """

    section: Suggestion
    task: Task
    data: Data
    training: TrainingParameters
    understood: Understanding


def try_out(kind: type[Task], raw: Path, wanted: Mapping[str, Any]) -> Tried:
    """Find parameters for the data, and prepare it with them.

    Args:
        kind: The task.
        raw: Folder of the data.
        wanted: Data parameters that the user sets.

    Raises:
        DataError: If the data cannot be used.
        ParameterError: If these parameters are not possible.
    """
    section = kind.suggest(raw, wanted)
    parameters = parse(kind.DataParameters, section["data"], "", "--set")
    model = parse(kind.ModelParameters, section["model"], "", "--set")
    training = parse(TrainingParameters, section["training"], "", "--set")
    data, meta = kind.prepare(raw, parameters)
    return Tried(
        section=section,
        task=kind(meta, model),
        data=data,
        training=training,
        understood=kind.understand(raw, data, meta),
    )
