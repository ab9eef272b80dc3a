"""The command line as its user meets it: what goes wrong is one line that says what to do."""

import shutil
import socket
import sys
import time
from contextlib import closing, nullcontext

import pytest
import yaml
from usual_study import USUAL

from flows.commands import main as cli
from flows.commands import stage
from flows.commands.front.failures import told
from flows.layout import Layout
from rnn_core.errors import DataError, StudyError
from rnn_core.readers.faults import Faults
from rnn_core.sources import download
from rnn_core.sources.tinyshakespeare import SOURCE as TINYSHAKESPEARE

TRAINING = {"epochs": 1, "batch_size": 8}
PARAMETERS = {
    **USUAL,
    "study": "small",
    "seeds": {"first": 1, "most": 1},
    "cells": ["memoryless", "gru"],
    "datasets": {
        "sales": {
            "source": "sales.csv",
            "task": "forecasting",
            "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
            "model": {"hidden_size": 4},
            "training": TRAINING,
        },
        "text": {
            "source": "text",
            "task": "text_generation",
            "data": {},
            "model": {"hidden_size": 8, "embedding_size": 4, "sequence_length": 16},
            "training": TRAINING,
        },
        "digits": {
            "source": "digits",
            "task": "speech_recognition",
            "data": {"split_by": "speaker", "validation": ["voice01"], "test": ["voice02"]},
            "model": {"hidden_size": 4},
            "training": TRAINING,
        },
    },
}


def one_line(output):
    """The text of an error that is all there is to read."""
    assert output.startswith("error: "), output
    assert output.count("\n") == 1, output
    assert output.endswith("\n"), output
    return output.removeprefix("error: ").rstrip("\n")


def changed(content, place, value):
    """Parameters with a value put, or a key taken away, at a place such as "cells"."""
    content = yaml.safe_load(yaml.safe_dump(content))
    *way, last = place.split(".")
    section = content
    for step in way:
        section = section[step]
    if value is None:
        del section[last]
    else:
        section[last] = value
    return content


@pytest.fixture(scope="module")
def place(study_at, tmp_path_factory):
    """A study for mistakes, which no stage survives."""
    return study_at(tmp_path_factory.mktemp("mistakes") / "studies/study", PARAMETERS)


@pytest.fixture
def study(place):
    """The study of the module as it was at first."""
    root = place.parameters()["root"]
    place.write_parameters({"root": root} | PARAMETERS)
    shutil.rmtree(place.folder / "data", ignore_errors=True)
    yield place
    place.write_parameters({"root": root} | PARAMETERS)


