"""Runs that MLflow calls running."""

from collections.abc import Iterator
from dataclasses import dataclass

from flows.tracking.projection import connect, reachable
from flows.tracking.retired import shown
from flows.tracking.searches import every

PROCESS = "gatewise.process"
"""Tag with the host and process that make a run."""


@dataclass(frozen=True)
class Unended:
    """A run that MLflow calls running.

    Attributes:
        id: MLflow's id of the run.
        name: Name of the run.
        started: When it began, in seconds since 1970.
        process: Host and process that make it, with a space between; empty if not known.
    """

    id: str
    name: str
    started: float
    process: str


def unended(study: str) -> Iterator[Unended]:
    """All runs of a study that MLflow calls running.

    Raises:
        TrackingError: If MLflow does not answer.
    """
    client = connect()
    with reachable():
        places = [experiment.experiment_id for _, experiment in shown(study)]
        query = "attributes.status = 'RUNNING'"
        pages = every(lambda token: client.search_runs(places, query, page_token=token))
        found = list(pages) if places else []
    for run in found:
        info, process = run.info, run.data.tags.get(PROCESS, "")
        yield Unended(info.run_id, info.run_name or "", info.start_time / 1000, process)


def end_run(run: Unended) -> None:
    """Tell MLflow that a run was killed.

    Raises:
        TrackingError: If MLflow does not answer.
    """
    with reachable():
        connect().set_terminated(run.id, "KILLED")
