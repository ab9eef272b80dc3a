"""Champions traced, made once more from their commit, and rolled back, as a user does it."""

import subprocess

import pytest


@pytest.fixture
def repository(clone_at, database_in, tiny, tmp_path):
    """A repository with a study of one training, all of it committed."""
    tiny["datasets"] = {"sales": tiny["datasets"]["sales"]}
    study = clone_at(
        tmp_path / "clone", tiny | {"cells": ["gru"], "seeds": {"first": 1, "most": 1}}
    )
    own = {"MLFLOW_TRACKING_URI": database_in(tmp_path)}
    study.environment.update(own)
    made = [".gatewise", ".venv", "data", "runs", "evaluations", "reports", "__pycache__"]
    (study.folder / ".gitignore").write_text(
        "\n".join([*made, "code.json", ".dvc/tmp", ".dvc/cache"])
    )
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "begin"],
    ):
        subprocess.run(["git", *command], cwd=study.folder, check=True)
    return study


@pytest.mark.thorough
def test_champion_comes_out_the_same_and_what_was_not_committed_is_refused(repository):
    repository.run("gatewise", "run")
    told = repository.run("gatewise", "lineage", "tiny.sales")
    assert "uncommitted" not in told
    assert ": begin)" in told
    assert "dvc.lock says the same now" in told
    assert "is the same: digest" in repository.run("gatewise", "reproduce", "tiny.sales")
    with (repository.folder / "sales.csv").open("a") as file:
        file.write("2024-10-27,3.5\n2024-10-28,4.5\n")
    repository.run("gatewise", "run")
    version = "tiny.sales@2"
    assert "sales.csv" in repository.run("gatewise", "lineage", version)
    refused = repository.run("gatewise", "reproduce", version, code=1)
    assert "were not committed" in refused
    assert "sales.csv" in refused
    told = repository.run("gatewise", "verify")
    assert "versions of registered models: 2\n" in told
    assert told.endswith("All is as it was recorded.\n")
    told = repository.run("gatewise", "champion", "rollback", "tiny.sales", "--because", "odd rows")
    assert told.startswith("tiny.sales: version 1, gru, test mse ")
    last, *_, first = repository.run("gatewise", "champion", "history", "tiny.sales").splitlines()
    assert last.startswith("3. ")
    assert "to version 1 from version 2" in last
    assert ": odd rows [" in last
    assert ": it is the first [" in first
