"""Whether several random seeds of the chosen candidate answer better together than one alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy.stats import norm, t

from rnn_core.comparison.items import as_losses, item_covariance, mean_over_seeds
from rnn_core.metric import Metric
from rnn_core.records import NO_OTHER_KEYS, read_record, write_record
from rnn_core.training.item_scores import ItemScores

SCORES = "scores.json"
ITEMS = "items.safetensors"
"""What the evaluation of an ensemble consists of."""

LEVEL = 0.05
"""The share of ensembles that are no better, and are taken for better."""


@dataclass(frozen=True, kw_only=True)
class EnsembleScores:
    """The scores of an ensemble.

    Attributes:
        cell: Name of the cell.
        hidden_size: Features of its state.
        seeds: Random seeds of its members.
        validation: Score on the validation set; None if it is no number.
        test: Score on the test set; likewise.
        others: Further metrics of the test set.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    cell: str
    hidden_size: int
    seeds: tuple[int, ...]
    validation: float | None
    test: float | None
    others: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Gain:
    """By how much an ensemble is better than one seed, by the items that both were scored on.

    Attributes:
        better_by: Mean over items, in units of the metric; negative if it is worse.
        at_least: Its lower limit at 95 %.
    """

    better_by: float
    at_least: float


def gain(together: ItemScores, alone: ItemScores, metric: Metric) -> Gain:
    """Compare an ensemble with one seed, item by item, clusters respected."""
    items = mean_over_seeds([[as_losses(each, metric)] for each in (together, alone)])
    assert items is not None
    ours, theirs = items.losses @ (items.weights / items.weights.sum())
    covariance, df = item_covariance(items)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    critical = norm.isf(LEVEL) if np.isinf(df) else t.isf(LEVEL, df)
    better = float(theirs - ours)
    return Gain(
        better_by=better, at_least=better - float(critical * np.sqrt(max(float(variance), 0.0)))
    )


@dataclass(frozen=True, kw_only=True)
class EnsembleResult:
    """Random seeds of the champion that answer together, beside the one that is best alone.

    Attributes:
        scores: Of all together.
        gain: Over that seed, on the validation set.
        trainings: Those of its members that the race did not ask for: they are cost, and no
            evidence.
        registered: Whether the ensemble is what is registered, and not the seed.
    """

    scores: EnsembleScores
    gain: Gain
    trainings: int
    registered: bool


def write_ensemble(folder: Path, scores: EnsembleScores) -> None:
    """Write the scores of an ensemble into its folder."""
    write_record(folder / SCORES, scores)


def read_ensemble(folder: Path) -> EnsembleScores | None:
    """Read the scores of an ensemble; None if there is none.

    Raises:
        DataError: If they are of another form.
    """
    return read_record(folder / SCORES, EnsembleScores) if (folder / SCORES).exists() else None
