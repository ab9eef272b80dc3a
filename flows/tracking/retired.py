"""What MLflow shows of datasets that were taken out of params.yaml."""

from collections.abc import Collection, Iterator

import mlflow
from mlflow.entities import Experiment

from flows.tracking.projection import Projection, reachable
from flows.tracking.shown import forget_others

OPEN = ("tags.gatewise.current = 'true'", "attributes.status = 'RUNNING'")
"""Runs that show what a study has, or seemed to be about to."""


def retire(projection: Projection, datasets: Collection[str]) -> None:
    """Let no run be current that shows a dataset which the study no longer has.

    One that comes back is shown anew, so that it is first forgotten that it was.

    Args:
        projection: Of the study.
        datasets: Those that it has.

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
    """Every dataset that MLflow has ever shown of a study, however many experiments there are."""
    prefix = f"{study}/"
    # `_` is any character for LIKE: other studies may come with it
    for experiment in mlflow.search_experiments(filter_string=f"name LIKE '{prefix}%'"):
        if experiment.name.startswith(prefix):
            yield experiment.name.removeprefix(prefix), experiment


def is_open(projection: Projection, experiment: Experiment) -> bool:
    """Whether any run of an experiment is to be told that it shows nothing any more."""
    place = [experiment.experiment_id]
    return any(projection.client.search_runs(place, query, max_results=1) for query in OPEN)
