"""Compare a model's score on data whose truth came in later with its test score."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.stats
from mlflow.entities.model_registry import ModelVersion

from flows.tracking.judging import FEWEST_ITEMS, among, comparable, mean, restored
from flows.tracking.registered import registered_score
from rnn_core.comparison.statistics.items import as_losses, item_covariance, mean_over_seeds
from rnn_core.errors import StudyError
from rnn_core.metric import Metric
from rnn_core.tasks.base.rescores import known_again
from rnn_core.training.item_scores import ItemScores

CONFIDENCE = 0.95
"""Confidence level of the interval of a difference."""


@dataclass(frozen=True, kw_only=True)
class LaterScore:
    """The score of a model on later data.

    Attributes:
        metric: Name of the metric.
        score: Score on the later data.
        test_score: Score on the test set, when the model was registered.
        worse_by: Difference between the two scores; positive if the later one is worse.
        at_least: Lower end of the 95 % interval of `worse_by`.
        at_most: Upper end of that interval.
        num_items: Items of the later data that were scored.
        left_out: Items that the model was trained or chosen on.
    """

    metric: str
    score: float
    test_score: float
    worse_by: float
    at_least: float
    at_most: float
    num_items: int
    left_out: int

    @property
    def is_worse(self) -> bool:
        """True if the score is worse by more than chance explains."""
        return self.at_least > 0


def score_later(version: ModelVersion, folder: Path, raw: Path) -> LaterScore:
    """Score a model on the test set of later data, as the model divides it.

    Args:
        version: The version of the model, with its test score.
        folder: Its files.
        raw: Data in the form of the dataset's source.

    Raises:
        NotComparableError: If the model cannot answer for this data; gives the reason.
        StudyError: If its test score is not known, or too few items are new to it.
        DataError: If the data cannot be used.
    """
    model = restored(folder)
    task, metric = model.task, model.task.metric
    test_score = registered_score(version, metric.name)
    if test_score is None:
        raise StudyError(f"its test {metric.in_words} is not known")
    with comparable():
        scores = model.scores(raw, task, task.meta)
    new = ~known_again(task.marks(raw, task.asked, task.seed)["test"], model.seen)
    if new.sum() < FEWEST_ITEMS:
        raise StudyError(f"it was trained or chosen on {(~new).sum()} of {len(new)} items")
    items = among(scores, new)
    score = scores.overall if new.all() else mean(items)
    worse_by = metric.loss(score) - metric.loss(test_score)
    reach = half_width(items, metric, task.meta.items["test"])
    return LaterScore(
        metric=metric.name,
        score=score,
        test_score=test_score,
        worse_by=worse_by,
        at_least=worse_by - reach,
        at_most=worse_by + reach,
        num_items=len(items.values),
        left_out=int((~new).sum()),
    )


def half_width(items: ItemScores, metric: Metric, tested: int) -> float:
    """Half of the width of the interval of the difference of two scores of a model.

    It assumes that items of both sets have the same variance, as the two-sample t-test does. The
    variance is estimated on the later items, by clusters.

    Args:
        items: The later items.
        metric: Metric of the scores.
        tested: Number of items of the test set.
    """
    one = mean_over_seeds(
        [
            [
                ItemScores(
                    values=as_losses(items, metric).values,
                    weights=items.weights,
                    clusters=items.clusters,
                )
            ]
        ]
    )
    assert one is not None
    covariance, df = item_covariance(one)
    variance = float(covariance[0, 0]) * (1 + len(items.values) / max(tested, 1))
    critical = scipy.stats.t.ppf(0.5 + CONFIDENCE / 2, df) if np.isfinite(df) else np.inf
    return float(critical * variance**0.5)
