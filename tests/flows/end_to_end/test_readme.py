"""Commands of the README and the guides, typed in a copy of the repository."""

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
import waiting
from prefect_api import prefect_api
from usual_study import USUAL

from flows.stages import DATASET_VERBS as VERBS
from rnn_core.comparison.outcome import read_comparison

wait_for = partial(waiting.wait_for, seconds=120, every=0.2)

REPOSITORY = Path(__file__).parents[3]
PAGES = (
    "README.md",
    "docs/index.md",
    "docs/guides/races.md",
    "docs/guides/dvc.md",
    "docs/guides/export.md",
    "docs/guides/schedules.md",
    "docs/results.md",
)
"""Those with blocks of commands that can be typed as they are."""

LONG = {"gatewise run studies/benchmark": "takes hours"}
APART = {
    "pip install . --constraint constraints.txt": "test_wheel.py installs the layer",
    "pip install '.[pipeline]' --constraint constraints.txt": "and runs a study outside of a clone",
    "source .venv/bin/activate": "the programs are on the path here",
}
SERVERS = {
    "make up",
    'gatewise deploy --cron "0 2 * * *" --watch 15',
    "export PREFECT_API_URL=http://127.0.0.1:4200/api",
    "prefect deployment run study/sample",
}
CLIENTS = 200
"""Requests that are on their way while the server switches to a new champion."""

PORTS = {"mlflow": 5000, "prefect": 4200, "models": 8000, "worker": 4201}
NEW = (
    "gatewise new studies/shop --task forecasting --data examples/visitors.csv "
    "--target visitors --run"
)
SHORTER = "--cells gru --sizes equal --seeds 1 --most-seeds 1"
"""Options that are added here, so that the command takes a moment."""

PREDICT = "gatewise predict shop.visitors examples/visitors.csv"
GENERATE = (
    'gatewise generate sample.agreement --prompt "the dog" --set temperature=0.7 --set top_k=5'
)
EXPORT = "gatewise export shop.visitors --onnx visitors.onnx"
QUICK = [
    "make run",
    "gatewise run --dry-run",
    'gatewise run --only "train@co2"',
    "gatewise status",
    "dvc repro",
    "gatewise sync",
    "dvc metrics show",
    "gatewise store show",
    NEW,
    PREDICT,
    GENERATE,
    "gatewise run studies/shop",
    EXPORT,
]


@pytest.fixture(scope="module")
def clone(clone_at, tmp_path_factory, home):
    """A copy of the repository whose sample study is small; every variable is unset."""
    series, text = ("sales.csv", "co2"), ("text", "agreement")
    datasets = {name: {"source": source} | SECTIONS[name] for source, name in (series, text)}
    parameters = {
        **USUAL,
        "study": "sample",
        "seeds": {"first": 2, "most": 2},
        "cells": ["gru"],
    }
    study = clone_at(tmp_path_factory.mktemp("clone"), parameters | {"datasets": datasets})
    shutil.copytree(REPOSITORY / "examples", study.folder / "examples")
    for name in ("PREFECT_HOME", "MLFLOW_TRACKING_URI"):
        del study.environment[name]
    return study


SECTIONS = {
    "agreement": {
        "task": "text_generation",
        "data": {},
        "model": {"hidden_size": 8, "embedding_size": 4, "sequence_length": 16},
        "training": {"epochs": 1, "batch_size": 8},
    },
    "co2": {
        "task": "forecasting",
        "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
        "model": {"hidden_size": 4},
        "training": {"epochs": 1},
    },
}


def blocks(page, language):
    text = (REPOSITORY / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands():
    """All commands in their order, each once."""
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines()]
    return list(dict.fromkeys(re.sub(r"\s{2,}#.*", "", line).strip() for line in lines))


def test_every_command_of_the_pages_is_known_here():
    assert set(commands()) == {*LONG, *APART, *SERVERS, *QUICK}


def test_make_runs_every_test_once(clone):
    test, end_to_end, services, tests = (
        clone.run("make", "--no-print-directory", "--dry-run", target).splitlines()[-1]
        for target in ("test", "end-to-end", "test-services", "tests")
    )
    apart = end_to_end.partition(" tests/")[2].split(" tests/")
    assert {"flows/end_to_end", "rnn_core/end_to_end"} < set(apart)
    before = end_to_end.partition("tests/")[0]
    assert "pytest" in before
    assert services == f"{before}tests/flows/services"
    assert tests == before.strip()
    ignored = " ".join(f"--ignore tests/{place}" for place in [*apart, "flows/services"])
    assert test == before + ignored


