"""Entries of the store are whole or not there, whatever happens and wherever they are kept."""

import pickle
import threading
from contextlib import suppress
from uuid import uuid4

import pytest
from store_entries import (
    FILES,
    IDENTITY,
    KIND,
    PATH,
    Dead,
    Dying,
    content_of,
    identity_of,
    make_folder,
    taken_from,
)

from flows.trainings.manifest import MANIFEST
from flows.trainings.places import place_of
from flows.trainings.store import Store, StoreConflictError, StoreError


@pytest.fixture(params=["folder", "memory", "sftp"])
def url(request, tmp_path):
    if request.param == "sftp":
        return request.getfixturevalue("sftp_url")
    return {"folder": str(tmp_path / "store"), "memory": f"memory://{uuid4().hex}"}[request.param]


@pytest.fixture
def store(url):
    return Store(url)


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "made", FILES)


@pytest.fixture
def other_folder(tmp_path):
    return make_folder(tmp_path / "other", FILES | {"config.json": b"[]\n"})


def test_what_is_put_is_there_for_everybody_until_it_is_removed(store, url, folder):
    assert not store.has(KIND, IDENTITY)
    assert store.identities(KIND) == []
    store.put(KIND, IDENTITY, folder)
    store.put("prepared", identity_of("data"), folder)
    again = pickle.loads(pickle.dumps(Store(url)))  # noqa: S301
    assert again.has(KIND, IDENTITY)
    assert not again.has("evaluation", IDENTITY)
    assert taken_from(again) == FILES
    assert again.read(KIND, IDENTITY, "a/b.txt") == b"deep"
    assert again.identities(KIND) == [IDENTITY]
    assert again.entry(KIND, IDENTITY).size == sum(map(len, FILES.values()))
    again.remove(KIND, IDENTITY)
    again.remove(KIND, IDENTITY)
    assert not store.has(KIND, IDENTITY)
    assert store.identities(KIND) == []
    assert store.identities("prepared") == [identity_of("data")]


def test_what_was_never_put_is_told(store, tmp_path):
    for ask in (
        lambda: store.get(KIND, IDENTITY, tmp_path / "new"),
        lambda: store.read(KIND, IDENTITY, "config.json"),
        lambda: store.entry(KIND, IDENTITY),
    ):
        with pytest.raises(StoreError, match=f"{PATH} is not in the store"):
            ask()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("identity", ["../../etc", "a" * 63, "A" * 64, "a" * 65, ""])
def test_only_a_digest_is_an_identity(tmp_path, identity):
    with pytest.raises(ValueError, match="no entry of a store"):
        Store(str(tmp_path)).has(KIND, identity)


def test_folder_that_has_files_is_left_as_it_is(store, folder, tmp_path):
    store.put(KIND, IDENTITY, folder)
    taken = make_folder(tmp_path / "taken", {"mine": b"1"})
    with pytest.raises(StoreError, match="has files already"):
        store.get(KIND, IDENTITY, taken)
    assert content_of(taken) == {"mine": b"1"}


@pytest.mark.parametrize("files", [{}, {MANIFEST: b"{}"}, {"back\\slash": b""}])
def test_folder_that_cannot_be_an_entry_is_refused(store, tmp_path, files):
    (tmp_path / "bad").mkdir()
    with pytest.raises(ValueError, match="cannot be an entry"):
        store.put(KIND, IDENTITY, make_folder(tmp_path / "bad", files))
    assert not store.has(KIND, IDENTITY)


@pytest.mark.parametrize("fault", ["cut off", "changed", "removed"])
def test_broken_file_is_never_handed_out(store, url, folder, tmp_path, fault):
    store.put(KIND, IDENTITY, folder)
    name = "weights.safetensors"
    whole, place = FILES[name], place_of(url)
    place.remove(f"{PATH}/{name}")
    if fault != "removed":
        place.write(f"{PATH}/{name}", whole[:-1] if fault == "cut off" else b"x" + whole[1:])
    for ask in (
        lambda: store.get(KIND, IDENTITY, tmp_path / "new"),
        lambda: store.read(KIND, IDENTITY, name),
    ):
        with pytest.raises(StoreError, match=rf"{PATH}/{name} .*`gatewise store verify --fix`"):
            ask()
    assert not (tmp_path / "new").exists()
    assert store.read(KIND, IDENTITY, "config.json") == FILES["config.json"]
    assert store.broken_files(KIND, IDENTITY) == [f"{PATH}/{name}"]
    store.put(KIND, IDENTITY, folder)  # which repairs it
    assert store.broken_files(KIND, IDENTITY) == []
    assert taken_from(store) == FILES


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b'{"config.json": 3}\n',
        b'{"config.json": {"sha256": "%s", "size": -1}}\n' % (b"0" * 64),
        b'{"config.json": {"sha256": "0", "size": 1}}\n',
        b'{"config.json": {"sha256": "%s", "size": 1, "mode": 1}}\n' % (b"0" * 64),
        b'{"../config.json": {"sha256": "%s", "size": 1}}\n' % (b"0" * 64),
        b'{"a/../../config.json": {"sha256": "%s", "size": 1}}\n' % (b"0" * 64),
        b'{"/etc/passwd": {"sha256": "%s", "size": 1}}\n' % (b"0" * 64),
        b'{"a//b": {"sha256": "%s", "size": 1}}\n' % (b"0" * 64),
        b'{"": {"sha256": "%s", "size": 1}}\n' % (b"0" * 64),
        b'{"manifest.json": {"sha256": "%s", "size": 1}}\n' % (b"0" * 64),
    ],
)
@pytest.mark.one_in(3)
def test_entry_without_a_valid_manifest_is_not_there_and_makes_room(store, url, folder, manifest):
    store.put(KIND, IDENTITY, folder)
    place_of(url).write(f"{PATH}/{MANIFEST}", manifest)
    assert not store.has(KIND, IDENTITY)
    assert store.identities(KIND) == []
    with pytest.raises(StoreError, match="is not in the store"):
        taken_from(store)
    store.put(KIND, IDENTITY, folder)
    assert taken_from(store) == FILES