@pytest.fixture
def gatewise(study, here, monkeypatch, capfd):
    """Calls the command line in this process, for commands that must fail."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["gatewise", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 1
        return one_line("".join(capfd.readouterr()))

    def no_exit(code):
        raise AssertionError("the command succeeded")

    monkeypatch.chdir(study.folder)
    monkeypatch.setattr(stage, "die_with_parent", lambda: None)
    monkeypatch.setattr(stage.os, "_exit", no_exit)
    monkeypatch.setattr("flows.trainings.crew.local_crew", lambda *_: nullcontext(here))
    for library in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.setenv(f"{library}_NUM_THREADS", "1")
    return call


MISTAKES = {
    "cell": ("cells", ["grru"], "cells: unknown cell 'grru'; did you mean 'gru'?"),
    "task": (
        "datasets.sales.task",
        "forcasting",
        "datasets.sales.task: unknown task 'forcasting'; did you mean 'forecasting'?",
    ),
    "source": (
        "datasets.sales.source",
        "nowhere.csv",
        "datasets.sales.source: there is no nowhere.csv",
    ),
    "key": ("seed", [1], "unknown key 'seed'; did you mean 'seeds'?"),
    "key of a dataset": (
        "datasets.sales.modle",
        {},
        "datasets.sales: unknown key 'modle'; did you mean 'model'?",
    ),
    "key of data": (
        "datasets.sales.data.lookbak",
        3,
        "datasets.sales.data: unknown key 'lookbak'; did you mean 'lookback'?",
    ),
    "key of model": (
        "datasets.sales.model.hiden_size",
        3,
        "datasets.sales.model: unknown key 'hiden_size'; did you mean 'hidden_size'?",
    ),
    "key of training": (
        "datasets.sales.training.epohcs",
        3,
        "datasets.sales.training: unknown key 'epohcs'; did you mean 'epochs'?",
    ),
    "range of data": (
        "datasets.sales.data.horizon",
        0,
        "datasets.sales.data: lookback and horizon must be at least 1",
    ),
    "range of model": (
        "datasets.sales.model.dropout",
        1.5,
        "datasets.sales.model: dropout must be in [0, 1), not 1.5",
    ),
    "range of training": (
        "datasets.sales.training.learning_rate",
        -1,
        "datasets.sales.training: learning_rate and clip_norm must be above 0",
    ),
    "choice": ("device", "gpu", "device: must be 'auto', 'cpu' or 'cuda', not 'gpu'"),
    "missing": ("seeds", None, "seeds missing, which dvc.yaml reads; add `seeds: ...`"),
}
STAGES = {"data": ["prepare", "sales"], "model": ["train", "sales"]}
STAGES["training"] = STAGES["model"]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_params_is_told_by_the_stage_that_meets_it(study, gatewise, mistake):
    where, value, message = MISTAKES[mistake]
    study.write_parameters(changed(study.parameters(), where, value))
    command = STAGES.get(mistake.rpartition(" ")[2], ["ingest", "sales"])
    assert gatewise(*command) == f"params.yaml: {message}"


def test_stage_that_fails_says_so_in_a_line_and_leaves_nothing(study):
    study.write_parameters(changed(study.parameters(), "datasets.sales.source", "nowhere.csv"))
    told = one_line(study.run("gatewise", "ingest", "sales", code=1))
    assert told == "params.yaml: datasets.sales.source: there is no nowhere.csv"
    assert not Layout(study.folder).raw("sales").exists()


def test_mistake_is_told_the_same_way_by_every_command(study):
    study.write_parameters(changed(study.parameters(), "cells", ["grru"]))
    message = "params.yaml: cells: unknown cell 'grru'; did you mean 'gru'?"
    for command in (["ingest", "sales"], ["run"], ["status"], ["prune"]):
        assert one_line(study.run("gatewise", *command, code=1)) == message


def test_dataset_that_is_not_in_params_is_named_with_the_nearest(study):
    told = one_line(study.run("gatewise", "ingest", "slaes", code=1))
    assert told == "params.yaml: unknown dataset 'slaes'; did you mean 'sales'?"


def test_folder_without_params_is_no_study(study, tmp_path):
    for command in ("run", "status", "prune"):
        told = one_line(study.run("gatewise", command, str(tmp_path), code=1))
        assert told.endswith("a study is a folder with one; `gatewise new` makes one")
        assert tmp_path.name in told


def test_syntax_error_in_params_is_told_with_its_line(study):
    text = (study.folder / "params.yaml").read_text().replace("seeds:", "seeds: [")
    (study.folder / "params.yaml").write_text(text)
    line = text[: text.index("seeds: [")].count("\n") + 1
    told = one_line(study.run("gatewise", "ingest", "sales", code=1))
    assert told.startswith("params.yaml, line ")
    assert "is not YAML" in told
    assert line <= int(told.split("line ")[1].split()[0]) <= line + 2


@pytest.fixture
def plays(study):
    """The study with a source that is downloaded."""
    root = study.parameters()["root"]
    source = f"{root}/rnn_core/sources/tinyshakespeare.py"
    study.write_parameters(changed(study.parameters(), "datasets.text.source", source))
    return study


def test_download_without_network_names_the_file_and_the_mirror(plays, gatewise, monkeypatch):
    waits = []
    monkeypatch.setattr(download.time, "sleep", waits.append)
    monkeypatch.delenv(download.MIRROR_VARIABLE, raising=False)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        closed = server.getsockname()[1]
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed}")
        monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{closed}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    started = time.monotonic()
    told = gatewise("ingest", "text")
    assert time.monotonic() - started < 5
    assert sum(waits) <= 10
    assert TINYSHAKESPEARE.files[0].url in told
    assert "check the network, or set GATEWISE_MIRROR" in told
    assert not Layout(plays.folder).raw("text").exists()


def test_wrong_file_in_the_mirror_is_refused_and_left_nowhere(plays, tmp_path):
    url = TINYSHAKESPEARE.files[0].url
    copy = tmp_path / url.removeprefix("https://")
    copy.parent.mkdir(parents=True)
    copy.write_text("First Citizen:\n")
    plays.environment[download.MIRROR_VARIABLE] = str(tmp_path)
    try:
        told = one_line(plays.run("gatewise", "ingest", "text", code=1))
    finally:
        del plays.environment[download.MIRROR_VARIABLE]
    assert told.startswith(f"{url} has 15 bytes with SHA-256 ")
    assert TINYSHAKESPEARE.files[0].sha256 in told
    layout = Layout(plays.folder)
    assert not layout.raw("text").exists()
    assert not layout.raw("text").parent.exists() or not any(layout.raw("text").parent.iterdir())
    assert not any(layout.scratch.iterdir())


ROWS = "".join(f"2024-01-{day:02d},{day}\n" for day in range(1, 31))
TABLES = {
    "no target column": (
        "date,z\n" + ROWS,
        "sales.csv: unknown column 'y'; known: z",
    ),
    "no number": (
        ("date,y\n" + ROWS).replace("-03,3", "-03,many"),
        "sales.csv, row 4, column 'y': 'many' is not a number",
    ),
    "gap": (
        ("date,y\n" + ROWS).replace("-07,7\n", "-07,\n"),
        "sales.csv, row 8, column 'y' has no value; fill it, or set data.missing to fill",
    ),
    "dates out of order": (
        ("date,y\n" + ROWS).replace("-09,", "-01,"),
        "sales.csv, row 10: 2024-01-01 does not come after the row before; sort the table",
    ),
    "ragged": (
        "date,y\n" + ROWS.replace("-05,5", "-05,5,5"),
        "sales.csv, row 6 has 3 fields, and row 1 has 2 column names",
    ),
    "empty": ("", "sales.csv is not a readable table"),
}


@pytest.mark.parametrize("flaw", TABLES)
def test_flaw_of_a_table_is_told_with_its_place(study, gatewise, flaw):
    content, message = TABLES[flaw]
    raw = Layout(study.folder).raw("sales")
    raw.mkdir(parents=True)
    (raw / "sales.csv").write_text(content)
    told = gatewise("prepare", "sales")
    assert message in told
    assert not Layout(study.folder).prepared("sales").exists()


def cut_off(folder):
    file = folder / "3_voice00_0.wav"
    file.write_bytes(file.read_bytes()[:1000])
    return "3_voice00_0.wav announces"


def no_wav(folder):
    (folder / "3_voice00_0.wav").write_bytes(b"ID3\x04 this is no wav file")
    return "3_voice00_0.wav is broken, or cut off"


def other_name(folder):
    (folder / "3_voice00_0.wav").rename(folder / "three.wav")
    return "three.wav"


@pytest.mark.parametrize("spoil", [cut_off, no_wav, other_name])
def test_flaw_of_a_recording_is_told_with_its_file(study, gatewise, spoil):
    raw = Layout(study.folder).raw("digits")
    shutil.copytree(study.folder / "digits", raw)
    message = spoil(raw)
    assert message in gatewise("prepare", "digits")
    assert not Layout(study.folder).prepared("digits").exists()


def test_text_that_is_not_utf_8_is_told_with_the_byte(study, gatewise):
    raw = Layout(study.folder).raw("text")
    raw.mkdir(parents=True)
    (raw / "text.txt").write_bytes("caf\u00e9".encode("latin-1"))
    assert gatewise("prepare", "text").startswith("text.txt, line 1 is not UTF-8")


def test_stage_before_its_upstream_says_what_to_do(gatewise):
    told = gatewise("train", "sales")
    assert told == "data/prepared/sales/meta.json is missing; run the stage that makes it"


def files(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_prune_removes_exactly_what_params_does_not_name(study):
    layout = Layout(study.folder)
    outputs = (layout.raw, layout.prepared, layout.runs, layout.evaluations)
    kept = [folder("sales") for folder in outputs]
    kept += [layout.reports, layout.store / "training/ha/hash"]
    gone = [folder("old") for folder in outputs]
    gone += [layout.training / "hash"]
    for folder in kept + gone:
        folder.mkdir(parents=True)
        (folder / "file").touch()
    layout.comparison("sales").parent.mkdir()
    layout.comparison("sales").touch()
    layout.locks.mkdir(exist_ok=True)
    (layout.locks / "flow.lock").touch()
    (layout.raw("sales").parent / ".gitignore").touch()  # as DVC does
    before = files(study.folder)
    layout.comparison("old").touch()
    study.run("gatewise", "prune")
    assert files(study.folder) == before - {
        (folder / "file").relative_to(study.folder).as_posix() for folder in gone
    }
    assert not any(folder.exists() for folder in gone)
    assert study.run("gatewise", "prune") == ""


def test_several_faults_stay_lines_of_their_own():
    faults = Faults()
    faults.add("a.wav is silent", "record it again")
    faults.add("b.wav is silent", "record it again")
    with pytest.raises(DataError) as caught:
        faults.check()
    lines = [
        "2 faults",
        "  a.wav is silent",
        "  b.wav is silent",
        "    what to do: record it again",
    ]
    assert told(caught.value).splitlines() == lines
    assert told(StudyError(f"prepare@words: {caught.value}")).splitlines()[1:] == lines[1:]
    assert told(StudyError("a library's\n   own  lines")) == "a library's own lines"