def test_quick_commands_work_in_their_order(clone, said_of):
    printed = {}
    for command in commands():
        if command in QUICK:
            program, *arguments = shlex.split(command)
            more = SHORTER.split() if command == NEW else []
            printed[command] = clone.run(program, *arguments, *more)
    for dataset in ("agreement", "co2"):
        said = said_of(printed["make run"], dataset)
        assert re.search(rf"^{dataset} use gru-\d+ .* try it: gatewise .* sample\.{dataset} ", said)
    assert "up to date" in printed["dvc repro"]
    assert "agreement: MLflow shows it" in printed["gatewise sync"]
    assert "Nothing to do: all is up to date." in printed['gatewise run --only "train@co2"']
    assert "All is up to date." in printed["gatewise status"]
    assert "Nothing to do: all is up to date." in printed["gatewise run studies/shop"]
    made = said_of(printed[NEW], "visitors")
    assert re.search(r"^visitors use gru-\d+ .* try it: .* shop\.visitors FILE$", made)
    shown = re.search(r"^date,visitors\n(?:[-\d]+,[.\d]+\n)+", readme(), re.MULTILINE)
    first = printed[PREDICT].splitlines()[: len(shown[0].splitlines())]
    assert [dates_of(line) for line in first] == [dates_of(line) for line in shown[0].splitlines()]
    assert printed[EXPORT].startswith(
        "visitors.onnx has the network of shop.visitors\nIt reads\n  past, float32"
    )
    assert (clone.folder / "visitors.onnx").stat().st_size > 1000
    assert printed[GENERATE].startswith("the dog")


def readme():
    return (REPOSITORY / "README.md").read_text()


def dates_of(line):
    return line.partition(",")[0]


def test_python_of_the_pages_prints_answers(clone):
    (loading,) = blocks("docs/index.md", "python")
    (asking,) = blocks("docs/guides/mlflow.md", "python")
    answer = run_python(clone, loading)
    assert len(answer) > 200
    assert answer.startswith("the dog that the cats ")
    ranked = run_python(clone, asking)
    score = read_comparison(clone.folder / "comparisons/co2.json").candidates["gru-4"].test.mean
    assert re.search(rf"0 +gru +{score:.6f}", ranked), ranked


def run_python(study, program):
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=study.folder,
        env=study.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def api(clone):
    """All servers, with the sample study deployed."""
    if taken := [port for port in PORTS.values() if is_taken(port)]:
        pytest.skip(f"ports that the guides use are taken: {taken}")
    clone.environment["PREFECT_WORKER_QUERY_SECONDS"] = "1"
    with running(clone, "make", "up"), prefect_api("http://127.0.0.1:4200/api") as api:
        wait_for(lambda: "Ctrl-C ends all" in (clone.folder / "up.log").read_text())
        clone.run(*shlex.split(next(c for c in SERVERS if c.startswith("gatewise deploy"))))
        clone.environment["PREFECT_API_URL"] = str(api.base_url)
        yield api
        del clone.environment["PREFECT_API_URL"]
    assert not any(map(is_taken, PORTS.values()))


