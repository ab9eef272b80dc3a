"""MLflow and Prefect keep what they know in PostgreSQL, and lose nothing of it."""

import subprocess
import sys
from urllib.parse import quote

import pytest
from mlflow import MlflowClient
from usual_study import SALES, USUAL

STUDY = {
    **USUAL,
    "study": "tiny",
    "seeds": {"first": 2, "most": 2},
    "cells": ["gru"],
    "datasets": {"sales": SALES},
}

WRITERS, METRICS = 8, 200

WRITER = """
import sys
from mlflow import MlflowClient
client, run = MlflowClient(sys.argv[1]), sys.argv[2]
for step in range(int(sys.argv[4])):
    client.log_metric(run, f"of_{sys.argv[3]}", step / 7, step=step)
"""


def test_writers_side_by_side_lose_nothing(postgres):
    url = postgres.url("writers")
    client = MlflowClient(url)
    run = client.create_run(client.create_experiment("writers")).info.run_id
    programs = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, run, str(writer), str(METRICS)])
        for writer in range(WRITERS)
    ]
    assert [program.wait() for program in programs] == [0] * WRITERS
    for writer in range(WRITERS):
        found = client.get_metric_history(run, f"of_{writer}")
        assert sorted(one.step for one in found) == list(range(METRICS))
        assert all(one.value == one.step / 7 for one in found)


@pytest.fixture(scope="module")
def study(postgres, study_at, tmp_path_factory):
    """A study that both know from PostgreSQL."""
    folder = tmp_path_factory.mktemp("production") / "study"
    made = study_at(folder, STUDY)
    made.environment.update(
        MLFLOW_TRACKING_URI=postgres.url("mlflow"),
        GATEWISE_ARTIFACTS=(folder.parent / "artifacts").as_uri(),
        PREFECT_API_DATABASE_CONNECTION_URL=postgres.url("prefect", "postgresql+asyncpg"),
    )
    return made


@pytest.fixture(scope="module")
def printed(study):
    """Output of the run."""
    return study.run("gatewise", "run")


def test_champions_are_registered_and_answer(study, printed):
    client = MlflowClient(study.environment["MLFLOW_TRACKING_URI"])
    champion = client.get_model_version_by_alias("tiny.sales", "champion")
    assert int(champion.version) == 1
    artifacts = study.folder.parent / "artifacts/tiny/sales"
    assert list(artifacts.rglob("MLmodel")), "the model is elsewhere"
    answered = study.run("gatewise", "predict", "tiny.sales", "sales.csv")
    assert answered.startswith("date,y\n2024-10-27,")


def test_nothing_is_left_to_do(study, printed):
    assert "Nothing to do: all is up to date." in study.run("gatewise", "run")


def test_password_is_written_nowhere(study, printed, postgres):
    secrets = [postgres.password.encode(), quote(postgres.password, safe="").encode()]
    assert not [secret for secret in secrets if secret in printed.encode()]
    files = [path for path in study.folder.parent.rglob("*") if path.is_file()]
    assert len(files) > 50
    assert not [path for path in files for secret in secrets if secret in path.read_bytes()]
