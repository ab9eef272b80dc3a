"""Score the answers that a champion and its challenger gave while they were served."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from flows.operations.champion import compared, fetch, laid_out
from flows.serving.answer_log import LoggedAnswer, read_answers
from flows.tracking.drift.training_set import kind_of
from flows.tracking.judging import FEWEST_ITEMS
from flows.tracking.projection import reachable
from flows.tracking.registered import RUN
from rnn_core.comparison.statistics.pair import Pair, compare_pair
from rnn_core.errors import StudyError
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.models import restore_registered
from rnn_core.truth.matching import matcher_of


@dataclass(frozen=True, kw_only=True)
class LoggedScores:
    """Scores of logged answers.

    Attributes:
        metric: Name of the metric.
        champion_score: Mean over the champion's answers.
        pair: Result of the paired test of the challenger against the champion.
        unknown: Number of answers whose truth is not known.
        seconds: Median seconds of a request, of the champion and of the challenger.
    """

    metric: str
    champion_score: float
    pair: Pair
    unknown: int
    seconds: tuple[float, float]


def score_logged(name: str, data: Path) -> LoggedScores:
    """Score the answers that the challenger and the champion gave to the same requests.

    Args:
        name: Name of the model.
        data: The truth: a file or folder in the form of the dataset's source.

    Raises:
        ParameterError: If there is no such model or data.
        StudyError: If one of the two is missing, or too few logged answers have a known truth.
        DataError: If the data cannot be used.
    """
    champion, challenger = compared(name, data)
    pair = str(champion.version), str(challenger.version)
    logged = [one for one in read_answers(name) if (one.champion, one.challenger) == pair]
    if not logged:
        raise StudyError(
            f"no answers of versions {pair[0]} and {pair[1]} of {name} are logged here: "
            "`gatewise serve --shadow answers` logs them"
        )
    with TemporaryDirectory(prefix="gatewise-") as temporary:
        place = Path(temporary)
        with reachable():
            files = fetch(champion, place / "champion")
        return compare(files, logged, laid_out(data, place / "raw"))


def compare(files: Path, logged: list[LoggedAnswer], raw: Path) -> LoggedScores:
    """Score logged answers; those of one request form a cluster, as they are not independent.

    Args:
        files: Files of the champion.
        logged: The answers.
        raw: Raw files with the truth.
    """
    task, _ = restore_registered(files / RUN)
    matcher = matcher_of(kind_of(files))
    if matcher is None:
        raise StudyError("its answers are neither right nor wrong")
    truths = matcher.truths(task, raw)
    known = [one for one in logged if one.key in truths]
    if len(known) < FEWEST_ITEMS:
        raise StudyError(
            f"the data say the truth of {len(known)} of {len(logged)} logged answers; "
            f"{FEWEST_ITEMS} are needed"
        )
    values = np.array(
        [[matcher.score(task, row, truths[one.key]) for row in one.answers] for one in known]
    )
    requests = np.unique([one.request for one in known], return_inverse=True)[1].astype(np.int64)
    scores = [
        ItemScores(values=column, weights=np.ones(len(known)), clusters=requests)
        for column in values.T
    ]
    slow = np.median([one.seconds for one in known], axis=0)
    return LoggedScores(
        metric=matcher.metric.name,
        champion_score=float(values[:, 0].mean()),
        pair=compare_pair(scores[1], scores[0], matcher.metric),
        unknown=len(logged) - len(known),
        seconds=(float(slow[0]), float(slow[1])),
    )