def is_taken(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(study, *command):
    """A process of the study that ends with all its children; it prints to a file."""
    with (study.folder / f"{command[1]}.log").open("w") as log:
        process = study.start(*command, stdout=log)
    try:
        yield
    finally:
        family = [psutil.Process(process.pid)]
        family += family[0].children(recursive=True)
        for member in family:
            end(member.terminate)
        _, left = psutil.wait_procs(family, timeout=10)
        for member in left:
            end(member.kill)
        process.wait(timeout=10)


def end(how: Callable[[], None]) -> None:
    """A child may end by itself, once its parent has to end."""
    with suppress(psutil.NoSuchProcess):
        how()


def answers(api, path):
    try:
        return api.get(path).is_success
    except httpx.TransportError:
        return False


def flow_runs(api, **filters):
    body = {"flow_runs": filters} if filters else {}
    return api.post("/flow_runs/filter", json=body).raise_for_status().json()


def new_run(api, known, deployment):
    """The one run of a deployment that somebody asked for since."""
    since = [run for run in flow_runs(api) if run["id"] not in known and not run["auto_scheduled"]]
    runs = [run for run in since if run["deployment_id"] == deployment]
    return runs[0] if runs else None


def completed(api, run_id):
    """Wait for a run to end, and well."""

    def ended():
        run = api.get(f"/flow_runs/{run_id}").raise_for_status().json()
        return run if run["state_type"] in {"COMPLETED", "FAILED", "CRASHED"} else None

    run = wait_for(ended)
    assert run["state_name"] == "Completed", run["state"]["message"]
    return run


def stages_of(api, run_id):
    """The stages that ran in a run, without those that were up to date."""
    body = {"flow_runs": {"id": {"any_": [run_id]}}}
    tasks = api.post("/task_runs/filter", json=body).raise_for_status().json()
    ran = {task["name"] for task in tasks if task["state_name"] == "Completed"}
    return {name for name in ran if name == "report" or name.partition("@")[0] in VERBS}


def append_row(study, name, row):
    with (study.folder / name).open("a") as file:
        file.write(f"{row}\n")


def test_schedule_and_changed_data_run_the_study(clone, api):
    assert httpx.get("http://127.0.0.1:5000/").is_success
    starts = re.findall(r"http://127\S+(?=\n)", (clone.folder / "up.log").read_text())
    assert starts[0].startswith("http://127.0.0.1:5000/#/experiments?")
    assert starts[1:] == ["http://127.0.0.1:4200", "http://127.0.0.1:8000"]

    deployment = api.get("/deployments/name/study/sample").raise_for_status().json()["id"]
    of_study = {"state": {"type": {"any_": ["SCHEDULED"]}}, "deployment_id": {"any_": [deployment]}}
    scheduled = wait_for(lambda: flow_runs(api, **of_study))
    times = {datetime.fromisoformat(run["expected_start_time"]) for run in scheduled}
    assert {(time.hour, time.minute) for time in times} == {(2, 0)}, "not every night"
    first = served_version("sample.co2")
    append_row(clone, "sales.csv", "2024-10-27,7.5")
    nightly = min(scheduled, key=lambda run: run["expected_start_time"])
    now = {"type": "SCHEDULED", "state_details": {"scheduled_time": datetime.now(UTC).isoformat()}}
    api.post(f"/flow_runs/{nightly['id']}/set_state", json={"state": now, "force": True})
    completed(api, nightly["id"])
    of_co2 = {*(f"{verb}@co2" for verb in VERBS), "report"}
    assert stages_of(api, nightly["id"]) == of_co2
    before = wait_for(lambda: newer_version("sample.co2", first))

    append_row(clone, "sales.csv", "2024-10-28,8.5")
    known = {run["id"] for run in flow_runs(api)}
    for _ in range(2):  # a change is reported once
        looked = clone.run("prefect", "deployment", "run", "watch/sample")
        completed(api, re.search(r"flow-run/(\S+)", looked)[1])
    triggered = wait_for(lambda: new_run(api, known, deployment))
    assert triggered["parameters"]["datasets"] == ["co2"]
    with asked_by_many("sample.co2", clone.folder / "sales.csv") as answered:
        completed(api, triggered["id"])
        assert stages_of(api, triggered["id"]) == of_co2
        wait_for(lambda: newer_version("sample.co2", before), seconds=30)
        after = len(answered)
        wait_for(lambda: len(answered) > after + CLIENTS, seconds=30)
    assert {status for status, _ in answered} == {200}
    assert {version for _, version in answered} == {str(before), str(before + 1)}
    if shutil.which("curl"):
        told = {model: clone.run("sh", "-c", line) for model, line in requests_of_the_guide()}
        assert "event: end" in told["sample.agreement"]
        rows = json.loads(told["shop.visitors"])["rows"]
        assert rows[0]["date"].startswith("2025-09-28")

    known = {run["id"] for run in flow_runs(api)}
    clone.run("prefect", "deployment", "run", "study/sample")
    asked_for = wait_for(lambda: new_run(api, known, deployment))
    assert "datasets" not in asked_for["parameters"]
    assert asked_for["parameters"]["study"] == str(clone.folder.resolve())


@contextmanager
def asked_by_many(model, table):
    """Clients that each ask a model again and again; status and version of each answer so far."""
    address = f"http://127.0.0.1:8000/models/{model}/predict"
    content, kind = table.read_bytes(), {"Content-Type": "text/csv"}
    answered, over = [], threading.Event()

    def ask(_):
        with httpx.Client(timeout=60) as client:
            while not over.is_set():
                told = client.post(address, content=content, headers=kind)
                answered.append((told.status_code, told.json().get("version")))

    with ThreadPoolExecutor(CLIENTS) as clients:
        asking = clients.map(ask, range(CLIENTS))
        try:
            yield answered
        finally:
            over.set()
        list(asking)


def requests_of_the_guide():
    """The requests of the guide to models that are served here, by the model's name."""
    guide = (REPOSITORY / "docs/guides/serving.md").read_text()
    for line in re.findall(r"^ {4}(curl .*)$", guide, re.MULTILINE):
        model = re.search(r"/models/([\w.]+)/", line)[1]
        if served_version(model):
            yield model, line.replace("curl", "curl --silent", 1)


def served_version(model):
    """The version that the model server answers with; 0 while it has none."""
    models = httpx.get("http://127.0.0.1:8000/models").raise_for_status().json()["models"]
    return next((int(one["version"]) for one in models if one["name"] == model), 0)


def newer_version(model, than):
    """The version that the model server answers with, if it is newer than one; else 0."""
    now = served_version(model)
    return now if now > than else 0
