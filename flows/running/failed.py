"""The failure of a run, which knows what was done all the same. Imports no Prefect."""

from collections.abc import Mapping

from rnn_core.errors import StudyError


class RunFailedError(StudyError):
    """A run in which something failed.

    Args:
        text: What failed first, and how much more.
        done: Stages that are up to date.
        failures: Why each task failed, by its name, such as "train@co2".
    """

    def __init__(self, text: str, done: set[str], failures: Mapping[str, str]) -> None:
        super().__init__(text)
        self.done = done
        self.failures = dict(failures)
