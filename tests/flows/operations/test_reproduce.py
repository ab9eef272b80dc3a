"""Reproduction of what cannot be made again is refused, and differences are named."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.commands.services.lineage import reproduce as command
from flows.operations import reproduce
from flows.operations.lineage import Lineage
from flows.system.git import git, head
from flows.tracking import registry
from flows.tracking.origin import locked
from rnn_core.comparison.outcome import read_comparison
from rnn_core.errors import StudyError


def commit(folder, message):
    git(folder, "add", "--all")
    done = git(
        folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", message
    )
    assert done is not None
    return head(folder)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of code, with an empty study below."""
    root = tmp_path / "repository"
    (root / "studies/shop").mkdir(parents=True)
    (root / "studies/shop/params.yaml").write_text("study: shop\n")
    (root / "studies/shop/dvc.lock").write_text("schema: '2.0'\n")
    (root / ".dvc").mkdir()
    (root / ".dvc/config").touch()
    git(root, "init", "--quiet")
    commit(root, "begin")
    monkeypatch.setattr(reproduce, "clone", lambda: root)
    return root


@pytest.fixture
def found(repository):
    """A version that was made from its first commit."""
    return Lineage(
        model="shop.sales",
        version="3",
        digest="d",
        run=None,
        lock={},
        lock_now=None,
        commit=head(repository),
        title=None,
        study="studies/shop",
        code=head(repository),
        uncommitted=[],
        flow_run="",
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"commit": ""}, "in no commit: there is nothing to make it from"),
        ({"uncommitted": ["a.csv", "flows/x.py"]}, r"not committed .* a.csv, flows/x.py; commit"),
        ({"commit": "0" * 40}, "does not have commit 0000"),
        ({"code": "1" * 40}, "commit 1111.* of another repository"),
        ({"code": "gatewise 0.0.1"}, r"made by gatewise 0.0.1, and here is gatewise .*: install"),
    ],
)
def test_what_no_commit_has_is_refused_before_anything_is_done_or_said(
    repository, found, tmp_path, monkeypatch, capsys, change, told
):
    monkeypatch.setattr(reproduce, "run", None)
    monkeypatch.setattr("flows.operations.lineage.trace", lambda *_: replace(found, **change))
    monkeypatch.setattr("flows.commands.services.lineage.enter_home", lambda folder: folder)
    place = tmp_path / "scratch"
    with pytest.raises(StudyError, match=told):
        command("shop.sales", repository / "studies/shop", place)
    assert capsys.readouterr().out == ""
    assert not place.exists()


def test_code_of_another_clone_is_refused(repository, found, tmp_path, monkeypatch):
    monkeypatch.setattr(reproduce, "clone", lambda: tmp_path)
    with pytest.raises(StudyError, match="of another repository"):
        reproduce.check_reproducible(found, repository / "studies/shop")


def test_study_is_checked_out_as_it_was(repository, found, tmp_path):
    """And the repository is left as it is."""
    parameters = repository / "studies/shop/params.yaml"
    parameters.write_text("study: other\n")
    commit(repository, "next")
    parameters.write_text("study: a third\n")
    now = head(repository)
    study = reproduce.check_out(found, repository, tmp_path / "scratch/clone")
    assert (study / "params.yaml").read_text() == "study: shop\n"
    assert not (study / "dvc.lock").exists()
    assert parameters.read_text() == "study: a third\n"
    assert (head(repository), git(repository, "worktree", "list").count("\n")) == (now, 0)
    with pytest.raises(StudyError, match="has no study in studies/none"):
        reproduce.check_out(replace(found, study="studies/none"), repository, tmp_path / "again")


@pytest.fixture
def same(layout):
    """A version of exactly what the finished study holds."""
    with registry.candidate(
        layout, "sales", read_comparison(layout.comparison("sales"))
    ) as candidate:
        digest = registry.digest_in(candidate)
    return Lineage(
        model="tiny.sales",
        version="1",
        digest=digest,
        run=None,
        lock=locked(layout, "sales"),
        lock_now=None,
        commit="",
        title=None,
        study="",
        code="",
        uncommitted=[],
        flow_run="",
    )


def test_what_differs_is_named(layout, same):
    assert reproduce.differences(same, layout) == []
    other = replace(same, digest="x", lock=same.lock | {"lock_raw": "y.dir"})
    assert reproduce.differences(other, layout) == [
        f"raw: {same.lock['lock_raw']}, and was y.dir",
        f"the model: {same.digest}, and was x",
    ]


def test_run_uses_no_store_of_others(found, tmp_path, monkeypatch):
    for name in ("PREFECT_API_URL", "MLFLOW_REGISTRY_URI", "GATEWISE_STORE", "OTHER"):
        monkeypatch.setenv(name, "theirs")
    seen = {}

    def remember(command, **options):
        seen.update(options["env"], cwd=options["cwd"], command=command)
        return type("Done", (), {"returncode": 3})

    monkeypatch.setattr(reproduce.subprocess, "run", remember)
    with pytest.raises(StudyError, match="failed"):
        reproduce.run(found, Path("study"), tmp_path)
    assert {"PREFECT_API_URL", "MLFLOW_REGISTRY_URI", "GATEWISE_STORE"} & seen.keys() == set()
    assert seen["OTHER"] == "theirs"
    assert seen["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/mlflow.db"
    assert seen["PYTHONPATH"] == str(tmp_path / "clone")
    assert "compare@sales" in seen["command"]
