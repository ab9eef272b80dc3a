"""Results as MLflow's parameters and metrics."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Literal, TypeAlias

from mlflow.entities import Param

from flows.trainings.records import Record
from rnn_core.comparison.candidates import SeedResult
from rnn_core.comparison.networks import ReferenceResult
from rnn_core.comparison.outcome import CandidateResult, Result
from rnn_core.metric import SCORED, ScoredSplit
from rnn_core.training.run_folder import RunConfig

MOST_CLASSES = 100
MOST_CHARACTERS = 100
"""Most characters of a label in the name of a metric, and most labels with a metric."""

Kind: TypeAlias = Literal["cell", "seed"]
"""Kinds of runs: a cell at one size, or one of its random seeds."""


def parameters_of(config: RunConfig, kind: Kind) -> list[Param]:
    """The parameters that a run was made with."""
    seed = {"seed": config.seed} if kind == "seed" else {}
    facts = {"task": config.task, "cell": config.cell, "device": config.device, **seed}
    for part, values in (("model", config.model), ("training", config.training)):
        facts |= {f"{part}.{name}": value for name, value in values.items()}
    return [Param(name, str(value)) for name, value in facts.items()]


def score_name(split: ScoredSplit, metric: str) -> str:
    """The name of the score on a split."""
    return f"best_validation_{metric}" if split == "validation" else f"test_{metric}"


def metrics_of_seed(result: SeedResult, metric: str) -> dict[str, float]:
    """Final scores of a random seed; empty if it diverged."""
    return there(
        {
            score_name("validation", metric): result.validation,
            score_name("test", metric): result.test,
            **{f"test_{name}": value for name, value in result.others.items()},
            **recall_metrics(result.recalls),
        }
    )


def metrics_of_result(result: Result, metric: str) -> dict[str, float]:
    """Scores over the seeds of a candidate or reference network, its comparison and its cost."""
    found: dict[str, float | None] = {}
    for split in SCORED:
        name, scores = score_name(split, metric), result.on(split)
        found |= {name: scores.mean, f"{name}_std": scores.std}
    if isinstance(result, ReferenceResult):
        found |= {f"{split}_margins_worse": result.on(split).worse_by for split in SCORED}
    else:
        found |= in_race(result, metric) | recall_metrics(result.recalls)
    found |= {f"test_{name}": value for name, value in result.others.items()}
    found |= asdict(result.cost)
    return there(found)


def recall_metrics(recalls: Mapping[str, float]) -> dict[str, float]:
    """Recalls of classes under names that MLflow accepts; if there are many, the first ones.

    Characters of a label that a name may not have are written as their code points.
    """
    first = sorted(recalls)[:MOST_CLASSES]
    return {f"test_recall_of_{as_metric(name)}": recalls[name] for name in first}


def as_metric(label: str) -> str:
    """A label as the part of a metric's name."""
    told = re.sub(r"[^\w -]", lambda found: f"u{ord(found[0]):04x}", label)
    if len(told) <= MOST_CHARACTERS:
        return told
    return f"{told[:MOST_CHARACTERS]} {hashlib.sha256(label.encode()).hexdigest()[:8]}"


def in_race(result: CandidateResult, metric: str) -> dict[str, float | None]:
    """The comparison of a candidate with the others, its risk, and the cost of its tuning."""
    found: dict[str, float | None] = {}
    for split in SCORED:
        name = score_name(split, metric)
        if (standing := result.on(split).standing) is not None:
            found[f"{name}_worse_by"] = standing.worse_by
            found[f"{name}_at_least"] = standing.at_least
            found[f"{name}_at_most"] = standing.at_most
    found |= risks(result)
    if result.tuning is not None:
        found |= {"tuning_trials": result.tuning.trials, "tuning_steps": result.tuning.steps}
    return found


def risks(result: CandidateResult) -> dict[str, float | None]:
    """The risk of choosing a candidate, by validation and test set; None where it is not known."""
    found = dict[str, float | None]()
    for split in SCORED:
        risk = result.on(split).risk
        found[f"{split}_chance_within_margin"] = None if risk is None else risk.chance
        found[f"{split}_expected_loss_in_margins"] = None if risk is None else risk.expected_loss
    return found


def there(values: Mapping[str, float | None]) -> dict[str, float]:
    """The values that are not None, by name."""
    return {name: value for name, value in values.items() if value is not None}


def measured(trained: Sequence[Record], candidate: str) -> dict[str, float]:
    """Seconds and megabytes of the trainings of a candidate, as last measured on this machine.

    Args:
        trained: Records of trainings of its dataset, the last of each random seed.
        candidate: Its name.
    """
    its = [one for one in trained if one.candidate == candidate]
    if not its:
        return {}
    return {
        "train_seconds": round(sum(one.seconds for one in its), 3),
        "train_peak_megabytes": max(one.peak_megabytes for one in its),
    }
