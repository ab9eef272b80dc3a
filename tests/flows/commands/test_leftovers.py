"""A dataset that params.yaml does not name any more appears nowhere."""

import json
import shutil

import pytest

from flows.commands import upkeep
from flows.layout import REPORT_PARTS
from flows.recording.inputs import read_inputs
from flows.recording.plan import select
from flows.stages.report import report
from flows.trainings.kept import note_kept
from rnn_core.files import read_json
from rnn_core.study import read_study

OLD = "returns"


@pytest.fixture
def with_leftovers(layout):
    """A finished study, in which everything of one dataset also stands under another name."""
    for place in (layout.raw, layout.prepared, layout.runs, layout.evaluations):
        shutil.copytree(place("sales"), place(OLD))
    shutil.copy(layout.comparison("sales"), layout.comparison(OLD))
    shutil.copy(layout.comparison("sales"), layout.comparison("sales.old"))
    shutil.copytree(layout.prepared("sales"), layout.prepared("sales.v1"))
    for part in REPORT_PARTS:
        for file in list((layout.reports / part).glob("sales.*")):
            shutil.copy(file, file.with_stem(OLD))
    return layout


def left(layout):
    """Files of the dataset that is gone, and of files that look like one."""
    return {
        path.relative_to(layout.folder).as_posix()
        for path in layout.folder.rglob("*")
        if path.name.startswith(OLD) or path.name in {"sales.old.json", "sales.v1"}
    }


def test_report_tells_nothing_of_leftovers(with_leftovers):
    layout = with_leftovers
    report(layout, read_study(layout.folder))
    told = {path for path in layout.reports.rglob("*") if path.is_file()}
    assert not [path for path in told if OLD in path.name or OLD in path.read_text()]
    assert read_json(layout.metrics).keys() == read_study(layout.folder).datasets.keys()


def test_status_tells_a_leftover_from_a_result(with_leftovers, monkeypatch, capsys):
    monkeypatch.setattr(upkeep, "what_is_stale", lambda *_: [])
    upkeep.status(with_leftovers.folder)
    told = " ".join(capsys.readouterr().out.split())
    assert told.count(OLD) == len(left(with_leftovers)) - 2
    assert f"Left over from other datasets: comparisons/{OLD}.json," in told
    assert "Remove: gatewise prune" in told
    assert f"{OLD} gru" not in told
    assert f"{OLD} memoryless" not in told


@pytest.mark.usefixtures("database")
def test_sync_shows_no_leftover(with_leftovers, capsys):
    from mlflow import MlflowClient

    upkeep.sync(with_leftovers.folder)
    assert OLD not in capsys.readouterr().out
    names = {experiment.name for experiment in MlflowClient().search_experiments()}
    assert "tiny/sales" in names
    assert f"tiny/{OLD}" not in names


@pytest.mark.usefixtures("database")
def test_sync_lets_nothing_of_a_leftover_be_current(with_leftovers):
    from mlflow import MlflowClient

    client = MlflowClient()
    run = client.create_run(client.create_experiment(f"tiny/{OLD}")).info.run_id
    client.set_tag(run, "gatewise.current", "true")
    client.set_tag(run, "gatewise.kind", "candidate")
    upkeep.sync(with_leftovers.folder)
    assert client.get_run(run).data.tags["gatewise.current"] == "false"


def test_leftovers_are_counted_nowhere(with_leftovers):
    layout = with_leftovers
    inputs = read_inputs(layout)
    assert not [stage for stage in select(layout, inputs, None, None) if OLD in stage]
    note_kept(layout, inputs.study.datasets, inputs.code_for)
    before = json.loads(layout.kept.read_text())
    shutil.rmtree(layout.runs(OLD))
    note_kept(layout, inputs.study.datasets, inputs.code_for)
    assert json.loads(layout.kept.read_text()) == before


def test_prune_removes_every_leftover_and_nothing_else(with_leftovers, capsys):
    layout = with_leftovers
    gone = left(layout)
    assert len(gone) == 4 + 3 + len(REPORT_PARTS)
    kept = {path for path in layout.folder.rglob("*") if path.is_file()}
    kept -= {
        path
        for path in kept
        if any(str(path.relative_to(layout.folder)).startswith(g) for g in gone)
    }
    upkeep.prune(layout.folder)
    printed = capsys.readouterr().out
    assert all(name in printed for name in gone)
    assert left(layout) == set()
    assert all(path.exists() for path in kept)
