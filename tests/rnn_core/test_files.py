"""Files and folders appear whole or not at all."""

import errno
import hashlib
import json

import pytest

from rnn_core import files
from rnn_core.errors import DataError
from rnn_core.files import digest_of, read_json, read_json_lines, rounded, whole_folder, write_json


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_failing_write_leaves_the_old_content_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})

    def full(descriptor):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_json(path, {"new": 2})
    assert json.loads(path.read_text()) == {"old": 1}
    assert names(tmp_path) == ["a.json"]


def test_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: calls.append("fsync"))
    monkeypatch.setattr(files.Path, "replace", lambda self, target: calls.append("rename"))
    files.write_bytes(tmp_path / "a", b"x")
    assert calls == ["fsync", "rename", "fsync"]


def test_folder_replaces_the_old_one_only_when_it_is_complete(tmp_path):
    target, scratch = tmp_path / "out", tmp_path / "scratch"
    target.mkdir()
    (target / "old").touch()
    scratch.mkdir()
    (scratch / "of a killed attempt").touch()
    with pytest.raises(RuntimeError), whole_folder(target, scratch) as folder:
        (folder / "half").touch()
        raise RuntimeError
    assert names(target) == ["old"]
    assert not scratch.exists()
    with whole_folder(target, scratch) as folder:
        (folder / "new").touch()
    assert names(target) == ["new"]


def test_json_has_the_same_bytes_whatever_the_order(tmp_path):
    write_json(tmp_path / "a", {"x": 1, "b": [0.1, None]})
    write_json(tmp_path / "b", {"b": [0.1, None], "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "c", float("nan"))


def test_missing_or_broken_json_is_named(tmp_path):
    with pytest.raises(DataError, match="a is missing; run the stage"):
        read_json(tmp_path / "a")
    (tmp_path / "b").write_text("{")
    with pytest.raises(DataError, match="b is not JSON"):
        read_json(tmp_path / "b")


def test_half_a_line_is_not_read(tmp_path):
    (tmp_path / "lines").write_text('{"a": 1}\n{"a": 2}\n{"a"')
    assert read_json_lines(tmp_path / "lines") == [{"a": 1}, {"a": 2}]
    assert read_json_lines(tmp_path / "none") == []


def test_digest_is_that_of_sha256sum(tmp_path):
    (tmp_path / "b").write_text("two")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a").write_text("one")
    one, two = (hashlib.sha256(text).hexdigest() for text in (b"one", b"two"))
    listing = f"{two}  b\n{one}  sub/a\n"
    assert digest_of(tmp_path) == hashlib.sha256(listing.encode()).hexdigest()


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1234567.8, 1234570.0), (1.23456789e-30, 1.23457e-30), (0.1 + 0.2, 0.3), (None, None)]
    + [(float(text), None) for text in ("inf", "nan")],
)
def test_numbers_have_6_significant_digits(value, expected):
    assert rounded(value) == expected
