"""Stages that DVC runs in a process forked from one that has imported everything."""

import io
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest
from prefect.states import Failed

from flows.execution import is_busy
from flows.layout import Layout
from flows.recording import template
from flows.recording.graph import StageBusyError
from flows.recording.repro import Template, failure_cause, run_stage
from rnn_core.errors import StudyError

STARTED = "Running stage 'train@sales-gru':\n> exec gatewise train sales gru\n"
TRACEBACK = """Traceback (most recent call last):
  File "x.py", line 3, in f
    1 / 0
ZeroDivisionError: division by zero
"""
GAVE_UP = (
    "ERROR: failed to reproduce 'train@sales-gru': failed to run: exec gatewise train sales gru,"
    " exited with 1\n"
)


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        (f"{STARTED}error: sales.csv has 3 gaps\n{GAVE_UP}", "sales.csv has 3 gaps"),
        (f"{STARTED}{TRACEBACK}{GAVE_UP}", "ZeroDivisionError: division by zero"),
        (f"{STARTED}{GAVE_UP}", GAVE_UP.strip()),
        (
            "ERROR: failed to reproduce 'x': missing data 'source': sales.csv\n",
            "ERROR: failed to reproduce 'x': missing data 'source': sales.csv",
        ),
        ("ERROR: 'dvc.yaml' is invalid.\n", "'dvc.yaml' is invalid."),
        ("", "it ended with code 9 and without a word"),
        ("\n  \n", "it ended with code 9 and without a word"),
    ],
    ids=["own error", "traceback", "no words", "not started", "only DVC", "nothing", "blank"],
)
def test_cause_of_a_failure_is_the_line_that_says_most(output, cause):
    assert failure_cause(output, 9) == cause


@pytest.fixture
def template_of():
    """Enters the template of a study."""
    with ExitStack() as entered:
        yield lambda study, *modules: entered.enter_context(Template(Layout(study.folder), modules))


def test_stage_that_another_dvc_holds_is_busy_and_not_broken(new_study, tiny, held, template_of):
    study = new_study(tiny)
    template = template_of(study)
    with (
        held(study, "data/raw/sales"),
        pytest.raises(StageBusyError, match=rf"(?s)ingest@sales: .*busy.*{os.getpid()}") as caught,
    ):
        run_stage(template, "ingest@sales")
    assert is_busy(None, None, Failed(data=caught.value))
    assert not is_busy(None, None, Failed(data=StudyError("ingest@sales: no such file")))
    assert run_stage(template, "ingest@sales") == "ran"
    assert run_stage(template, "ingest@sales") == "cached"


def test_stages_end_as_those_of_dvc_do(new_study, study_at, tiny, template_of, tmp_path):
    """Two at a time, with the same outputs, hashes and parameters in dvc.lock."""
    ours, theirs = new_study(tiny), study_at(tmp_path / "studies/theirs", tiny)
    template = template_of(ours, "flows.stages.prepare", "rnn_core.tasks.forecasting")
    with ThreadPoolExecutor() as pool:
        for verb in ("ingest", "prepare"):
            stages = [f"{verb}@{name}" for name in ("sales", "opinions")]
            assert list(pool.map(partial(run_stage, template), stages)) == ["ran", "ran"]
    theirs.run("dvc", "repro", "--quiet", "prepare@sales", "prepare@opinions")
    assert ours.read_lock() == theirs.read_lock()


def test_stage_that_was_edited_runs_as_it_is_now(clone_at, served, tiny, tmp_path):
    study = clone_at(tmp_path / "clone", tiny)
    study.environment.update(served)
    process = study.start("gatewise", "run", "--only", "tune@sales-gru")
    log = study.folder / ".gatewise/logs/ingest@sales.log"
    wait_for(process, lambda: log.exists() and "Running stage" in log.read_text())
    module = study.folder / "flows/stages/tune.py"
    module.write_text(module.read_text() + '\nprint("edited")\n')
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    logs = study.folder / ".gatewise/logs"
    assert "\nedited\n" in (logs / "tune@sales-gru.log").read_text()
    assert (
        study.run("dvc", "status", "tune@sales-gru").strip() == "Data and pipelines are up to date."
    )


def test_what_a_module_prints_is_no_answer(clone_at, served, tiny, tmp_path):
    study = clone_at(tmp_path / "clone", tiny)
    study.environment.update(served)
    module = study.folder / "flows/stages/ingest.py"
    module.write_text(module.read_text() + '\nprint("imported")\n')
    study.run("gatewise", "run", "--only", "ingest@sales")
    assert (study.folder / ".gatewise/logs/template.log").read_text() == "imported\n"


def test_library_that_moved_a_module_costs_time_and_no_run(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    template.import_if_there("dvc.moved", "this")
    assert "this" in sys.modules


def test_process_that_cannot_start_is_told_with_its_log(new_study, tiny, template_of):
    study = new_study(tiny)
    template = template_of(study, "flows.stages.none")
    with pytest.raises(StudyError, match="the process that runs stages has ended") as caught:
        run_stage(template, "ingest@sales")
    assert str(template.log) in str(caught.value)
    assert "No module named 'flows.stages.none'" in template.log.read_text()
    with pytest.raises(StudyError, match="has ended"):
        run_stage(template, "ingest@text")


def test_busy_stage_is_tried_again(new_study, served, tiny, held):
    study = new_study(tiny)
    study.environment.update(served)
    logs = study.folder / ".gatewise/logs"
    process = study.start("gatewise", "run", "--only", "prepare@sales")
    wait_for(process, (logs / "ingest@sales.log").exists)
    with held(study, "data/prepared/sales"):
        log = logs / "prepare@sales.log"
        wait_for(process, lambda: log.exists() and "is busy" in log.read_text())
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "2 stages ran" in " ".join(output.split())


def wait_for(process, condition):
    deadline = time.monotonic() + 60
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(process.communicate()[0])
        time.sleep(0.02)
