"""DVC's graph, its lock files after a kill, and what is told of a stage that fails."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Timer

import pytest
import yaml
from dvc.fs import localfs
from dvc.rwlock import rwlock
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from prefect.states import Failed

from flows import graph, quick_dvc
from flows.execution import is_busy
from flows.graph import Graph, StageBusyError, failure_cause, guard_lock_files, read_lock
from flows.layout import REPOSITORY, Layout
from rnn_core.errors import StudyError

DIAMOND = Graph(
    {
        "ingest": (),
        "notes": (),
        "prepare": ("ingest",),
        "train@a": ("prepare",),
        "train@b": ("prepare",),
        "compare": ("train@a", "train@b"),
        "report": ("compare", "notes"),
    }
)

STAGE = {
    "cmd": "gatewise ingest sales",
    "deps": [{"path": "sales.csv", "hash": "md5", "md5": "0" * 32, "size": 5362}],
    "params": {"params.yaml": {"datasets.sales.source": "sales.csv"}},
    "outs": [{"path": "data/raw/sales", "hash": "md5", "md5": f"{'1' * 32}.dir", "size": 5362}],
}


def lock_of(*stages):
    content = {"schema": "2.0", "stages": dict.fromkeys(stages, STAGE)}

    class Plain(yaml.SafeDumper):
        """As DVC writes it, without references."""

        def ignore_aliases(self, data):
            return True

    return yaml.dump(content, Dumper=Plain, sort_keys=False).encode()


LOCK = lock_of("ingest@sales", "ingest@text")


@pytest.fixture
def layout(tmp_path):
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    return Layout(tmp_path)


def test_above_is_all_that_stages_wait_for():
    assert DIAMOND.above({"train@a"}) == {"train@a", "prepare", "ingest"}
    assert DIAMOND.above({"report"}) == set(DIAMOND.upstream)
    assert DIAMOND.above({"ingest", "notes"}) == {"ingest", "notes"}
    assert DIAMOND.above(set()) == set()


def test_below_is_all_that_waits_for_stages():
    assert DIAMOND.below({"train@b"}) == {"train@b", "compare", "report"}
    assert DIAMOND.below({"ingest"}) == set(DIAMOND.upstream) - {"notes"}
    assert DIAMOND.below({"notes", "train@a"}) == {"notes", "train@a", "compare", "report"}
    assert DIAMOND.below(set()) == set()


@pytest.fixture
def nobody_writes(monkeypatch):
    """What is cut off stays so."""
    monkeypatch.setattr(graph, "WRITE_SECONDS", 0.0)


def test_lock_is_read_once_it_is_written(layout):
    """DVC empties the file and fills it again."""
    lock = layout.folder / "dvc.lock"
    lock.write_bytes(b"")
    writer = Timer(0.2, lambda: lock.write_bytes(LOCK))
    writer.start()
    assert read_lock(layout) == LOCK
    writer.join()
    assert guard_lock_files(layout) == []


def test_whole_lock_files_are_untouched(layout):
    lock, table = layout.folder / "dvc.lock", layout.folder / ".dvc/tmp/rwlock"
    table_bytes = b'{"write": {}, "read": {}}'
    for content in (LOCK, lock_of("ingest@sales")):
        lock.write_bytes(content)
        table.write_bytes(table_bytes)
        assert guard_lock_files(layout) == []
        assert lock.read_bytes() == content
        assert table.read_bytes() == table_bytes


def test_study_without_lock_files_is_left_alone(layout):
    before = sorted(layout.folder.rglob("*"))
    assert guard_lock_files(layout) == []
    assert sorted(layout.folder.rglob("*")) == before


@pytest.mark.usefixtures("nobody_writes")
def test_cut_off_lock_goes_back_to_the_last_whole_one(layout):
    """Wherever it is cut within a line; at a line's end it must still be one for DVC."""
    lock = layout.folder / "dvc.lock"
    lock.write_bytes(LOCK)
    guard_lock_files(layout)
    for end in [0, 5, 20, *range(LOCK.index(b"ingest@text"), len(LOCK))]:
        lock.write_bytes(LOCK[:end])
        mended = guard_lock_files(layout)
        if lock.read_bytes() == LOCK:
            assert any("dvc.lock" in line for line in mended)
        else:
            assert LOCK[:end].endswith(b"\n"), LOCK[:end][-40:]
            COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(lock.read_bytes()))
            lock.write_bytes(LOCK)
            guard_lock_files(layout)


