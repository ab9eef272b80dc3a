"""A view of the runs of an experiment, as MLflow's page keeps one that was shared.

MLflow does not document how it keeps these. It is known in this file alone: a tag of the experiment
whose value is JSON, and an address that names the tag. An MLflow that reads it no more shows its
own default view instead.
"""

import json

KEY = "gatewise"

TAG = f"mlflow.sharedViewState.{KEY}"


def address(experiment: str) -> str:
    """The address of the view, relative to MLflow's.

    Args:
        experiment: Id of the experiment.
    """
    return f"#/experiments/{experiment}/runs?viewStateShareKey={KEY}"


def view(*, search: str, order_by: str, ascending: bool, metrics: list[str]) -> str:
    """The value of the tag.

    Args:
        search: Which runs, in MLflow's search syntax.
        order_by: Metric by which they are sorted.
        ascending: The lowest value first.
        metrics: Metrics that are columns, from left to right.
    """
    state = {
        "searchFilter": search,
        "orderByKey": column(order_by),
        "orderByAsc": ascending,
        "selectedColumns": [column(metric) for metric in metrics],
    }
    return json.dumps(state)


def column(metric: str) -> str:
    """How the page names the column of a metric."""
    return f"metrics.`{metric}`"
