"""Trainings of a dataset in a store, and pools of workers with functions that they run."""

from pathlib import Path

import pytest
from idle_crew import CODE, OPENED, Crew

from flows.layout import Layout
from flows.trainings.dataset import Trainings
from flows.trainings.store import Store
from flows.trainings.workers import Pool


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def trainings_of(tmp_path, store):
    return lambda plan: Trainings(Layout(tmp_path), OPENED, plan, CODE, store)


@pytest.fixture
def crew(store, tmp_path):
    return Crew(store, tmp_path / "made")


@pytest.fixture
def jobs(monkeypatch):
    """Functions for workers, which find their module as this process does."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import worker_jobs

    return worker_jobs


@pytest.fixture
def log(tmp_path):
    return tmp_path / "logs/workers.log"


@pytest.fixture
def pool(jobs, log):
    with Pool(2, log=log) as pool:
        yield pool
