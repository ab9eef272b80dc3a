"""All checks of a model's inputs, as metrics by step, of which MLflow draws the curves."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.entities.model_registry import ModelVersion

from flows.tracking.logged import as_metric

TAG = "gatewise.drift"
"""Names the model whose checks a run shows."""

CHANGED = "changed_traits"
"""The metric with how many traits have changed."""

ITEMS = "items"
"""The metric with how many items were compared."""

SCORE = "later_score"
"""The metric with the score on later data."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check that was noted.

    Attributes:
        number: Counts the checks of a model, from 1 on.
        time: When, in ISO 8601, UTC.
        changed: How many traits had changed.
        items: How many items were compared.
        score: On later data; None if there was none.
    """

    number: int
    time: str
    changed: int
    items: int
    score: float | None


def note_check(
    client: MlflowClient, version: ModelVersion, metrics: Mapping[str, float], content: object
) -> int:
    """Note a check in the run of MLflow that shows those of a model.

    Args:
        client: Of MLflow.
        version: That was asked.
        metrics: What is drawn, by name.
        content: The whole result, as JSON has it.

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
    """All checks of a model that were noted, from the first on."""
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
    """The run that shows the checks of a model, if there is one."""
    query = f"tags.`{TAG}` = '{version.name}'"
    found = client.search_runs([experiment_of(client, version)], query, max_results=1)
    return str(found[0].info.run_id) if found else None


def create_run(client: MlflowClient, version: ModelVersion) -> str:
    """Make that run; it has ended, since no process works on it."""
    run = client.create_run(
        experiment_of(client, version),
        run_name=f"drift of {version.name}",
        tags={TAG: version.name, "mlflow.source.name": "gatewise"},
    )
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)
