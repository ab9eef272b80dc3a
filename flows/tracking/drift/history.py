"""All checks of a model's inputs, as metrics by step, so that MLflow draws their curves."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.entities.model_registry import ModelVersion

from flows.tracking.logged import as_metric
from flows.tracking.searches import quoted

TAG = "gatewise.drift"
"""The tag with the name of the model whose checks a run shows."""

CHANGED = "changed_traits"
"""The metric with the number of traits that have changed."""

ITEMS = "items"
"""The metric with the number of items that were compared."""

SCORE = "later_score"
"""The metric with the score on later data."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check of a model's inputs.

    Attributes:
        number: Number of the check, from 1.
        time: Its time, in ISO 8601, UTC.
        changed: Number of traits that had changed.
        items: Number of items that were compared.
        score: Score on later data; None if there was no data.
    """

    number: int
    time: str
    changed: int
    items: int
    score: float | None


def note_check(
    client: MlflowClient, version: ModelVersion, metrics: Mapping[str, float], content: object
) -> int:
    """Write a check into the MLflow run that shows the checks of a model.

    Args:
        client: Client of MLflow.
        version: The version that was checked.
        metrics: Values for curves, by name.
        content: The whole result, as it is in JSON.

    Returns:
        The number of the check.
    """
    run_id = find_run(client, version) or create_run(client, version)
    number = len(client.get_metric_history(run_id, CHANGED)) + 1
    now = round(time.time() * 1000)
    entries = [Metric(as_metric(name), value, now, number) for name, value in metrics.items()]
    client.log_batch(run_id, metrics=entries)
    client.log_text(run_id, json.dumps(content, indent=2), f"checks/{number:06}.json")
    return number


def history_of(client: MlflowClient, version: ModelVersion) -> list[Check]:
    """All checks of a model in MLflow, from the first."""
    run_id = find_run(client, version)
    if run_id is None:
        return []
    found = {
        name: {m.step: m for m in client.get_metric_history(run_id, name)}
        for name in (CHANGED, ITEMS, SCORE)
    }
    return [
        Check(
            number=step,
            time=datetime.fromtimestamp(metric.timestamp / 1000, UTC).isoformat(timespec="seconds"),
            changed=round(metric.value),
            items=round(found[ITEMS][step].value),
            score=found[SCORE][step].value if step in found[SCORE] else None,
        )
        for step, metric in sorted(found[CHANGED].items())
    ]


def experiment_of(client: MlflowClient, version: ModelVersion) -> str:
    """The experiment in which a version was made."""
    return str(client.get_run(str(version.run_id)).info.experiment_id)


def find_run(client: MlflowClient, version: ModelVersion) -> str | None:
    """The id of the run that shows the checks of a model; None if there is none."""
    query = f"tags.`{TAG}` = {quoted(version.name)}"
    found = client.search_runs([experiment_of(client, version)], query, max_results=1)
    return str(found[0].info.run_id) if found else None


def create_run(client: MlflowClient, version: ModelVersion) -> str:
    """Make that run; it is marked as ended, since no process works on it."""
    run = client.create_run(
        experiment_of(client, version),
        run_name=f"drift of {version.name}",
        tags={TAG: version.name, "mlflow.source.name": "gatewise"},
    )
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)
