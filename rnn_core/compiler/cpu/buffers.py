"""Memory of kernels: large blocks of the system's large pages, small ones of PyTorch's."""

import ctypes
import math
import mmap
import threading
import weakref
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch
from torch import Tensor

ALIGNMENT = 64
SMALL_BYTES = 1 << 16
"""Up to here PyTorch's own memory is as good, and ten times as quick to get."""

LARGE_PAGE = 1 << 21
"""The system clears memory page by page, at a seventh of the cost for pages of this size."""

MOST_IDLE_BYTES = 12 << 20
"""Idle memory beyond this goes back to the system, what was used longest ago first."""

MOST_REGULAR_BYTES = 512 << 20
"""The same limit if all idle blocks have sizes that are requested again and again."""

RECENT = 1024
"""Requests that are remembered. A training step makes fewer than ten."""

OFTEN = 4
"""Number of recent requests for a size from which on it is kept for the next time."""

MOST_WASTE = 2
"""Largest size of an idle block that is used, in multiples of the requested size."""


class Block:
    """Memory from the system, which gets it back when the block is gone.

    Args:
        size: Bytes.
    """

    def __init__(self, size: int) -> None:
        # Large pages begin at multiples of their size; what is not touched costs nothing.
        alignment = LARGE_PAGE if size >= LARGE_PAGE else ALIGNMENT
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.memory = mmap.mmap(-1, size + alignment, flags=flags)
        if alignment == LARGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
            self.memory.madvise(mmap.MADV_HUGEPAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.size = size
        self.comes_again = False
        self.offset = -start % alignment
        self.address = start + self.offset

    def view(self, size: int) -> memoryview:
        """The first bytes, as something that keeps the memory."""
        return memoryview(self.memory)[self.offset : self.offset + size]


class Pool:
    """Blocks of memory, some of which are kept to be used again.

    Fresh memory costs time for every page, of a large training step up to a third of its own.
    A little is kept whatever its sizes are. More is kept only where steps are alike: where
    lengths vary, hardly a block would fit the next step.
    """

    def __init__(self) -> None:
        self.idle: list[Block] = []
        self.asked: deque[int] = deque()
        self.times: Counter[int] = Counter()
        self.taken: Counter[int] = Counter()
        self.lock = threading.RLock()

    @property
    def idle_bytes(self) -> int:
        """Memory that nobody uses."""
        return sum(block.size for block in self.idle)

    def empty(self, *shape: int, dtype: torch.dtype) -> Tensor:
        """A tensor with whatever the memory holds."""
        count = math.prod(shape)
        size = count * dtype.itemsize
        if size <= SMALL_BYTES:
            return torch.empty(shape, dtype=dtype, device="cpu")
        block = self.take(size)
        # Tensors hold on to the view; the block outlives it and may be used again.
        view = block.view(size)
        weakref.finalize(view, self.give_back, block).atexit = False
        flat = torch.frombuffer(view, dtype=dtype, count=count)
        # Not `flat.view(shape)`: what is a view to autograd cannot be changed in place.
        strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        return flat.new_empty(0).set_(flat.untyped_storage(), 0, shape, strides)

    @contextmanager
    def scratch(self, size: int) -> Iterator[int]:
        """The address of so many bytes that are nobody's before and after."""
        block = self.take(size)
        try:
            yield block.address
        finally:
            self.give_back(block)

    def take(self, size: int) -> Block:
        """The idle block that fits best, or a new one."""
        with self.lock:
            block = self.fitting(size) or Block(size)
            # That a step asks for several of a size says nothing of the next step.
            block.comes_again = self.times[size] - self.taken[size] >= OFTEN
            self.taken[block.size] += 1
            self.remember(size)
            return block

    def remember(self, size: int) -> None:
        """Note a request, and forget the oldest."""
        self.asked.append(size)
        self.times[size] += 1
        if len(self.asked) > RECENT:
            forget(self.times, self.asked.popleft())

    def fitting(self, size: int) -> Block | None:
        """The idle block that fits best, which is then nobody's."""
        fitting = [b for b in self.idle if size <= b.size <= MOST_WASTE * size]
        if not fitting:
            return None
        block = min(fitting, key=lambda block: block.size)
        with suppress(ValueError):  # the garbage collector can come in between, and trim
            self.idle.remove(block)
        return block

    def give_back(self, block: Block) -> None:
        """Keep a block for the next user, and let go of what is too much."""
        with self.lock:
            forget(self.taken, block.size)
            self.idle.append(block)
            while self.idle_bytes > MOST_IDLE_BYTES:
                too_much = self.idle_bytes > MOST_REGULAR_BYTES
                odd = (n for n, b in enumerate(self.idle) if too_much or not self.is_regular(b))
                index = next(odd, None)
                if index is None:
                    break
                self.idle.pop(index)

    def is_regular(self, block: Block) -> bool:
        """Return whether memory of its size comes and goes, and did so lately."""
        return block.comes_again and self.times[block.size] >= OFTEN


def forget(counter: Counter[int], size: int) -> None:
    """Count one less, and keep no entry of 0."""
    counter[size] -= 1
    if not counter[size]:
        del counter[size]


POOL = Pool()
