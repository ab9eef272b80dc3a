"""Errors of the system, such as of a full disk: where, and what to do."""

import errno

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


def with_cure(error: BaseException) -> str | None:
    """The text of an error of the system, with what to do; None if it is another error."""
    if not isinstance(error, OSError) or error.errno is None:
        return None
    cures = OF_THE_SYSTEM | OF_PLACES if error.filename else OF_THE_SYSTEM
    place = error.filename2 or error.filename  # of a file that is moved, where to
    cure = cures.get(error.errno)
    where = f"{place}: " if place else ""
    return f"{where}{error.strerror}; {cure}" if cure else None
