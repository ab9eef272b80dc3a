"""Flow runs whose process is gone do not keep others from beginning."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_api import prefect_api

from flows.operations.dead_runs import find_dead, mark_dead, why_dead


@pytest.fixture
def pool(served):
    """A pool of processes, a deployment that takes one run at a time, and who makes runs of it."""
    with prefect_api(served["PREFECT_API_URL"]) as api:
        yield Pool(api, f"pool-{uuid4().hex[:8]}")


class Pool:
    """Runs of a deployment as workers leave them."""

    def __init__(self, api, name):
        self.api, self.name = api, name
        self.post("/work_pools/", name=name, type="process", base_job_template={})
        flow = self.post("/flows/", name=f"flow of {name}")["id"]
        self.deployment = self.post(
            "/deployments/", name=name, flow_id=flow, work_pool_name=name, concurrency_limit=1
        )["id"]

    def post(self, path, **body):
        return self.api.post(path, json=body).raise_for_status().json()

    def begun(self, process):
        """A run that a worker takes up, as a process if it is given one."""
        run = self.post(f"/deployments/{self.deployment}/create_flow_run")["id"]
        told = self.set(run, "PENDING")
        if process is not None:
            changed = {"infrastructure_pid": str(process)}
            self.api.patch(f"/flow_runs/{run}", json=changed).raise_for_status()
        return run, told

    def set(self, run, state):
        """Ask for a state of a run; returns what Prefect made of that."""
        return self.post(f"/flow_runs/{run}/set_state", state={"type": state})["status"]

    def works(self, worker):
        """A worker says that it lives."""
        path = f"/work_pools/{self.name}/workers/heartbeat"
        self.api.post(path, json={"name": worker}).raise_for_status()

    def dead(self):
        """The runs that are found to be dead, by their ids."""
        with (
            temporary_settings({PREFECT_API_URL: str(self.api.base_url)}),
            get_client(sync_client=True) as client,
        ):
            found = [one for one in find_dead(client) if one.run.work_pool_name == self.name]
            for one in found:
                mark_dead(client, one)
        return {str(one.run.id): one.reason for one in found}


@pytest.fixture
def gone():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_run_whose_process_is_gone_gives_its_place_to_the_next(pool, gone):
    first, told = pool.begun(gone)
    assert told == "ACCEPT"
    second, told = pool.begun(None)
    assert told != "ACCEPT", "two runs at a time"
    assert pool.dead() == {first: f"its process {gone} is gone"}
    assert pool.set(second, "PENDING") == "ACCEPT"


def test_run_whose_process_lives_is_left_alone(pool):
    pool.begun(os.getpid())
    assert pool.dead() == {}


def test_runs_of_a_pool_with_a_worker_elsewhere_are_not_ours_to_judge(pool, gone):
    pool.begun(gone)
    pool.works("another-machine 12")
    assert pool.dead() == {}


def run_since(kind, ago, process=None):
    """A run in a state since a while, with the number of its process."""
    state = State(type=kind, timestamp=datetime.now(UTC) - ago)
    return FlowRun(flow_id=uuid4(), state=state, infrastructure_pid=process)


def test_process_that_began_after_the_run_is_not_its_own():
    own = str(os.getpid())
    assert why_dead(run_since(StateType.RUNNING, timedelta(0), own)) is None
    assert why_dead(run_since(StateType.RUNNING, timedelta(days=365), own))


def test_process_that_is_only_starting_is_that_of_its_run():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        taken_up = run_since(StateType.PENDING, timedelta(seconds=10), str(process.pid))
        assert why_dead(taken_up) is None
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("minutes", "is_dead"), [(0, False), (10, True)])
def test_run_that_no_worker_takes_up_is_dead_after_a_while(minutes, is_dead):
    waits = run_since(StateType.PENDING, timedelta(minutes=minutes))
    assert bool(why_dead(waits)) == is_dead
