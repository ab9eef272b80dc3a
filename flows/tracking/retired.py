"""Mark the MLflow runs of datasets that were removed from params.yaml as outdated."""

from collections.abc import Collection, Iterator

import mlflow
from mlflow.entities import Experiment

from flows.tracking.projection import Projection, reachable
from flows.tracking.shown import forget_others

OPEN = ("tags.gatewise.current = 'true'", "attributes.status = 'RUNNING'")
"""Queries for runs that are marked as current, or seem to be running."""


def retire(projection: Projection, datasets: Collection[str]) -> None:
    """Mark all runs of datasets that the study no longer has as outdated.

    Notes about such datasets are removed too, so that a dataset that comes back is shown again.

    Args:
        projection: The projection of the study.
        datasets: The datasets that the study has.

    Raises:
        TrackingError: If MLflow does not answer.
    """
    forget_others(projection.layout, datasets)
    with projection.lock, reachable():
        for dataset, experiment in shown(projection.study):
            if dataset not in datasets and is_open(projection, experiment):
                projection.open(dataset)
                projection.mark_current(dataset, set())


def shown(study: str) -> Iterator[tuple[str, Experiment]]:
    """Every dataset of a study that MLflow has ever shown, with its experiment."""
    prefix = f"{study}/"
    # `_` matches any character in LIKE: the result may have other studies
    for experiment in mlflow.search_experiments(filter_string=f"name LIKE '{prefix}%'"):
        if experiment.name.startswith(prefix):
            yield experiment.name.removeprefix(prefix), experiment


def is_open(projection: Projection, experiment: Experiment) -> bool:
    """Return whether any run of an experiment is not marked as outdated."""
    place = [experiment.experiment_id]
    return any(projection.client.search_runs(place, query, max_results=1) for query in OPEN)
