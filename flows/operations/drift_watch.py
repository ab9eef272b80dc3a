"""A flow that compares inputs of models with their training sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect import flow, get_run_logger

from flows.operations.drift import check
from flows.running import run_names
from flows.running.notices import tell_drift
from flows.system.environment import use_defaults
from rnn_core.errors import GatewiseError


@flow(flow_run_name=run_names.of_drift)
def drift(inputs: Mapping[str, str], notify: Sequence[str] = ()) -> dict[str, list[str]]:
    """Compare inputs with training sets, and emit an event for each model whose inputs differ.

    Args:
        inputs: A file or folder of inputs for each model, by its name.
        notify: Notification blocks of Prefect.

    Returns:
        The changes, by model.

    Raises:
        GatewiseError: If inputs of a model cannot be compared; the others are compared first.
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
