"""What MLflow shows of datasets that were taken out of params.yaml."""

from collections.abc import Collection

from flows.tracking.projection import Projection, reachable
from flows.tracking.shown import forget_others


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
    prefix = f"{projection.study}/"
    with projection.lock, reachable():
        for experiment in projection.client.search_experiments():
            dataset = experiment.name.removeprefix(prefix)
            if experiment.name.startswith(prefix) and dataset not in datasets:
                projection.open(dataset)
                projection.mark_current(dataset, set())
