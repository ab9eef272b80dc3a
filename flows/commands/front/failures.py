"""Texts of errors for the terminal."""

import errno
from traceback import format_exception

from flows.system.hidden import without_secrets
from rnn_core.errors import GatewiseError
from rnn_core.readers.faults import SEVERAL

OF_THE_SYSTEM = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "choose a file that you may use, or ask its owner",
    errno.EPERM: "choose a file that you may use, or ask its owner",
    errno.EIO: "the disk may be broken",
}
"""Errors of the system that no program can prevent, and what to do."""


def text_of(error: Exception) -> str:
    """The text of an error: a line for those that a user can fix, and a traceback for others."""
    if isinstance(error, GatewiseError):
        return f"error: {told(error)}\n"
    if isinstance(error, OSError) and error.errno in OF_THE_SYSTEM:
        where = f"{error.filename}: " if error.filename else ""
        said = f"error: {where}{error.strerror}; {OF_THE_SYSTEM[error.errno]}\n"
        return without_secrets(said)
    return without_secrets("".join(format_exception(error)))


def told(error: GatewiseError) -> str:
    """The text of an error in one line, or several if it has several faults."""
    text = without_secrets(str(error))
    return text if SEVERAL in text else " ".join(text.split())
