"""A flow that compares inputs of models with their training sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect import flow, get_run_logger

from flows.operations.drift import check
from flows.running.notices import tell_drift
from flows.system.environment import use_defaults
from rnn_core.errors import GatewiseError


@flow
def drift(inputs: Mapping[str, str], notify: Sequence[str] = ()) -> dict[str, list[str]]:
    """Compare inputs with training sets, and emit an event for each model that meets others.

    Args:
        inputs: A file or folder of inputs for each model, by its name.
        notify: Blocks of Prefect by which people are told.

    Returns:
        What has changed, by model.

    Raises:
        GatewiseError: If inputs of a model cannot be compared, once the others are.
    """
    use_defaults()
    found, problems = dict[str, list[str]](), list[str]()
    for model, path in inputs.items():
        try:
            checked = check(model, Path(path))
        except GatewiseError as error:
            problems.append(f"{model}: {error}")
            continue
        found[model] = checked.alarms
        if checked.alarms:
            for problem in tell_drift(notify, model, checked.version, checked.alarms):
                get_run_logger().warning("%s", problem)
        get_run_logger().info("%s: %s", model, "; ".join(checked.alarms) or "nothing has changed")
    if problems:
        raise GatewiseError("; ".join(problems))
    return found
