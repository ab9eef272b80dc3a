"""Places of a store: addresses, connections, and errors if one cannot be used."""

import hashlib
import shutil
import sys
from pathlib import Path

import pytest

from flows.layout import Layout
from flows.trainings.manifest import MANIFEST
from flows.trainings.store import Store, StoreError, open_store

KIND = "training"
IDENTITY, OTHER = (hashlib.sha256(name).hexdigest() for name in (b"gru", b"lstm"))
FILES = {"config.json": b"{}\n", "weights.safetensors": bytes(range(256)) * 40}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "made").mkdir()
    for name, content in FILES.items():
        (tmp_path / "made" / name).write_bytes(content)
    return tmp_path / "made"


def taken_from(store, identity=IDENTITY):
    return {name: store.read(KIND, identity, name) for name in FILES}


def test_folders_that_another_process_makes_first_are_no_fault(
    sftp_server, sftp_url, folder, monkeypatch
):
    from flows.trainings.places.sftp import Sftp

    look = Sftp.isdir

    def look_and_make(files, path):
        found = look(files, path)
        (sftp_server.folder / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        return found

    store = Store(sftp_url)
    with monkeypatch.context() as patch:
        patch.setattr(Sftp, "isdir", look_and_make)
        store.put(KIND, IDENTITY, folder)
    assert taken_from(store) == FILES


def test_lost_connection_is_made_again(sftp_server, sftp_url, folder):
    store = Store(sftp_url)
    store.put(KIND, IDENTITY, folder)
    sftp_server.drop_connections()
    assert store.has(KIND, IDENTITY)
    sftp_server.drop_connections()
    store.put(KIND, OTHER, folder)
    assert taken_from(store, OTHER) == FILES


def test_host_whose_key_has_changed_is_refused(sftp_server, sftp_url, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    known, host = tmp_path / ".ssh/known_hosts", f"[127.0.0.1]:{sftp_server.port}"
    known.write_text(f"{host} {sftp_server.public_key}")
    assert not Store(sftp_url).has(KIND, IDENTITY)
    known.write_text(f"{host} {sftp_server.new_key()}")
    with pytest.raises(StoreError, match=r"cannot be used: .*key"):
        Store(sftp_url)


@pytest.mark.parametrize(
    "address",
    [
        "sftp://ada:hunter2@127.0.0.1:PORT/x",
        "sftp://ada:hun/ter2@127.0.0.1:PORT/x",
        "sftp://ada:hun@ter2@127.0.0.1:PORT/x",
        "sftp://ada:12/hunter2@127.0.0.1:PORT/x",
        "sftp://ada:hunter2@127.0.0.1:1/x",
        "sfpt://ada:hunter2@127.0.0.1/x",
        "sftp://127.0.0.1:many/x",
        "sftp:///x",
    ],
)
def test_store_that_cannot_be_reached_is_told_without_the_login(sftp_server, monkeypatch, address):
    monkeypatch.setenv("GATEWISE_STORE", address.replace("PORT", str(sftp_server.port)))
    with pytest.raises(StoreError, match="GATEWISE_STORE") as told:
        open_store(Layout())
    text = str(told.value)
    assert not [secret for secret in ("ada", "hun", "ter2") if secret in text], text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("url", "driver"), [("sftp://ada:hunter2@host/x", "paramiko"), ("s3://bucket/x", "s3fs")]
)
def test_driver_that_is_not_installed_is_named(monkeypatch, url, driver):
    for module in [name for name in sys.modules if name.endswith((".sftp", "s3fs"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(StoreError, match=rf"not installed: .*{driver}.*GATEWISE_STORE") as told:
        Store(url)
    assert "hunter2" not in str(told.value)


def test_full_disk_and_lacking_permission_are_told(tmp_path, folder):
    (tmp_path / "file").touch()
    store = Store(str(tmp_path / "file/store"))
    assert not store.has(KIND, IDENTITY)
    with pytest.raises(StoreError, match=r"cannot be used: .*GATEWISE_STORE"):
        store.put(KIND, IDENTITY, folder)


def test_store_is_the_studys_own_unless_another_is_set(tmp_path, folder, monkeypatch):
    monkeypatch.delenv("GATEWISE_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    own = open_store(Layout(Path("study")))
    monkeypatch.chdir("/")
    own.put(KIND, IDENTITY, folder)
    assert (tmp_path / "study/.gatewise/store" / KIND / IDENTITY[:2] / IDENTITY / MANIFEST).exists()
    for url in (f"{tmp_path}/shared", f"file://{tmp_path}/shared"):
        monkeypatch.setenv("GATEWISE_STORE", url)
        shared = open_store(Layout(tmp_path / "study"))
        assert not shared.has(KIND, IDENTITY)
        shared.put(KIND, IDENTITY, folder)
        shutil.rmtree(tmp_path / "shared")
    monkeypatch.setenv("GATEWISE_STORE", "shared")
    with pytest.raises(StoreError, match="whole path"):
        open_store(Layout(tmp_path / "study"))


def test_password_is_in_no_picture_of_a_store(sftp_url):
    assert "127.0.0.1" in repr(Store(sftp_url))
    assert not [secret for secret in ("s3cret", "word", "ada") if secret in repr(Store(sftp_url))]
