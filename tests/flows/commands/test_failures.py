"""Errors of the system take one line, and mistakes in Gatewise show a traceback."""

import errno
import os

import pytest

from flows.commands.front.failures import text_of
from flows.commands.services.doctor import attempt
from rnn_core.errors import StudyError


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "error: /x/y: No space left on device; free some space\n"),
        (errno.EROFS, "error: /x/y: Read-only file system; choose a folder that can be written\n"),
        (errno.ENOENT, "error: /x/y: No such file or directory; check the path\n"),
        (
            errno.EISDIR,
            "error: /x/y: Is a directory; a file belongs there: name one or remove the folder\n",
        ),
        (errno.ENOTDIR, "error: /x/y: Not a directory; name a folder, not a file\n"),
        (errno.ENAMETOOLONG, "error: /x/y: File name too long; choose a shorter name\n"),
        (errno.EXDEV, "error: /x/y: Invalid cross-device link; choose a folder on the same disk\n"),
    ],
)
def test_disk_that_cannot_be_used_is_told_in_a_line(number, said):
    assert text_of(OSError(number, os.strerror(number), "/x/y")) == said
    assert text_of(OSError(number, os.strerror(number), "/x/.y.tmp", None, "/x/y")) == said


def test_full_disk_without_a_file_is_told_too():
    told = text_of(OSError(errno.ENOSPC, "No space left on device"))
    assert told == "error: No space left on device; free some space\n"


def test_missing_file_without_a_name_is_a_mistake_of_ours():
    for error in (FileNotFoundError("no such thing"), FileNotFoundError(errno.ENOENT, "none")):
        assert text_of(error) == f"FileNotFoundError: {error}\n"  # as the traceback ends


def test_other_errors_have_a_traceback_without_secrets(monkeypatch):
    monkeypatch.setenv("GATEWISE_SERVE_TOKEN", "planted-token")
    told = text_of(RuntimeError("with planted-token"))
    assert told.endswith("RuntimeError: with ***\n")


def test_repair_that_fails_is_told_and_the_others_go_on():
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    def unanswered():
        raise StudyError("MLflow does not answer")

    assert attempt(lambda: None) is None
    assert attempt(full) == "not possible ([Errno 28] No space left on device)"
    assert attempt(unanswered) == "not possible (MLflow does not answer)"
