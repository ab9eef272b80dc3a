"""The flow, as far as no whole run is needed to see it."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows import study as flow
from flows.layout import Layout
from flows.running.display import Display
from flows.running.execution import StageTime
from flows.running.workshop import Workshop
from flows.study import StudyRun, tell
from rnn_core.errors import StudyError
from rnn_core.study import read_study

REPOSITORY = Path(__file__).parents[2]


def test_run_that_was_cancelled_before_it_had_workers_gets_none(new_study, tiny):
    layout = Layout(new_study(tiny).folder)
    with ExitStack() as stack:
        workshop = Workshop(layout, 1, None, stack)
        workshop.cancel()
        with pytest.raises(StudyError, match="cancelled"):
            workshop.crew(read_study(layout.folder), Display(1))


def test_run_tells_of_what_it_was_asked_for_beside_comparisons_of_an_older_version(
    tmp_path, monkeypatch
):
    told = []
    monkeypatch.setattr(
        flow, "create_markdown_artifact", lambda text, key: told.append((key, text))
    )
    monkeypatch.setattr(flow, "write_timings", lambda *_: None)
    layout = Layout(tmp_path)
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    (tmp_path / "rnn_core").symlink_to(REPOSITORY / "rnn_core")
    shutil.copytree(REPOSITORY / "comparisons", tmp_path / "comparisons")
    layout.comparison("co2").write_text('{"decision": {"status": "provisional"}}')
    run = StudyRun(stages=[StageTime("compare@sums", 1.0)], cached=["compare@agreement", "code"])
    tell(layout, run)
    ((key, text),) = told
    assert key == "study-sample"
    assert all(name in text for name in ("sums", "agreement"))
    assert not any(name in text for name in ("co2", "reviews", "numbers"))
