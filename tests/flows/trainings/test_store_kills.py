"""Entries of the store are whole or not there, though whoever writes them is killed."""

import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_entries import KIND, Dead, Dying, identity_of, make_folder, taken_from

from flows.trainings.store import Store, StoreConflictError

VERSIONS = [{"config.json": b"%d" % version, "b": b"same" * 9} for version in range(2)]
NUMBERS = st.sampled_from([0, 0, 1])
STEPS = st.one_of(
    st.tuples(st.just("put"), NUMBERS, NUMBERS, st.none() | st.integers(1, 8)),
    st.tuples(st.just("remove"), NUMBERS, st.just(0), st.none() | st.integers(1, 2)),
)


@pytest.mark.parametrize("where", ["folder", "memory"])
@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEPS, max_size=6))
def test_kills_at_any_operation_leave_whole_entries_or_none(where, steps):
    with TemporaryDirectory() as top:
        url = f"{top}/store" if where == "folder" else f"memory://{uuid4().hex}"
        sources = [make_folder(Path(top) / f"v{i}", files) for i, files in enumerate(VERSIONS)]
        known = {}
        for action, number, version, lasts in steps:
            identity, before = identity_of(number), known.get(number)
            store = Store(url)
            if lasts is not None:
                store._place = Dying(store._place, lasts)
            try:
                if action == "remove":
                    store.remove(KIND, identity)
                    ended = {None}
                else:
                    store.put(KIND, identity, sources[version])
                    ended = {version}
            except StoreConflictError:
                ended = {before}
                assert before is not None
                assert before != version
            except Dead:
                ended = {before, None} if action == "remove" else {before, version}
            now = Store(url)
            has = taken_from(now, identity) if now.has(KIND, identity) else None
            known[number] = VERSIONS.index(has) if has is not None else None
            assert known[number] in ended
            assert sorted(now.identities(KIND)) == sorted(
                identity_of(n) for n, v in known.items() if v is not None
            )


WRITER = """
import hashlib, sys
from pathlib import Path
from flows.system.bound import die_with_parent
from flows.trainings.store import Store
die_with_parent()
store, place = Store(sys.argv[1]), Path(sys.argv[2])
for number in range(10_000):
    folder = place / str(number)
    folder.mkdir(parents=True)
    for name in "abcdef":
        (folder / name).write_bytes(f"{name} {number}".encode() * 1000)
    identity = hashlib.sha256(f"{sys.argv[3]} {number}".encode()).hexdigest()
    store.put("training", identity, folder)
    print(identity, flush=True)
"""


def test_store_of_a_writer_that_is_killed_has_whole_entries_only(tmp_path):
    store, put = Store(str(tmp_path / "store")), []
    for turn in range(10):
        arguments = (str(tmp_path / "store"), str(tmp_path / f"made-{turn}"), str(turn))
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True
        ) as writer:
            put += [writer.stdout.readline().strip() for _ in range(turn + 1)]
            writer.send_signal(signal.SIGKILL)
            put += writer.stdout.read().split()
    there = store.identities(KIND)
    assert set(put) <= set(there)
    for identity in there:
        assert sorted(taken_from(store, identity)) == list("abcdef")
        assert store.broken_files(KIND, identity) == []
