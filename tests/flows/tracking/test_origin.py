"""A version says where it comes from, and which part of that is in no commit."""

import shutil
import subprocess

import pytest
import yaml
from mlflow import MlflowClient

from flows.commands.services.lineage import told
from flows.operations.lineage import trace
from flows.tracking import origin
from flows.tracking.origin import origin_of
from flows.tracking.projection import Projection
from flows.tracking.promotion import promote

NAME = "tiny.sales"


def git(folder, *arguments):
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def committed(layout, tmp_path, monkeypatch):
    """A repository with the study below, next to unknown code."""
    monkeypatch.setattr(origin, "clone", lambda: None)
    git(tmp_path, "init", "--quiet")
    layout.folder.joinpath(".gitignore").write_text("/runs\n/data\n/evaluations\n.gatewise\n")
    git(tmp_path, "add", "tiny")
    git(tmp_path, "commit", "--quiet", "--message", "begin")
    return layout


def test_what_is_not_committed_is_named(committed):
    assert "gatewise.uncommitted" not in origin_of(committed, "sales", "")
    parameters = committed.folder / "params.yaml"
    parameters.write_text(parameters.read_text() + "\n")
    assert origin_of(committed, "sales", "")["gatewise.uncommitted"] == "tiny/params.yaml"
    git(committed.folder, "rm", "--quiet", "--cached", "sales.csv")
    assert origin_of(committed, "sales", "")["gatewise.uncommitted"] == (
        "tiny/params.yaml, tiny/sales.csv"
    )
    assert origin_of(committed, "text", "")["gatewise.uncommitted"] == "tiny/params.yaml"


def test_source_that_git_ignores_is_in_no_commit(committed):
    git(committed.folder, "rm", "--quiet", "--cached", "sales.csv")
    with committed.folder.joinpath(".gitignore").open("a") as file:
        file.write("*.csv\n")
    git(committed.folder, "commit", "--quiet", "--all", "--message", "no data")
    assert origin_of(committed, "sales", "")["gatewise.uncommitted"] == "tiny/sales.csv"


def test_study_outside_of_git_has_no_commit(layout, monkeypatch):
    monkeypatch.setattr(origin, "clone", lambda: None)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(layout.folder.parent))
    found = origin_of(layout, "sales", "")
    assert {"gatewise.commit", "gatewise.study", "gatewise.uncommitted"} & found.keys() == set()
    assert found["gatewise.code"].startswith("gatewise ")


def test_digests_are_those_of_dvc(committed, finished):
    found = origin_of(committed, "sales", "a-run")
    lock = yaml.safe_load((finished / "dvc.lock").read_text())["stages"]
    for verb, what in origin.OUTPUTS.items():
        (out,) = lock[f"{verb}@sales"]["outs"]
        assert found[f"gatewise.lock_{what}"] == out["md5"]
    assert found["gatewise.flow_run"] == "a-run"
    other = origin_of(committed, "digits", "")
    assert other["gatewise.lock"] != found["gatewise.lock"]


@pytest.mark.usefixtures("database")
def test_registered_version_leads_back_to_all_of_it(committed):
    runs = Projection(committed, "tiny", {"prefect.flow_run_id": "first"}).project("sales")
    promote(committed, "tiny", "sales", runs, "second")
    found = trace(f"{NAME}@1", committed.folder)
    head = git(committed.folder, "rev-parse", "HEAD")
    assert (found.commit, found.study, found.flow_run) == (head, "tiny", "second")
    assert found.title.endswith(": begin")
    assert found.lock == found.lock_now
    assert trace(f"{NAME}@1", committed.folder.parent).lock_now == found.lock
    assert found.digest == MlflowClient().get_model_version(NAME, "1").tags["gatewise.digest"]
    assert (found.run.id, found.run.flow_run) == (found.run.id, "first")
    assert found.run.id in runs.values()
    assert found.run.experiment == "tiny/sales"
    assert found.lock["lock_prepared"]
    lines = dict(told(found))
    assert lines["commit"] == f"{head} ({found.title})"
    assert lines["flow run"].startswith("second")


@pytest.mark.usefixtures("database")
def test_version_keeps_what_it_came_from(committed):
    """Also where it is promoted again by a run of another commit."""
    runs = Projection(committed, "tiny", {}).project("sales")
    promote(committed, "tiny", "sales", runs, "first")
    before = MlflowClient().get_model_version(NAME, "1").tags
    git(committed.folder, "commit", "--quiet", "--allow-empty", "--message", "next")
    MlflowClient().delete_registered_model_alias(NAME, "champion")
    MlflowClient().delete_registered_model_tag(NAME, "gatewise.champion")
    assert promote(committed, "tiny", "sales", runs, "second").action == "promoted"
    after = MlflowClient().get_model_version(NAME, "1").tags
    for name in ("gatewise.commit", "gatewise.flow_run", "gatewise.lock"):
        assert after[name] == before[name]


def test_lineage_without_the_study_says_so(layout, tmp_path):
    from flows.operations.lineage import lock_now

    assert lock_now(NAME, tmp_path, "studies/tiny") is None
    assert lock_now("other.sales", layout.folder, "") is None
    assert lock_now("tiny.none", layout.folder, "") is None
    shutil.rmtree(layout.runs("sales"))
    assert lock_now(NAME, layout.folder, "")["lock"]
