"""Whom files of the cache are taken from, and what stands in for a cache that is not to be used."""

import os
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from rnn_core import cache

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache that is not there yet, and no folder of this process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cache, "PRIVATE", {})
    yield tmp_path / "home" / "gatewise"
    cache.remove_private_folder(os.getpid())


def test_what_is_written_is_found_and_nobody_else_can_write_it(home):
    assert cache.read("a.form") is None
    assert cache.write("a.form", b"content") == home / "a.form"
    assert cache.read("a.form") == b"content"
    assert cache.load("a.form", lambda data, path: (data, Path(path).read_bytes()[:7])) == (
        b"content",
        b"content",
    )
    assert [stat.S_IMODE(path.stat().st_mode) for path in (home, home / "a.form")] == [0o700, 0o600]
    assert [path.name for path in home.iterdir()] == ["a.form"]


def plant(home, name="a.form", data=b"planted"):
    """Put a whole file into a cache, as one who can write there would."""
    home.mkdir(parents=True, exist_ok=True)
    (home / name).write_bytes(data + cache.seal(name, data))
    return home / name


DISTRUSTED = {
    "a folder that all can write": lambda home: home.chmod(0o777),
    "a folder that a group can write": lambda home: home.chmod(0o770),
    "a file that all can write": lambda home: (home / "a.form").chmod(0o666),
    "a file that a group can write": lambda home: (home / "a.form").chmod(0o660),
    "a link to a file": lambda home: relink(home / "a.form"),
}
GIVEN_AWAY = {
    "another's folder": lambda home: os.chown(home, 12345, 12345),
    "another's file": lambda home: os.chown(home / "a.form", 12345, 12345),
    "another's folder that all can write": lambda home: (
        os.chown(home, 12345, 12345),
        home.chmod(0o777),
    ),
}


def relink(path):
    """Put a link in the place of a file, which is elsewhere now."""
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


@pytest.mark.parametrize(
    "harm", [*DISTRUSTED, *(pytest.param(harm, marks=root) for harm in GIVEN_AWAY)]
)
def test_what_others_may_have_written_is_not_read_and_is_made_again(home, harm):
    plant(home)
    assert cache.read("a.form") == b"planted"
    (DISTRUSTED | GIVEN_AWAY)[harm](home)
    assert cache.read("a.form") is None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        written = [cache.write("a.form", b"mine"), cache.write("b.form", b"mine too")]
    assert (cache.read("a.form"), cache.read("b.form")) == (b"mine", b"mine too")
    if "folder" in harm:
        (message,) = (str(one.message) for one in caught)
        assert message.startswith(f"kernels are compiled for this process only: the cache {home} ")
        assert "is not to be trusted: " in message
        assert ("12345" in message) == ("another" in harm)
        assert home not in [path.parent for path in written]
    else:
        assert caught == []
        assert [path.parent for path in written] == [home, home]


@root
def test_a_cache_of_roots_is_read_by_a_user_who_cannot_write_it(home, tmp_path):
    plant(home)
    for folder in (home, home.parent, *list(tmp_path.parents)[:3], tmp_path):
        folder.chmod(folder.stat().st_mode | 0o055)
    (home / "a.form").chmod(0o644)
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from rnn_core import cache\n"
        "os.setgid(54321); os.setuid(54321)\n"
        "print(cache.read('a.form'))"
    )
    folder = str(Path(cache.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True
    )
    assert done.stdout == "b'planted'\n"


def test_linked_folder_is_judged_by_where_it_leads(home, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    plant(elsewhere)
    home.parent.mkdir()
    home.symlink_to(elsewhere)
    assert cache.read("a.form") == b"planted"
    elsewhere.chmod(0o777)
    assert cache.read("a.form") is None


@pytest.mark.parametrize("change", ["name", "content", "end"])
def test_file_that_is_not_whole_or_not_the_one_is_not_read(home, change):
    path = plant(home)
    if change == "name":
        path.rename(home / "b.form")
        assert cache.read("b.form") is None
    else:
        content = path.read_bytes()
        path.write_bytes(b"P" + content[1:] if change == "content" else content[:-1])
        assert cache.read("a.form") is None


def test_forked_process_leaves_the_folder_of_its_parent(home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    with pytest.warns(RuntimeWarning, match="only: the cache /dev/null/gatewise cannot"):
        path = cache.write("a.form", b"content")
    parent, child = os.getpid(), 1 + os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: child)
    cache.remove_private_folder(parent)
    assert path.exists()
    assert cache.read("a.form") is None
    monkeypatch.setattr(os, "getpid", lambda: parent)
    cache.remove_private_folder(parent)
    assert not path.parent.exists()


def test_folder_in_the_place_of_a_file_is_not_read_and_the_file_is_kept_elsewhere(home):
    (home / "kernel.so").mkdir(mode=0o700, parents=True)
    assert cache.read("kernel.so") is None
    with pytest.warns(RuntimeWarning, match=r"for this process only: .* cannot be written"):
        cache.write("kernel.so", b"code")
    assert cache.read("kernel.so") == b"code"