@pytest.mark.usefixtures("nobody_writes")
def test_cut_off_lock_without_a_whole_one_is_removed(layout):
    lock = layout.folder / "dvc.lock"
    lock.write_bytes(LOCK[:200])
    mended = guard_lock_files(layout)
    assert not lock.exists()
    assert len(mended) == 1
    assert "dvc.lock" in mended[0]
    assert guard_lock_files(layout) == []


@pytest.mark.usefixtures("nobody_writes")
@pytest.mark.parametrize("left", [b'{"write": {"/data": {"pid": 1', b"{", b""])
def test_cut_off_lock_table_is_removed(layout, left):
    """Also an empty one: DVC empties the file before it writes, and cannot read it so."""
    table = layout.folder / ".dvc/tmp/rwlock"
    table.write_bytes(left)
    mended = guard_lock_files(layout)
    assert not table.exists()
    assert len(mended) == 1


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


def test_failed_dvc_names_the_folder_and_the_cause(layout):
    with pytest.raises(StudyError, match=r"dvc dag failed in .*: ERROR: .* repository"):
        graph.read_graph(layout)


@contextmanager
def held(study, path):
    """Hold a path in DVC's lock table as a `dvc repro` of this process would."""
    table = study.folder / ".dvc/tmp"
    with rwlock(str(table), localfs, "dvc repro", [], [str(study.folder / path)], False):
        yield


def test_stage_that_another_dvc_holds_is_busy_and_not_broken(new_study, tiny):
    study, started = new_study(tiny), []
    with (
        held(study, "data/raw/sales"),
        pytest.raises(StageBusyError, match=rf"(?s)ingest@sales: .*busy.*{os.getpid()}") as caught,
    ):
        graph.run_stage(Layout(study.folder), "ingest@sales", started.append)
    assert is_busy(None, None, Failed(data=caught.value))
    assert not is_busy(None, None, Failed(data=StudyError("ingest@sales: no such file")))
    assert graph.run_stage(Layout(study.folder), "ingest@sales", started.append) == "ran"
    assert [process.returncode == 0 for process in started] == [False, True]


def test_stale_stages_are_told_once_another_dvc_has_ended(new_study, tiny):
    study = new_study(tiny)
    with ThreadPoolExecutor() as pool:
        with held(study, "data/raw/sales"):
            stale = pool.submit(graph.stale_stages, Layout(study.folder))
            time.sleep(2)
        assert {"ingest@sales", "report"} <= stale.result()


def test_busy_stage_is_tried_again(new_study, tiny):
    study = new_study(tiny)
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


def test_lock_is_changed_as_dvc_changes_it(tmp_path, monkeypatch):
    """To the byte; of the lock with most that there is."""
    from dvc.utils.serialize import _yaml

    new = {"cmd": "exec x", "params": {"params.yaml": {"a": 1e-05, "b": "1e3", "c": "no"}}}
    written = []
    for quick in (False, True):
        lock = tmp_path / str(quick) / "dvc.lock"
        lock.parent.mkdir()
        shutil.copy(REPOSITORY / "dvc.lock", lock)
        monkeypatch.setattr(_yaml, "parse_yaml_for_update", _yaml.parse_yaml_for_update)
        if quick:
            quick_dvc.read_locks_quickly()
        for _ in range(2):
            with _yaml.modify_yaml(lock) as content:
                content["stages"]["train@co2-new"] = new
        written.append(lock.read_bytes())
    assert written[0] == written[1]
    assert b"train@co2-new" in written[0]


def test_comments_of_other_files_survive(tmp_path, monkeypatch):
    from dvc.utils.serialize import _yaml

    monkeypatch.setattr(_yaml, "parse_yaml_for_update", _yaml.parse_yaml_for_update)
    quick_dvc.read_locks_quickly()
    file = tmp_path / "dvc.yaml"
    file.write_text("a: 1  # why\n")
    with _yaml.modify_yaml(file) as content:
        content["b"] = 2
    assert file.read_text() == "a: 1  # why\nb: 2\n"
