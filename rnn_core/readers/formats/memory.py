"""Memory of what was let go while a table was read."""

import ctypes
import sys


def give_back() -> None:
    """Give memory of texts and numbers that were let go back to the system.

    Arrow keeps that of texts and the C library that of numbers, and neither uses what the other
    one keeps. Without Arrow, which a served model does without, there are no texts to let go.
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is None:
        return
    arrow.default_memory_pool().release_unused()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)  # of glibc, which else gives back what was taken last alone
