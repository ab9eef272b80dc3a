"""The store and DVC's remote may be buckets of an object store."""

import re
import shutil
from uuid import uuid4

import boto3
import pytest


@pytest.fixture
def bucket(object_store, monkeypatch):
    """An empty bucket; this process finds it too."""
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{uuid4().hex[:8]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def study_in(study_at, tiny, object_store, tmp_path, bucket):
    """Makes a study whose store is in the bucket."""

    def make(name):
        few = {name: tiny["datasets"][name] for name in ("sales",)}
        study = study_at(tmp_path / name / "study", tiny | {"datasets": few})
        study.environment.update(object_store, GATEWISE_STORE=f"s3://{bucket}/gatewise")
        return study

    return make


def trainings(printed):
    return int(re.search(r"(\d+) trainings?,", printed)[1])


def test_what_one_study_trained_another_finds(study_in):
    first, second = study_in("first"), study_in("second")
    assert trainings(first.run("gatewise", "run", "--no-promote")) > 0
    assert trainings(second.run("gatewise", "run", "--no-promote")) == 0
    locks = [study.read_lock() for study in (first, second)]
    assert locks[0] == locks[1]
    assert "are whole" in first.run("gatewise", "store", "verify")


def test_results_are_pushed_and_pulled(study_in, bucket):
    pushed = study_in("pushed")
    pushed.run("gatewise", "run", "--no-promote")
    pushed.run("dvc", "remote", "add", "--default", "bucket", f"s3://{bucket}/dvc")
    pushed.run("dvc", "push")
    pulled = study_in("pulled")
    pulled.environment["GATEWISE_STORE"] = ""
    for name in ("dvc.lock", ".dvc/config", "code.json"):
        shutil.copy(pushed.folder / name, pulled.folder / name)
    pulled.run("dvc", "pull")
    printed = pulled.run("gatewise", "run", "--no-promote")
    assert "Nothing to do" in printed or trainings(printed) == 0
    assert pulled.read_lock() == pushed.read_lock()
