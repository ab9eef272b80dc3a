"""Traits of a model's training set, which are stored with the model."""

from pathlib import Path

from flows.tracking.registered import RUN
from rnn_core.drift.observers import observer_of
from rnn_core.drift.traits import Traits, read_traits, write_traits
from rnn_core.errors import StudyError
from rnn_core.training.models import registered_seeds, restore_registered
from rnn_core.training.run_folder import read_config

TRAITS = "traits.json"
"""Name of the file, next to the folder of the model."""


def note_traits(folder: Path, raw: Path) -> None:
    """Write the traits of a model's training set next to the model's folder.

    Args:
        folder: The folder that has the model as `RUN`.
        raw: The files that it was trained on.
    """
    task, _ = restore_registered(folder / RUN)
    observer = observer_of(kind_of(folder))
    traits = observer.of_training(task, raw)
    write_traits(folder / TRAITS, traits, in_time=observer.in_time)


def traits_beside(folder: Path) -> Traits:
    """Read the traits of a model's training set.

    Raises:
        StudyError: If the model was registered without them.
    """
    if not (folder / TRAITS).is_file():
        raise StudyError(
            "it was registered by a version of Gatewise that did not store the data that drift is "
            "measured against; the next version that `gatewise run` registers has it"
        )
    return read_traits(folder / TRAITS)


def kind_of(folder: Path) -> str:
    """The name of the task of a model."""
    config, _ = read_config(registered_seeds(folder / RUN)[0])
    return config.task
