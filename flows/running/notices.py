"""Notify people by Prefect's notification blocks, and programs by events."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from prefect import get_run_logger
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.client.schemas.objects import FlowRun, State
from prefect.events import emit_event
from prefect.flows import Flow
from prefect.logging import get_logger

from flows.running.run_names import study_run
from flows.system.hidden import cause_of
from flows.tracking.promoted import Promotion
from rnn_core.errors import ParameterError

CHAMPION_CHANGED = "gatewise.champion.changed"
"""The event when a model becomes the champion; its resource is `gatewise.model.NAME`."""

DRIFT_FOUND = "gatewise.drift.found"
"""The event when inputs of a model no longer look like its training set, or its score is worse;
its resource is `gatewise.model.NAME`."""


def check_blocks(names: Iterable[str]) -> None:
    """Check, before anything is trained, that notification blocks exist.

    Raises:
        ParameterError: If one does not exist, or cannot notify.
    """
    for name in names:
        load_block(name)


def load_block(name: str) -> NotificationBlock:
    """Load a notification block of Prefect, such as slack-webhook/team.

    Raises:
        ParameterError: If it does not exist, or cannot notify.
    """
    try:
        block: object = Block.load(name)
    except ValueError:
        raise ParameterError(
            f"notify: Prefect has no block {name!r}; make one on its page of blocks, and name it "
            "as TYPE/NAME, such as slack-webhook/team"
        ) from None
    if not isinstance(block, NotificationBlock):
        raise ParameterError(f"notify: {name!r} is a {type(block).__name__}, which cannot notify")
    return block


def tell_end(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Notify people that a run failed or crashed; a hook of the flow."""
    asked = flow_run.parameters
    subject = f"{flow.name} {study_run(asked)}: {state.name}"
    for problem in send(asked.get("notify") or [], subject, state.message or ""):
        get_logger("gatewise").warning("%s", problem)


def tell_champions(names: Sequence[str], promotions: Iterable[Promotion]) -> None:
    """Notify people and programs of each model version that became the champion."""
    for one in promotions:
        if one.action != "promoted":
            continue
        payload = {"version": one.version, "reason": one.reason, "test_score": one.test_score}
        emit_event(CHAMPION_CHANGED, resource=resource_of(one.model), payload=payload)
        subject = f"{one.model}: version {one.version} is the champion"
        for problem in send(names, subject, f"{one.reason}; test score {one.test_score}"):
            get_run_logger().warning("%s", problem)


def tell_drift(names: Sequence[str], model: str, version: str, changes: Sequence[str]) -> list[str]:
    """Notify people and programs that the inputs or the score of a model have changed.

    Args:
        names: Notification blocks of Prefect.
        model: Name of the registered model.
        version: The version that was checked.
        changes: The changes, a line each.

    Returns:
        A line for each block that could not be used, with the reason.
    """
    payload = {"version": version, "changes": list(changes)}
    emit_event(DRIFT_FOUND, resource=resource_of(model), payload=payload)
    return send(names, f"{model}: version {version} meets other inputs", "\n".join(changes))


def resource_of(model: str) -> dict[str, str]:
    """The resource of an event about a model, in Prefect's form."""
    return {"prefect.resource.id": f"gatewise.model.{model}", "prefect.resource.name": model}


def send(names: Iterable[str], subject: str, body: str) -> list[str]:
    """Notify by every block; returns the problems, since they must not fail a run."""
    problems = []
    for name in names:
        try:
            cast("Any", load_block(name)).notify(body, subject)
        except Exception as error:  # noqa: BLE001 - a service may raise anything
            problems.append(f"{name} was not notified: {cause_of(error)}")
    return problems
