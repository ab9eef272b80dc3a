"""Deployments of a study: runs on a schedule, and when its data changes.

A deployment has the name of a module, not the path of a file. So a worker finds it in a clone and
in an installed package.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger
from prefect.exceptions import ObjectNotFound
from prefect.types.entrypoint import EntrypointType

from flows.operations.drift_watch import drift
from flows.operations.schedules import schedules_of
from flows.operations.watch import DATA_CHANGED, watch
from flows.running.notices import check_blocks
from flows.study import study as flow
from flows.system.environment import DEFAULTS
from flows.system.home import home
from rnn_core.study import read_study

ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
"""A run that is due while another one is running waits for its end."""

ONE_OR_NONE = ConcurrencyLimitConfig(
    limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
)
"""A check of the data that is due while another one is running is skipped."""

CHANGED_DATASETS = {
    "__prefect_kind": "json",
    "value": {"__prefect_kind": "jinja", "template": "{{ event.payload.datasets | tojson }}"},
}
"""The datasets that an event names, as a parameter of the flow."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The settings of a study's deployments.

    Attributes:
        pool: The work pool whose workers run it.
        cron: The schedule, as five fields of cron; None: it runs only on request or by a trigger.
        timezone: Time zone of `cron`.
        every: Interval between checks of its data; None: its data is not checked.
        retries: Number of times that a failed run is started again.
        workers: Trainings at the same time; as many as there are processors or GPUs if None.
        notify: Notification blocks of Prefect; see `flows.study.study`.
        inputs: Files or folders of inputs, by name of the model. Each check of the data also
            compares them with the model's training set.
    """

    pool: str
    cron: str | None
    timezone: str
    every: timedelta | None
    retries: int
    workers: int | None
    notify: Sequence[str]
    inputs: Mapping[str, Path] = field(default_factory=dict)


def deploy(folder: Path, wanted: Deployed) -> list[str]:
    """Write the deployments of a study; existing ones are updated.

    Args:
        folder: The study's folder.
        wanted: The settings.

    Returns:
        Their names, as `prefect deployment run` takes them.

    Raises:
        ParameterError: If a schedule or a notification block is not valid.
        StudyError: If the folder is not a study.
    """
    name = read_study(folder).study
    check_blocks(wanted.notify)
    made = [of_runs(folder, name, wanted)]
    if wanted.every is not None:
        made.append(of_watch(folder, name, wanted))
    else:
        remove(f"{watch.name}/{name}")
    if wanted.inputs:
        made.append(of_drift(name, wanted))
    else:
        remove(f"{drift.name}/{name}")
    make_pool(wanted.pool)
    for deployment in made:
        deployment.apply(work_pool_name=wanted.pool)
    return [f"{deployment.flow_name}/{deployment.name}" for deployment in made]


def make_pool(name: str) -> None:
    """Make a work pool of processes, unless it exists."""
    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(name)
        except ObjectNotFound:
            client.create_work_pool(WorkPoolCreate(name=name, type="process"))


def remove(name: str) -> None:
    """Remove a deployment, if it exists."""
    with get_client(sync_client=True) as client, suppress(ObjectNotFound):
        client.delete_deployment(client.read_deployment_by_name(name).id)


def of_runs(folder: Path, name: str, wanted: Deployed) -> RunnerDeployment:
    """The deployment that brings a study up to date."""
    parameters: dict[str, Any] = {"study": str(folder.resolve())}
    parameters |= {"workers": wanted.workers, "notify": list(wanted.notify)}
    trigger = DeploymentEventTrigger(
        name=f"data of {name} changed",
        expect={DATA_CHANGED},
        match={"prefect.resource.id": f"gatewise.study.{name}"},
        parameters=parameters | {"datasets": CHANGED_DATASETS},
    )
    deployment: RunnerDeployment = flow.to_deployment(  # type: ignore[assignment]  # no coroutine
        name,
        description=f"Brings the study {name} up to date, and registers its champions.",
        schedules=schedules_of(wanted.cron, wanted.timezone),
        concurrency_limit=ONE_AT_A_TIME,
        parameters=parameters,
        triggers=[trigger],
        work_pool_name=wanted.pool,
        job_variables=job_variables(wanted),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return deployment


def of_watch(folder: Path, name: str, wanted: Deployed) -> RunnerDeployment:
    """The deployment that checks a study's data."""
    deployment: RunnerDeployment = watch.to_deployment(  # type: ignore[assignment]  # as above
        name,
        description=f"Looks whether the data of the study {name} changed.",
        interval=wanted.every,
        concurrency_limit=ONE_OR_NONE,
        parameters={"study": str(folder.resolve())},
        work_pool_name=wanted.pool,
        job_variables=job_variables(wanted),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return deployment


def of_drift(name: str, wanted: Deployed) -> RunnerDeployment:
    """The deployment that compares inputs with training sets."""
    inputs = {model: str(path.resolve()) for model, path in wanted.inputs.items()}
    deployment: RunnerDeployment = drift.to_deployment(  # type: ignore[assignment]  # as above
        name,
        description=f"Compares inputs of models of {name} with their training sets.",
        interval=wanted.every,
        concurrency_limit=ONE_OR_NONE,
        parameters={"inputs": inputs, "notify": list(wanted.notify)},
        work_pool_name=wanted.pool,
        job_variables=job_variables(wanted),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return deployment


def job_variables(wanted: Deployed) -> dict[str, Any]:
    """The working folder of runs, and environment variables in addition to the worker's."""
    retries = {"PREFECT_FLOWS_DEFAULT_RETRIES": str(wanted.retries)} if wanted.retries else {}
    delay = {"PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "60"} if wanted.retries else {}
    return {"working_dir": str(home()), "env": DEFAULTS | retries | delay}
