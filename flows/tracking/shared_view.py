"""A view of the runs of an experiment, stored in the way of MLflow's shared views.

MLflow does not document this way, and only this file knows it: a tag of the experiment whose value
is JSON, and an address that names the tag. If a later MLflow does not read the tag, it shows its
default view instead.
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
        search: Condition for runs, in MLflow's search syntax.
        order_by: Metric that they are sorted by.
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
    """The page's name for the column of a metric."""
    return f"metrics.`{metric}`"
