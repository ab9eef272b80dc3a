"""Trainings on a Dask cluster of two workers, which share nothing with the study but the store."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
import waiting
from usual_study import USUAL

from flows.layout import Layout
from flows.running.mark import read_mark
from flows.system.bound import bound_command
from flows.system.servers import HOST, free_port
from flows.trainings.store import Store
from rnn_core.files import read_json, read_json_lines

wait_for = partial(waiting.wait_for, seconds=180)

SMALL = {
    **USUAL,
    "study": "elsewhere",
    "seeds": {"first": 2, "most": 2},
    "cells": ["gru", "lstm"],
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "data": {"targets": ["y"], "lookback": 24, "horizon": 3},
            "model": {"hidden_size": 32},
            "training": {"epochs": 15, "patience": 15, "batch_size": 16},
        }
    },
}

NUM_TRAININGS = 4

ENDLESS = {"epochs": 100_000, "patience": 100_000, "batch_size": 16}


@dataclass(frozen=True)
class Worker:
    """A Dask worker with code, home and environment of its own."""

    folder: Path
    process: subprocess.Popen[bytes]

    def has(self, pattern: str) -> list[Path]:
        """Files in the folder that it works in."""
        return list(self.folder.glob(f"dask/*/*/gatewise/*/{pattern}"))

    def is_training(self, epochs: int | None = None) -> bool:
        growing = self.has(".gatewise/training/*/metrics.jsonl")
        configs = (read_json(file.with_name("config.json")) for file in growing)
        return any(
            len(read_json_lines(file)) > 2 and epochs in {config["training"]["epochs"], None}
            for file, config in zip(growing, configs, strict=True)
        )

    def processes(self) -> set[int]:
        """Processes that it has started."""
        return {child.pid for child in psutil.Process(self.process.pid).children(recursive=True)}


class Cluster:
    """A scheduler, and workers that use a store."""

    def __init__(self, folder: Path, copy_code: Callable[[Path], None], stack: ExitStack) -> None:
        self.folder, self.copy_code, self.stack = folder, copy_code, stack
        self.port = free_port()
        where = ("--host", HOST, "--port", str(self.port), "--no-dashboard")
        self.start("scheduler", "distributed.cli.dask_scheduler", *where)

    @property
    def address(self) -> str:
        return f"tcp://{HOST}:{self.port}"

    def start(self, name: str, module: str, *arguments: str, **settings: str):
        place = self.folder / name
        self.copy_code(place)
        (place / "home").mkdir()
        own = {"HOME": str(place / "home"), "PYTHONPATH": str(place)}
        with (place / "log").open("wb") as log:
            process = subprocess.Popen(
                bound_command(module, *arguments),
                cwd=place,
                env={"PATH": os.environ["PATH"], **own, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return place, process

    def worker(self, name: str, store: str) -> Worker:
        """Start a worker; it registers when it is ready."""
        folder, process = self.start(
            name,
            "distributed.cli.dask_worker",
            *(self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"),
            *("--local-directory", "dask", "--name", name),
            GATEWISE_STORE=store,
        )
        return Worker(folder, process)


@pytest.fixture
def cluster(tmp_path: Path, code_at: Callable[[Path], None]) -> Iterator[Cluster]:
    """A scheduler on loopback."""
    with ExitStack() as stack:
        yield Cluster(tmp_path / "cluster", code_at, stack)


@pytest.fixture(scope="module")
def local(study_at, tmp_path_factory):
    """The study as the workers of one machine do it."""
    study = study_at(tmp_path_factory.mktemp("local") / "studies/study", SMALL)
    study.run("dvc", "repro", "--quiet")
    return study


@pytest.fixture
def study(new_study, sftp_url, served):
    """The same study, with an empty store on an SFTP server."""
    made = new_study(SMALL)
    made.environment.update(served, GATEWISE_STORE=sftp_url)
    return made


def lock_of(study):
    return (study.folder / "dvc.lock").read_bytes()


def check_same_trainings(study, local):
    lock, expected = study.read_lock(), local.read_lock()
    assert "train@sales" in lock
    assert lock == {stage: expected[stage] for stage in lock}
    assert not (study.folder / ".gatewise/store").exists()
    store = Store(study.environment["GATEWISE_STORE"])
    assert len(store.identities("training")) == NUM_TRAININGS


@pytest.mark.thorough
def test_two_workers_make_what_one_machine_makes(study, local, cluster):
    workers = [cluster.worker(name, study.environment["GATEWISE_STORE"]) for name in "ab"]
    study.run("gatewise", "run", "--on", cluster.address)
    assert lock_of(study) == lock_of(local)
    check_same_trainings(study, local)
    assert all(worker.has("data/prepared/sales/meta.json") for worker in workers)
    records = read_json_lines(study.folder / ".gatewise/timings.jsonl")
    done = [record["what"] for record in records]
    assert done.count("train") == done.count("evaluate") == NUM_TRAININGS
    assert "up to date" in study.run("dvc", "status")


@pytest.mark.thorough
def test_training_of_a_killed_worker_is_done_by_the_other(study, local, cluster):
    workers = [cluster.worker(name, study.environment["GATEWISE_STORE"]) for name in "ab"]
    command = ("gatewise", "run", "--only", "train@*", "--on", cluster.address)
    process = study.start(*command)
    cluster.stack.callback(process.kill)
    wait_for(lambda: process.poll() is not None or workers[0].is_training())
    workers[0].process.send_signal(signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert workers[0].has(".gatewise/training/*"), "it was not in the middle of a training"
    check_same_trainings(study, local)


def press_cancel(study, run):
    """Do what the button of Prefect's page does."""
    api = study.environment["PREFECT_API_URL"]
    state = {"state": {"type": "CANCELLING"}}
    httpx.post(f"{api}/flow_runs/{run}/set_state", json=state).raise_for_status()


