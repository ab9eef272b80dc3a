"""Stages that are due: those that are stale in DVC, those that follow, and requested ones."""

import os
import pwd
import re
import shutil

import pytest

from flows.layout import Layout
from flows.recording import plan
from flows.recording.command import RecordingError, dvc, dvc_environment, stale_stages
from flows.recording.graph_file import bring_up_to_date
from flows.recording.inputs import read_inputs
from flows.recording.lock_file import apart, lock_file
from flows.recording.plan import (
    above,
    below,
    find_due,
    lacks_trainings,
    only_looking,
    order,
    select,
)
from flows.stages import DATASET_VERBS
from flows.system.home import clone
from rnn_core.errors import ParameterError, StudyError

SALES = [f"{verb}@sales" for verb in DATASET_VERBS]
OPINIONS = [f"{verb}@opinions" for verb in DATASET_VERBS]


@pytest.mark.parametrize("moved", [True, False])
def test_study_without_a_graph_is_refused_with_its_cure(tmp_path, moved):
    """DVC says that a link to nowhere "is not a .dvc file", and without one it has no stages."""
    folder = tmp_path / "a study"
    folder.mkdir()
    if moved:
        (folder / "dvc.yaml").symlink_to("../nowhere/dvc.yaml")
    with pytest.raises(StudyError) as caught:
        bring_up_to_date(Layout(folder))
    root = os.path.relpath(clone(), folder)
    link = f"`ln -sfn {root}/dvc.yaml '{folder}/dvc.yaml'`"
    assert f"set `root: {root}` in params.yaml, and call {link}" in str(caught.value)


@pytest.mark.parametrize("name", ["", "ada"])
def test_dvc_is_given_a_name_for_a_user_without_one(monkeypatch, name):
    """It asks for one, and stops where a container has only a number."""

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("USER", name)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert dvc_environment()["LOGNAME"] == (name or str(os.getuid()))


@pytest.fixture
def inputs(layout):
    return read_inputs(layout)


def test_order_has_every_stage_once_and_after_what_it_waits_for(inputs):
    stages = order(inputs)
    assert sorted(stages) == sorted(["code", "report", *SALES, *OPINIONS])
    assert (stages[0], stages[-1]) == ("code", "report")
    for chain in (SALES, OPINIONS):
        assert [stage for stage in stages if stage in chain] == chain


@pytest.mark.parametrize(
    ("stale", "due"),
    [
        (set(), set()),
        ({"code"}, {"code"}),
        ({"report"}, {"report"}),
        ({"compare@sales"}, {"compare@sales", "report"}),
        ({"train@sales"}, {*SALES[2:], "report"}),
        ({"train@sales", "compare@sales"}, {*SALES[2:], "report"}),
        ({"ingest@opinions", "evaluate@sales"}, {*OPINIONS, *SALES[3:], "report"}),
    ],
)
def test_what_waits_for_something_stale_is_due(inputs, stale, due):
    assert below(inputs, stale) == due


@pytest.mark.parametrize(
    ("stages", "needed"),
    [
        (set(), {"code"}),
        ({"ingest@sales"}, {"code", "ingest@sales"}),
        ({"train@opinions"}, {"code", *OPINIONS[:3]}),
        ({"report"}, {"code", "report", *SALES, *OPINIONS}),
    ],
)
def test_what_a_stage_waits_for_is_selected_with_it(inputs, stages, needed):
    assert above(stages, inputs) == needed | stages


@pytest.mark.parametrize(
    ("datasets", "only", "selected"),
    [
        (None, None, {"code", "report", *SALES, *OPINIONS}),
        (None, ["train@*"], {"code", *SALES[:3], *OPINIONS[:3]}),
        (None, ["prepare@sales", "*@opinions"], {"code", *SALES[:2], *OPINIONS}),
        (["sales"], None, {"code", "report", *SALES}),
        (["sales"], ["evaluate@*"], {"code", *SALES[:4]}),
        (["opinions", "sales"], None, {"code", "report", *SALES, *OPINIONS}),
    ],
)
def test_stages_are_selected_by_dataset_and_pattern(layout, inputs, datasets, only, selected):
    assert select(layout, inputs, datasets, only) == selected


def test_report_of_some_datasets_waits_until_the_others_are_compared(layout, inputs):
    layout.comparison("opinions").unlink()
    assert select(layout, inputs, ["sales"], None) == {"code", *SALES}


@pytest.mark.parametrize(
    ("datasets", "only", "told"),
    [
        (["slaes"], None, "did you mean 'sales'"),
        (None, ["train@slaes"], "did you mean 'train@sales'"),
        (None, ["tune@*"], r"unknown stage 'tune@\*'"),
        (["sales"], ["train@opinions"], "unknown stage 'train@opinions'"),
    ],
)
def test_what_names_nothing_is_refused(layout, inputs, datasets, only, told):
    with pytest.raises(ParameterError, match=told):
        select(layout, inputs, datasets, only)


