"""Compare inputs of a model with its training set, and its score on later data with its test score.

Each check is written to MLflow, which draws their history.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flows.operations.champion import fetch, laid_out
from flows.report.words import difference
from flows.tracking.alias import asked_of
from flows.tracking.drift.history import CHANGED, ITEMS, SCORE, Check, history_of, note_check
from flows.tracking.drift.scores import LaterScore, score_later
from flows.tracking.drift.training_set import kind_of, traits_beside
from flows.tracking.projection import connect, reachable
from flows.tracking.registered import RUN, existing
from rnn_core import wording
from rnn_core.drift.comparison import LEVEL, Drift, compare
from rnn_core.drift.observers import observer_of
from rnn_core.errors import ParameterError
from rnn_core.training.models import restore_registered


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The result of a check.

    Attributes:
        model: Name of the registered model.
        version: Its version.
        number: Number of the check of this model.
        items: The word for items, in the plural.
        drift: The comparison of the input with the training set.
        later: The score on later data; None if none was given.
    """

    model: str
    version: str
    number: int
    items: str
    drift: Drift
    later: LaterScore | None

    @property
    def alarms(self) -> list[str]:
        """A line for each change; empty if chance explains all differences."""
        lines = [
            f"{one.trait} has changed: {one.before} in training, {one.now} now "
            f"(difference {one.size:.2g}, {one.large:.2g} is large; p = {difference(one.p, LEVEL)})"
            for one in self.drift.changed
        ]
        if self.later is not None and self.later.is_worse:
            lines.append(f"{in_words(self.later)}, more than chance explains.")
        return lines


def check(model: str, given: Path, data: Path | None = None) -> Checked:
    """Compare an input with the training set of a model, and write the result to MLflow.

    Args:
        model: Name of the model, with or without a version.
        given: The input, as `gatewise predict` takes it.
        data: Later data with the truth, in the form of the dataset's source; None if there is none.

    Raises:
        ParameterError: If there is no such model or data.
        StudyError: If the version was registered without the traits of its training set, or its
            files are missing or changed.
        DataError: If the input cannot be used, or is too small to show anything.
        TrackingError: If MLflow does not answer.
    """
    client = connect()
    with reachable():
        version = existing(client, asked_of(model))
    if data is not None and not data.exists():
        raise ParameterError(f"--data: there is no {data}")
    with TemporaryDirectory(prefix="gatewise-") as temporary:
        place = Path(temporary)
        with reachable():
            files = fetch(version, place / "model")
        observer = observer_of(kind_of(files))
        drift = compare_input(files, given)
        later = None if data is None else score_later(version, files, laid_out(data, place / "raw"))
    with reachable():
        number = note_check(client, version, metrics_of(drift, later), told(drift, later))
    return Checked(
        model=version.name,
        version=str(version.version),
        number=number,
        items=observer.items,
        drift=drift,
        later=later,
    )


def history(model: str) -> list[Check]:
    """All checks of a model, from the first.

    Raises:
        ParameterError: If there is no such model.
        TrackingError: If MLflow does not answer.
    """
    client = connect()
    with reachable():
        return history_of(client, existing(client, asked_of(model)))


def compare_input(files: Path, given: Path) -> Drift:
    """Compare an input with the training set of a model.

    Args:
        files: Files of the model.
        given: The input.
    """
    training = traits_beside(files)
    task, _ = restore_registered(files / RUN)
    observer = observer_of(kind_of(files))
    inputs = observer.of_input(task, task.read_input(given))
    return compare(training, inputs, in_time=observer.in_time)


def metrics_of(drift: Drift, later: LaterScore | None) -> dict[str, float]:
    """Values for MLflow's curves: the size of each difference, where 1 or more is large."""
    sizes = {f"change of {one.trait}": one.size / one.large for one in drift.changes if one.large}
    found = sizes | {CHANGED: float(len(drift.changed)), ITEMS: float(drift.num_items)}
    return found | ({} if later is None else {SCORE: later.score})


def told(drift: Drift, later: LaterScore | None) -> dict[str, Any]:
    """The result as JSON values."""
    return {"drift": asdict(drift), "later": None if later is None else asdict(later)}


def in_words(later: LaterScore) -> str:
    """The comparison of the score on later data with the test score, in a sentence."""
    how = "worse" if later.worse_by > 0 else "better"
    apart = f"{abs(later.worse_by):.2g} {how} than" if later.worse_by else "as good as"
    out = f", {later.left_out} left out that it was trained or chosen on" if later.left_out else ""
    return (
        f"The {wording.in_words(later.metric)} is {later.score:.4g} on {later.num_items} later "
        f"items{out}, {apart} the test score {later.test_score:.4g} "
        f"(95 % interval of how much worse: {later.at_least:.2g} to {later.at_most:.2g})"
    )