def states_of(study, run):
    """States of a run's tasks in Prefect, by name."""
    api, body = study.environment["PREFECT_API_URL"], {"flow_runs": {"id": {"any_": [run]}}}
    tasks = httpx.post(f"{api}/task_runs/filter", json=body).raise_for_status().json()
    return {task["name"]: task["state_name"] for task in tasks}


def begin_endless(study, cluster, worker, number):
    """Start a run whose training a worker is at, and would be for ever."""
    once = {"first": 1, "most": 1}
    parameters = study.parameters() | {"seeds": once, "cells": ["gru"]}
    epochs = ENDLESS["epochs"] + number  # makes it another training
    parameters["datasets"]["sales"]["training"] = ENDLESS | {"epochs": epochs}
    study.write_parameters(parameters)
    process = study.start("gatewise", "run", "--only", "train@*", "--on", cluster.address)
    cluster.stack.callback(process.kill)
    layout = Layout(study.folder)

    def began():
        return worker.is_training(epochs) and read_mark(layout) is not None

    wait_for(lambda: process.poll() is not None or began())
    return process, read_mark(layout).run


@pytest.mark.thorough
def test_run_that_is_ended_ends_its_training_and_leaves_the_worker_to_others(study, cluster):
    worker = cluster.worker("a", study.environment["GATEWISE_STORE"])
    codes, runs = {}, {}
    for number, how in enumerate(["cancel", signal.SIGINT, signal.SIGTERM, signal.SIGKILL]):
        # All but the first find the worker as the one before has left it.
        process, runs[how] = begin_endless(study, cluster, worker, number)
        if how == "cancel":
            press_cancel(study, runs[how])
        else:
            process.send_signal(how)
        output, _ = process.communicate(timeout=60)
        codes[how] = process.returncode
        assert "Traceback" not in output
        wait_for(lambda: not worker.processes())
    assert codes == {"cancel": 1, signal.SIGINT: 130, signal.SIGTERM: -15, signal.SIGKILL: -9}
    assert worker.process.poll() is None
    cancelled = states_of(study, runs["cancel"])
    assert cancelled["train@sales"] == cancelled["sales gru-32 seed 0"] == "Cancelled"


@pytest.mark.thorough
def test_worker_with_other_code_refuses(study, cluster):
    store = study.environment["GATEWISE_STORE"]
    worker = cluster.worker("a", store)
    file = worker.folder / "rnn_core/cells/lstm.py"
    file.write_text(file.read_text().replace("f * c + i * g", "f * c + g * i * 1"))
    command = ("gatewise", "run", "--only", "train@*", "--on", cluster.address)
    last = " ".join(study.run(*command, code=1).split("error: ")[-1].split())
    assert last.startswith("train@sales: the worker tcp://127.0.0.1:")
    assert f"{worker.folder}, would train lstm with other code" in last
    assert "Traceback" not in last
    trained = Store(store)
    cells = [
        json.loads(trained.read("training", identity, "config.json"))["cell"]
        for identity in trained.identities("training")
    ]
    assert cells == ["gru", "gru"]


def test_scheduler_that_does_not_answer(study):
    address = f"tcp://{HOST}:{free_port()}"
    output = study.run("gatewise", "run", "--only", "train@*", "--on", address, code=1)
    last = output.strip().split("\n")[-1]
    assert last.startswith(f"error: the Dask scheduler {address} does not answer")
    assert not (study.folder / ".gatewise/training").exists()
    assert not (study.folder / "data/prepared").exists()
