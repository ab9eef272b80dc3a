"""Texts of errors for the terminal."""

import errno
from traceback import format_exception

from flows.system.hidden import without_secrets
from rnn_core.errors import GatewiseError
from rnn_core.readers.faults import SEVERAL

OF_PLACES = {
    errno.ENOENT: "check the path",
    errno.EISDIR: "a file belongs there: name one or remove the folder",
    errno.ENOTDIR: "name a folder, not a file",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EXDEV: "choose a folder on the same disk",
    errno.EEXIST: "choose another name, or remove it",
    errno.ENOTEMPTY: "choose another folder, or empty it",
    errno.ELOOP: "a link leads to itself; remove it",
}
"""Errors about a place that a user may have named; without a place they are ours."""

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
    if isinstance(error, OSError) and (cure := cure_of(error)):
        place = error.filename2 or error.filename  # of a file that is moved, where to
        where = f"{place}: " if place else ""
        return without_secrets(f"error: {where}{error.strerror}; {cure}\n")
    return without_secrets("".join(format_exception(error)))


def cure_of(error: OSError) -> str | None:
    """The advice on an error of the system; None if it is a mistake in Gatewise."""
    cures = OF_THE_SYSTEM | OF_PLACES if error.filename else OF_THE_SYSTEM
    return None if error.errno is None else cures.get(error.errno)


def told(error: GatewiseError) -> str:
    """The text of an error in one line, or several if it has several faults."""
    text = without_secrets(str(error))
    return text if SEVERAL in text else " ".join(text.split())
