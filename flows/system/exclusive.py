"""Locks that let one process at a time work on a study."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from flows.layout import Layout


@contextmanager
def if_free(layout: Layout, name: str) -> Iterator[bool]:
    """Hold a lock of the study unless another process does; yields whether it is held."""
    layout.locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(layout.locks / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def exclusive(
    layout: Layout, name: str, is_given_up: Callable[[], bool] | None = None
) -> Iterator[None]:
    """Hold a lock of the study; wait, and say so, while another process holds it.

    The kernel releases the lock when its holder ends in any way.

    Args:
        layout: Where the study keeps things.
        name: What the lock is for.
        is_given_up: Called while it waits; returns whether to stop waiting.

    Raises:
        Timeout: If `is_given_up` returned true.
    """
    with if_free(layout, name) as free:
        if free:
            yield
            return
    sys.stderr.write(f"waiting for another process that works on {name}\n")
    with FileLock(layout.locks / f"{name}.lock").acquire(cancel_check=is_given_up):
        yield
