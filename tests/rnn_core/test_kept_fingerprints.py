"""Fingerprints are kept for the next process, and never outlive their code."""

import os

import pytest

from rnn_core import cache, definitions, kept_fingerprints, reach
from rnn_core.reach import fingerprint, forget, keep_for_later

ROOTS = [("toy.scale", "double")]


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The file of a package whose code is all there is, in a home of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(definitions, "ROOT", tmp_path)
    monkeypatch.setattr(definitions, "PACKAGES", ("toy",))
    monkeypatch.setattr(kept_fingerprints, "SETTLED_SECONDS", 0)
    file = tmp_path / "toy/scale.py"
    file.parent.mkdir()
    file.write_text("def double(x):\n    return 2 * x\n")
    forget()
    yield file
    forget()


@pytest.fixture
def found(toy):
    """The fingerprint that a process found, kept and forgot."""
    value = fingerprint(ROOTS)
    keep_for_later()
    forget()
    return value


@pytest.fixture
def parsed(monkeypatch):
    """The modules whose code is read from now on."""
    names = []

    def note(name, source, beside):
        names.append(name)
        return real(name, source, beside)

    real = definitions.parsed
    monkeypatch.setattr(definitions, "parsed", note)
    return names


def test_next_process_reads_no_code(found, parsed):
    assert fingerprint(ROOTS) == found
    assert parsed == []


def test_changed_code_is_read_again(toy, found, parsed):
    toy.write_text(toy.read_text().replace("2 * x", "3 * x"))
    forget()
    assert fingerprint(ROOTS) != found
    assert parsed == ["toy.scale"]


def test_file_of_the_same_size_and_modification_time_is_read_again(toy, found):
    times = toy.stat()
    toy.write_text(toy.read_text().replace("2 * x", "3 * x"))
    os.utime(toy, ns=(times.st_atime_ns, times.st_mtime_ns))
    forget()
    assert fingerprint(ROOTS) != found


def test_nothing_is_kept_of_a_file_that_has_just_changed(toy, monkeypatch, parsed):
    """A second change may not show in its times."""
    monkeypatch.setattr(kept_fingerprints, "SETTLED_SECONDS", 60)
    fingerprint(ROOTS)
    keep_for_later()
    forget()
    fingerprint(ROOTS)
    assert parsed == ["toy.scale", "toy.scale"]


def test_what_is_kept_of_one_question_answers_no_other(toy, found):
    file = toy.with_name("other.py")
    file.write_text("from toy.scale import double\n\ndef four(x):\n    return double(double(x))\n")
    forget()
    asked = {fingerprint(ROOTS), fingerprint([("toy.other", "four")])}
    asked.add(fingerprint([("toy.other", "four")], (("toy.scale", None),)))
    keep_for_later()
    forget()
    assert len(asked) == 3
    assert found in asked
    assert fingerprint([("toy.other", "four")]) in asked - {found}


def test_broken_file_of_the_cache_is_as_none(found, parsed):
    file = cache.cache_folder() / kept_fingerprints.name_of_file()
    content = file.read_bytes()
    file.write_bytes(content.replace(found.encode(), b"0" * len(found)))
    assert content != file.read_bytes()
    assert fingerprint(ROOTS) == found
    assert parsed == ["toy.scale"]


def test_home_that_cannot_be_written_costs_time_alone(toy, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    value = fingerprint(ROOTS)
    keep_for_later()
    forget()
    assert fingerprint(ROOTS) == value
    assert reach.known() == {repr((tuple(ROOTS), ())): value}
