"""Prefect's state of a run reaches the run."""

import threading

from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_api import prefect_api

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