def test_due_is_what_dvc_finds_stale_and_what_follows(layout, inputs, edit_parameters):
    assert find_due(layout, inputs, None, None).stages == set()
    edit_parameters("lookback: 12", "lookback: 13")
    due = find_due(layout, read_inputs(layout), None, None)
    assert due.stages == {"code", *SALES[1:], "report"}
    assert due.selected == set(order(inputs))
    assert find_due(layout, read_inputs(layout), ["opinions"], None).stages == {"code", "report"}
    assert find_due(layout, read_inputs(layout), None, ["prepare@*"]).stages == {
        "code",
        "prepare@sales",
    }


def test_code_is_looked_at_as_it_is_now(layout, inputs):
    """A fingerprint that code.json has from before does not count."""
    text = layout.code.read_text()
    layout.code.write_text(text.replace(inputs.code.compare["sales"], "0" * 64))
    assert find_due(layout, inputs, None, None).stages == set()
    assert layout.code.read_text() == text


def test_who_only_looks_leaves_code_json_to_the_recorded_results(layout, inputs):
    """After an edit of code, a look made `gatewise verify` report code.json."""
    text = layout.code.read_text().replace(inputs.code.compare["sales"], "0" * 64)
    for before in (text, None):
        layout.code.unlink() if before is None else layout.code.write_text(before)
        with only_looking(layout):
            assert find_due(layout, inputs, None, None).stages == set()
            assert layout.code.exists()
        assert (layout.code.read_text() if layout.code.exists() else None) == before


def test_link_to_nothing_is_left_to_the_user_who_is_told_of_it(layout, inputs):
    graph = layout.folder / "dvc.yaml"
    graph.unlink(missing_ok=True)
    graph.symlink_to("nowhere/dvc.yaml")
    with pytest.raises(StudyError, match="links to nothing"), only_looking(layout):
        find_due(layout, inputs, None, None)
    assert graph.is_symlink()


def test_lock_that_was_cut_off_is_put_back_first(layout, inputs):
    going_on = apart(layout)
    going_on.__enter__()
    lock_file(layout).write_text("schema: '2.0'\nstages:\n  rep")
    due = find_due(layout, inputs, None, None)
    assert due.stages == set()
    assert len(due.repaired) == 1
    assert find_due(layout, inputs, None, None).repaired == []


def test_dvc_that_cannot_say_is_an_error_with_its_words(layout):
    (layout.folder / "dvc.lock").write_text("stages: [")
    with pytest.raises(RecordingError, match=r"dvc status failed in .*dvc\.lock"):
        stale_stages(layout)


def test_study_of_an_archive_without_git_is_told_what_dvc_lacks(layout):
    """DVC said only that it "is not a git repository", as of a ZIP file from GitHub."""
    (layout.folder / ".dvc/config").write_text("")
    with pytest.raises(RecordingError, match="dvc status failed") as caught:
        stale_stages(layout)
    tell = f"dvc --cd {layout.folder.resolve()} config --local core.no_scm true"
    assert str(caught.value).endswith(f"; the study is in no git repository: `{tell}` tells DVC so")
    with pytest.raises(RecordingError, match="true or false") as caught:
        dvc(layout, "config", "core.no_scm", "maybe")
    assert "git repository" not in str(caught.value)


@pytest.mark.parametrize("inside", [True, False])
def test_study_that_dvc_was_not_set_up_for_gets_the_command_for_it(layout, inside):
    shutil.rmtree(layout.folder / ".dvc")
    if inside:
        (layout.folder / ".git").mkdir()
    how = "--subdir" if inside else "--no-scm"
    tell = f"`dvc --cd {layout.folder.resolve()} init {how}`"
    with pytest.raises(RecordingError, match=f"is not set up for DVC.*{re.escape(tell)}"):
        stale_stages(layout)


@pytest.mark.parametrize(
    ("remote", "recorded", "there", "told"),
    [
        (True, True, False, ["sales"]),
        (False, True, False, []),
        (True, False, False, []),
        (True, True, True, []),
    ],
)
def test_trainings_that_a_remote_may_have_are_told(
    layout, inputs, monkeypatch, remote, recorded, there, told
):
    monkeypatch.setattr(plan, "has_remote", lambda _: remote)
    stages = "  train@sales: {cmd: gatewise train sales}\n" if recorded else "  code: {cmd: x}\n"
    lock_file(layout).write_text(f"schema: '2.0'\nstages:\n{stages}")
    shutil.rmtree(layout.runs("sales"), ignore_errors=True)
    if there:
        layout.runs("sales").mkdir(parents=True)
    due = plan.Due({*SALES, *OPINIONS}, {*SALES[2:], *OPINIONS[2:]}, [])
    assert plan.to_be_pulled(layout, inputs, due) == told


@pytest.mark.parametrize(
    ("datasets", "only", "lacking"),
    [
        (None, None, True),
        (None, ["report"], True),
        (["sales"], None, False),
        (["opinions"], None, True),
        (None, ["prepare@*"], False),
        (None, ["train@sales", "evaluate@sales"], False),
        (None, ["compare@o*"], True),
    ],
)
def test_trainings_that_are_asked_for_and_not_there_need_no_dvc(
    layout, inputs, datasets, only, lacking
):
    assert not lacks_trainings(layout, inputs, datasets, only)
    shutil.rmtree(layout.runs("opinions"))
    assert lacks_trainings(layout, inputs, datasets, only) == lacking
    assert lacking <= bool(find_due(layout, inputs, datasets, only).work)
