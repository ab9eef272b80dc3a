"""Prefect's state of a run reaches the run."""

import threading
from contextlib import nullcontext
from types import SimpleNamespace
from uuid import uuid4

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelled
from prefect_api import prefect_api

from flows.running import states
from flows.running.states import CancelWatch


def test_cancel_is_seen_where_the_run_is_told_of_its_server_and_not_the_environment(served):
    """As with the server of `gatewise up`, or one of the run's own."""
    url = served["PREFECT_API_URL"]
    with prefect_api(url) as api:
        flow = api.post("/flows/", json={"name": "watched"}).raise_for_status().json()
        made = api.post("/flow_runs/", json={"flow_id": flow["id"]}).raise_for_status().json()
        cancel = {"state": {"type": "CANCELLED"}, "force": True}
        api.post(f"/flow_runs/{made['id']}/set_state", json=cancel).raise_for_status()
    seen = threading.Event()
    with temporary_settings({PREFECT_API_URL: url}), CancelWatch(made["id"], seen.set) as watch:
        assert seen.wait(20)
    assert watch.cancelled is not None


def test_run_is_told_of_its_cancellation_once_even_where_that_fails(monkeypatch):
    """The server did not answer at first; that error is one to ask again after."""
    answers, told = [ConnectionError(), SimpleNamespace(state=Cancelled())], []

    def read_flow_run(run):
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def fail():
        told.append(watch.cancelled)
        if len(told) > 2:
            watch.over.set()
        raise ProcessLookupError("the pool is gone")

    client = SimpleNamespace(read_flow_run=read_flow_run)
    monkeypatch.setattr(states, "get_client", lambda **_: nullcontext(client))
    monkeypatch.setattr(states, "WATCH_SECONDS", 0.01)
    watch = CancelWatch(str(uuid4()), fail)
    with pytest.raises(ProcessLookupError, match="pool"):
        watch.watch()
    assert told == [watch.cancelled]
