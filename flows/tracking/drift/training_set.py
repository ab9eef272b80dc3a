"""The traits of the training set of a model, which are kept beside it."""

from pathlib import Path

from flows.tracking.judging import RUN
from rnn_core.drift.observers import observer_of
from rnn_core.drift.traits import Traits, read_traits, write_traits
from rnn_core.errors import StudyError
from rnn_core.training.models import registered_seeds, restore_registered
from rnn_core.training.run_folder import read_config

TRAITS = "traits.json"
"""The file, beside the folder of the model."""


def note_traits(folder: Path, raw: Path) -> None:
    """Write the traits of the training set of a model beside its folder.

    Args:
        folder: Has the model as `RUN`.
        raw: The files that it was trained on.
    """
    task, _ = restore_registered(folder / RUN)
    observer = observer_of(kind_of(folder))
    traits = observer.of_training(task, raw)
    write_traits(folder / TRAITS, traits, in_time=observer.in_time)


def traits_beside(folder: Path) -> Traits:
    """The traits of the training set of a model.

    Raises:
        StudyError: If it was registered without.
    """
    if not (folder / TRAITS).is_file():
        raise StudyError(
            "it was registered by a version of Gatewise that did not keep what drift is compared "
            "with; the next version that `gatewise run` registers has it"
        )
    return read_traits(folder / TRAITS)


def kind_of(folder: Path) -> str:
    """The name of the task of a model."""
    config, _ = read_config(registered_seeds(folder / RUN)[0])
    return config.task
