"""The list of candidates, as MLflow's own page shows it."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest
from chromium_page import CHROMIUM, chromium
from mlflow import MlflowClient
from waiting import wait_for

from flows.tracking import shared_view
from flows.tracking.projection import Projection
from rnn_core.comparison.outcome import read_comparison

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

HEADERS = "[...document.querySelectorAll('[role=columnheader]')].map(e => e.innerText)"
NAMES = "[...document.querySelectorAll('[role=gridcell] a')].map(e => e.innerText)"


@contextmanager
def mlflow_pages(database):
    """MLflow's server on a database; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--backend-store-uri", database, "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *options, "--workers", "1"],
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(address), 120)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=60)


def answers(address):
    try:
        return httpx.get(f"{address}/health").is_success
    except httpx.HTTPError:
        return False


def test_page_shows_scores_and_risks_of_the_candidates_alone(layout, database, tmp_path):
    Projection(layout, "tiny", {}).project("digits")
    experiment = MlflowClient().get_experiment_by_name("tiny/digits").experiment_id
    comparison = read_comparison(layout.comparison("digits"))
    place = shared_view.address(experiment)
    with mlflow_pages(database) as address, chromium(tmp_path / "chromium") as page:
        usual = {"width": 1500, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        page.ask("Emulation.setDeviceMetricsOverride", **usual)  # it draws only what can be seen
        page.ask("Page.navigate", url=f"{address}/{place}")
        for name in ("test_accuracy", "validation_chance_within_margin"):
            page.wait_for(f"{HEADERS}.includes('{name}')")
        page.wait_for(f"{NAMES}.join().includes('(chosen)')")
        names = set(page.value(NAMES))
        assert comparison.references.keys().isdisjoint(names)
        assert f"{comparison.recommended.name} (chosen)" in names
        page.ask("Page.navigate", url=f"{address}/#/experiments/{experiment}")
        link = f"document.querySelector('a[href*=\"{place}\"]')"
        page.wait_for(f"!!{link}")
