"""Running a cell's step for the compiler's sake, where nothing that its caller does reaches it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from rnn_core.compiler.torch_internals import without_modes

local = threading.local()

Result = TypeVar("Result")


@contextmanager
def eager_only() -> Iterator[None]:
    """Run cells in the eager loop, in this thread, without a warning."""
    before, local.eager = is_eager_only(), True
    try:
        yield
    finally:
        local.eager = before


def is_eager_only() -> bool:
    """Return whether this thread is within `eager_only`."""
    return getattr(local, "eager", False)


def is_aside() -> bool:
    """Return whether this thread is one that `aside` has started."""
    return getattr(local, "aside", False)


def aside(function: Callable[[], Result]) -> Result:
    """Call a function in a thread of its own, and wait for it.

    The caller may be in the middle of an export or of inference. Most such modes belong to a
    thread, and a new thread is in none of them. A layer within a step runs in the eager loop
    there: the caller may hold the lock under which its kernel would be built.
    """

    def call() -> Result:
        local.aside = True
        with eager_only():
            return function()

    with without_modes(), ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()
