"""The failure of a run, with the stages that succeeded. Imports no Prefect."""

from collections.abc import Mapping

from rnn_core.errors import StudyError


class RunFailedError(StudyError):
    """A run in which something failed.

    Args:
        text: The first failure, and the number of others.
        done: Stages that are up to date.
        failures: The cause of each failed task by its name, such as "train@co2".
    """

    def __init__(self, text: str, done: set[str], failures: Mapping[str, str]) -> None:
        super().__init__(text)
        self.done = done
        self.failures = dict(failures)
