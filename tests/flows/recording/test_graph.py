"""DVC's graph, and its lock files after a kill."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Timer

import pytest
import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA

from flows.layout import Layout
from flows.recording import graph
from flows.recording.graph import Graph, guard_lock_files, read_lock
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


def test_failed_dvc_names_the_folder_and_the_cause(layout):
    with pytest.raises(StudyError, match=r"dvc dag failed in .*: ERROR: .* repository"):
        graph.read_graph(layout)


def test_stale_stages_are_told_once_another_dvc_has_ended(new_study, tiny, held):
    study = new_study(tiny)
    with ThreadPoolExecutor() as pool:
        with held(study, "data/raw/sales"):
            stale = pool.submit(graph.stale_stages, Layout(study.folder))
            time.sleep(2)
        assert {"ingest@sales", "report"} <= stale.result()
