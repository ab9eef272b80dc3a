"""The store and DVC's remote may be buckets of an object store."""

import re
import shutil

import boto3
import pytest
from usual_study import SALES, USUAL

STUDY = {
    **USUAL,
    "study": "kept",
    "seeds": {"first": 2, "most": 2},
    "cells": ["gru"],
    "datasets": {"sales": SALES},
}


@pytest.fixture(scope="module")
def bucket(object_store):
    """An empty bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=object_store["AWS_ENDPOINT_URL"],
        region_name=object_store["AWS_DEFAULT_REGION"],
        aws_access_key_id=object_store["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=object_store["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket="kept")
    return "kept"


@pytest.fixture(scope="module")
def study_in(study_at, served, object_store, tmp_path_factory, bucket):
    """Makes a study whose store is in the bucket."""

    def make(name):
        study = study_at(tmp_path_factory.mktemp(name) / "study", STUDY)
        study.environment.update(served, **object_store, GATEWISE_STORE=f"s3://{bucket}/gatewise")
        return study

    return make


@pytest.fixture(scope="module")
def first(study_in):
    """The study that trains."""
    study = study_in("first")
    assert trainings(study.run("gatewise", "run", "--no-promote")) > 0
    return study


def trainings(printed):
    return int(re.search(r"(\d+) trainings?,", printed)[1])


def test_what_one_study_trained_another_finds(first, study_in):
    second = study_in("second")
    assert trainings(second.run("gatewise", "run", "--no-promote")) == 0
    assert first.read_lock() == second.read_lock()
    assert "are whole" in first.run("gatewise", "store", "verify")


def test_results_are_pushed_and_pulled(first, study_in, bucket):
    first.run("dvc", "remote", "add", "--default", "bucket", f"s3://{bucket}/dvc")
    first.run("dvc", "push")
    pulled = study_in("pulled")
    pulled.environment["GATEWISE_STORE"] = ""
    for name in ("dvc.lock", ".dvc/config", "code.json"):
        shutil.copy(first.folder / name, pulled.folder / name)
    pulled.run("dvc", "pull")
    printed = pulled.run("gatewise", "run", "--no-promote")
    assert "Nothing to do" in printed or trainings(printed) == 0
    assert pulled.read_lock() == first.read_lock()
