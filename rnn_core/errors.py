"""Errors with messages for users.

GatewiseError                one line: what is wrong, where, what to do
+-- ParameterError           params.yaml, or an argument, names something impossible
|   +-- KindError            an argument has the wrong kind
|   +-- TensorError          a tensor has another shape, type or device than it has to have
+-- ExportError              a layer cannot be turned into what was asked for
+-- DataError                an input file cannot be used as it is
+-- SourceError              public data could not be fetched, or is not what it should be
+-- DeviceError              the device that was asked for is not there
+-- StudyError               the folders of a study do not fit together
"""

from collections.abc import Iterable
from difflib import get_close_matches

from rnn_core.wording import in_part


class GatewiseError(Exception):
    """A problem that the user can fix; its text is one line.

    What the user wrote is quoted in it, and may be a whole file: of a long line the middle is left
    out.
    """

    def __str__(self) -> str:
        """The text, for messages."""
        return "\n".join(map(in_part, super().__str__().split("\n")))


class ParameterError(GatewiseError, ValueError):
    """A parameter is unknown, missing or out of range."""


class KindError(ParameterError, TypeError):
    """An argument has the wrong kind; PyTorch raises `TypeError` there."""


class TensorError(ParameterError, RuntimeError):
    """A tensor does not fit; PyTorch raises `RuntimeError` there."""


class ExportError(GatewiseError, RuntimeError):
    """A layer cannot be turned into what was asked for; PyTorch raises `RuntimeError` there."""


class DataError(GatewiseError):
    """An input file is missing, broken or not of the expected form."""


class SourceError(GatewiseError):
    """A public source could not be fetched or failed its check."""


class DeviceError(GatewiseError):
    """The requested device is not available."""


class StudyError(GatewiseError):
    """Outputs of a study are missing, left over or contradict each other."""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is unknown, with the nearest known name or all of them.

    Args:
        kind: What the name stands for, such as "cell".
        name: The name that was asked for.
        known: The names that exist.
    """
    names = sorted(known)
    advice = hint(name, names) or f"known: {', '.join(names)}"
    return f"unknown {kind} {name!r}; {advice}"


def hint(name: str, known: Iterable[str]) -> str | None:
    """Ask for the known name that is most like another; case does not count. None: none is."""
    close = nearest(name, known)
    return None if close is None else f"did you mean {close!r}?"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name that is most like another; case does not count. None: none is."""
    by_lower = {one.lower(): one for one in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None
