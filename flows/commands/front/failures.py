"""Texts of errors for the terminal."""

from traceback import format_exception

from flows.system.hidden import without_secrets
from flows.system.os_errors import with_cure
from rnn_core.errors import GatewiseError
from rnn_core.readers.faults import SEVERAL


def text_of(error: Exception) -> str:
    """The text of an error: a line for those that a user can fix, and a traceback for others."""
    if isinstance(error, GatewiseError):
        return f"error: {told(error)}\n"
    if (text := with_cure(error)) is not None:
        return without_secrets(f"error: {text}\n")
    return without_secrets("".join(format_exception(error)))


def told(error: GatewiseError) -> str:
    """The text of an error in one line, or several if it has several faults."""
    text = without_secrets(str(error))
    return text if SEVERAL in text else " ".join(text.split())
