"""The file of fingerprints: what it holds, and where it does not match the code."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from fingerprints import REPOSITORY, edit

from flows.layout import Layout
from flows.stages import code
from rnn_core.errors import StudyError


@pytest.fixture
def study(tmp_path):
    shutil.copy(REPOSITORY / "params.yaml", tmp_path)
    edit(tmp_path / "params.yaml", "rnn_core/sources", f"{REPOSITORY}/rnn_core/sources")
    return Layout(tmp_path)


def test_file_that_says_the_same_is_left_as_it_is(study):
    code.code(study)
    file = study.code.stat()
    code.code(study)
    assert study.code.stat().st_mtime_ns == file.st_mtime_ns
    assert study.code.stat().st_ino == file.st_ino


def test_file_is_sorted_json_by_stage_and_dataset(study, before):
    code.code(study)
    text = study.code.read_text()
    content = json.loads(text)
    assert text == json.dumps(content, indent=2, sort_keys=True) + "\n"
    assert content["train"]["co2"]["cells"]["lstm"] == before["train.co2.cells.lstm"]
    assert content["ingest"]["co2"] == before["ingest.co2"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"report": "x"}, {"report"}),
        ({"train": {"co2": {"cells": {"gru": "x"}}}, "more": "x"}, {"train.co2.cells.gru", "more"}),
    ],
)
def test_check_names_the_keys_that_differ_and_the_command(study, content, named):
    def merged(there, new):
        return {
            key: merged(there.get(key, {}), new.get(key, there.get(key)))
            if isinstance(new.get(key), dict)
            else new.get(key, there.get(key))
            for key in {*there, *new}
        }

    code.code(study)
    code.check(study)
    study.code.write_text(json.dumps(merged(json.loads(study.code.read_text()), content)))
    with pytest.raises(StudyError, match="run `gatewise code`") as found:
        code.check(study)
    said = str(found.value).partition(" for ")[2].partition(";")[0]
    assert set(said.split(", ")) == named


@pytest.mark.parametrize("content", [None, "", "[]", "{"])
def test_file_that_is_missing_or_broken_is_refused_and_written_anew(study, content):
    if content is not None:
        study.code.write_text(content)
    stages = "compare, evaluate, gpu, ingest, prepare, report, train"
    with pytest.raises(StudyError, match=f"is out of date for {stages}; run `gatewise code`$"):
        code.check(study)
    code.code(study)
    code.check(study)


def gatewise(study, *arguments):
    """Run the command line in a study's folder."""
    program = "from flows.commands.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=study.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_writes_the_file_and_checks_it(study):
    missing = gatewise(study, "code", "--check")
    assert (missing.returncode, study.code.exists()) == (1, False)
    assert missing.stderr.startswith("error: code.json is out of date for compare, ")
    assert gatewise(study, "code").returncode == 0
    assert gatewise(study, "code", "--check").returncode == 0
    edit(study.code, '"report": "', '"report": "0')
    wrong = gatewise(study, "code", "--check")
    told = "error: code.json is out of date for report; run `gatewise code`\n"
    assert (wrong.returncode, wrong.stderr) == (1, told)
