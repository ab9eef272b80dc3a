"""A study is deployed as it is asked for, and again as it is asked for then."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_api import prefect_api
from usual_study import SALES, USUAL

from flows.operations.deployments import Deployed, deploy, make_pool
from flows.operations.watch import DATA_CHANGED

REPOSITORY = Path(__file__).parents[3]

NIGHTLY = Deployed(
    pool="pool-of-deployments",
    cron="0 2 * * *",
    timezone="Europe/Vienna",
    every=timedelta(minutes=15),
    retries=2,
    workers=3,
    notify=(),
)


def test_second_deployment_takes_the_place_of_the_first(served, new_study):
    parameters = {**USUAL, "study": "nightly", "seeds": {"first": 1, "most": 1}, "cells": ["gru"]}
    folder = new_study(parameters | {"datasets": {"sales": dict(SALES)}}).folder
    with (
        temporary_settings({PREFECT_API_URL: served["PREFECT_API_URL"]}),
        prefect_api(served["PREFECT_API_URL"]) as api,
    ):
        wanted = replace(NIGHTLY, inputs={"nightly.sales": folder / "sales.csv"})
        assert deploy(folder, wanted) == ["study/nightly", "watch/nightly", "drift/nightly"]
        first = look(api)
        compared = api.get("/deployments/name/drift/nightly").raise_for_status().json()
        assert deploy(folder, replace(NIGHTLY, cron="30 4 * * 1", every=None)) == ["study/nightly"]
        second = look(api)
        for name in ("watch", "drift"):
            gone = api.get(f"/deployments/name/{name}/nightly")
            assert gone.status_code == 404, f"{name} goes on"
    assert first["id"] == second["id"]
    inputs = {"nightly.sales": str((folder / "sales.csv").resolve())}
    assert compared["parameters"] == {"inputs": inputs, "notify": []}
    assert compared["schedules"][0]["schedule"]["interval"] == 15 * 60
    assert compared["entrypoint"] == "flows.operations.drift_watch.drift"
    (schedule,) = first["schedules"]
    assert schedule["schedule"]["cron"] == "0 2 * * *"
    assert schedule["schedule"]["timezone"] == "Europe/Vienna"
    assert [one["schedule"]["cron"] for one in second["schedules"]] == ["30 4 * * 1"]
    assert first["parameters"] == {"study": str(folder.resolve()), "workers": 3, "notify": []}
    assert first["global_concurrency_limit"]["limit"] == 1
    assert first["job_variables"]["env"]["PREFECT_FLOWS_DEFAULT_RETRIES"] == "2"
    assert first["work_pool_name"] == "pool-of-deployments"
    assert first["entrypoint"] == "flows.study.study"


def look(api):
    """The deployment of runs, as Prefect has it."""
    return api.get("/deployments/name/study/nightly").raise_for_status().json()


def test_example_for_prefect_deploys_what_the_watch_asks_for(served, terminal_at):
    """The file next to our own command does the same."""
    with temporary_settings({PREFECT_API_URL: served["PREFECT_API_URL"]}):
        make_pool("gatewise")
    terminal_at(REPOSITORY).run("prefect", "--no-prompt", "deploy", "--all")
    with prefect_api(served["PREFECT_API_URL"]) as api:
        found = api.get("/deployments/name/study/sample").raise_for_status().json()
        rules = api.get(f"/automations/related-to/prefect.deployment.{found['id']}")
    (rule,) = rules.raise_for_status().json()
    assert rule["trigger"]["expect"] == [DATA_CHANGED]
    assert rule["trigger"]["match"] == {"prefect.resource.id": "gatewise.study.sample"}
    assert [one["schedule"]["cron"] for one in found["schedules"]] == ["0 2 * * *"]
    assert found["entrypoint"] == "flows/study.py:study"