def test_same_bytes_may_be_put_again_and_other_bytes_are_kept_beside(
    store, url, folder, other_folder
):
    store.put(KIND, IDENTITY, folder)
    store.put(KIND, IDENTITY, folder)
    assert store.leftovers(float("inf")) == []
    for _ in range(2):  # the second time, the conflict is there already
        with pytest.raises(StoreConflictError) as told:
            store.put(KIND, IDENTITY, other_folder)
        (kept,) = store.leftovers(float("inf"))
        assert kept in str(told.value)
        assert PATH in str(told.value)
    assert taken_from(store) == FILES
    assert place_of(url).read(f"{kept}/config.json") == b"[]\n"
    store.discard(kept)
    assert store.leftovers(float("inf")) == []
    assert store.identities(KIND) == [IDENTITY]


class Meddled:
    """A place where something happens before each operation of some name."""

    def __init__(self, place, name, happens):
        self._place, self._name, self._happens = place, name, happens

    def __getattr__(self, name):
        if name == self._name:
            self._happens()
        return getattr(self._place, name)


def met_by_another(url, step, folder):
    """A store in which another process puts a folder before the first operation of some name."""
    store, waiting = Store(url), [folder]

    def other_writer():
        if waiting:
            Store(url).put(KIND, IDENTITY, waiting.pop())

    store._place = Meddled(store._place, step, other_writer)
    return store


@pytest.mark.parametrize("step", ["upload", "write", "rename"])
def test_another_writer_of_the_same_bytes_does_no_harm(url, folder, step):
    met_by_another(url, step, folder).put(KIND, IDENTITY, folder)
    assert taken_from(Store(url)) == FILES
    assert Store(url).leftovers(float("inf")) == []


@pytest.mark.parametrize("lasts", range(1, 7))
def test_another_writer_that_dies_meanwhile_does_no_harm(url, folder, lasts):
    store = Store(url)

    def other_writer():
        other = Store(url)
        other._place = Dying(other._place, lasts, halves=False)
        with suppress(Dead):
            other.put(KIND, IDENTITY, folder)

    store._place = Meddled(store._place, "write", other_writer)
    store.put(KIND, IDENTITY, folder)
    assert taken_from(Store(url)) == FILES


@pytest.mark.parametrize("step", ["upload", "write", "rename"])
def test_another_writer_of_other_bytes_is_told_or_breaks_the_entry(url, folder, other_folder, step):
    store = met_by_another(url, step, other_folder)
    if store._place.renames:
        with pytest.raises(StoreConflictError):
            store.put(KIND, IDENTITY, folder)
        assert taken_from(store) == content_of(other_folder)
    else:  # it cannot keep both; a mixture is not read
        store.put(KIND, IDENTITY, folder)
        assert store.broken_files(KIND, IDENTITY) or taken_from(store) == FILES


def test_many_writers_of_the_same_bytes_at_once(url, folder):
    faults = []

    def write():
        try:
            for name in range(3):
                store.put(KIND, identity_of(name), folder)
        except StoreError as error:
            faults.append(error)

    store = Store(url)
    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert all(taken_from(store, identity_of(name)) == FILES for name in range(3))
    assert store.leftovers(float("inf")) == []


def test_reader_that_is_interrupted_leaves_no_half_folder(store, folder, tmp_path):
    store.put(KIND, IDENTITY, folder)
    calls = []

    def stop_at_the_third():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    store._place = Meddled(store._place, "download", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        store.get(KIND, IDENTITY, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert taken_from(store) == FILES
