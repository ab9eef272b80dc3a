"""Memory that is used again: fresh memory costs a page fault for every 4 KiB, each time."""

import ctypes
import math
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

ALIGNMENT = 64
SMALL_BYTES = 1 << 16
"""Up to here PyTorch's own memory is as good, and ten times as quick to get."""

MOST_IDLE_BYTES = 1 << 30
"""Idle memory beyond this is given back, the largest blocks first."""


class Pool:
    """Blocks of memory by size; a block returns when the last tensor on it is gone."""

    def __init__(self) -> None:
        self.idle: dict[int, list[ctypes.Array[ctypes.c_char]]] = defaultdict(list)
        self.idle_bytes = 0
        self.lock = threading.RLock()

    def empty(self, *shape: int, dtype: torch.dtype) -> Tensor:
        """A tensor with whatever the memory holds."""
        count = math.prod(shape)
        if count * dtype.itemsize <= SMALL_BYTES:
            return torch.empty(shape, dtype=dtype, device="cpu")
        size = count * dtype.itemsize + ALIGNMENT
        block = self.take(size)
        address = ctypes.addressof(block)
        # The view is what tensors hold on to; the block outlives it and is used again.
        view = (ctypes.c_char * size).from_address(address)
        weakref.finalize(view, self.give_back, block).atexit = False
        offset = -address % ALIGNMENT
        flat = torch.frombuffer(view, dtype=dtype, count=count, offset=offset)
        # Not `flat.view(shape)`: what is a view to autograd cannot be changed in place.
        strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        return flat.new_empty(0).set_(flat.untyped_storage(), 0, shape, strides)

    @contextmanager
    def scratch(self, size: int) -> Iterator[int]:
        """The address of so many bytes that are nobody's before and after."""
        block = self.take(size + ALIGNMENT)
        address = ctypes.addressof(block)
        try:
            yield address + -address % ALIGNMENT
        finally:
            self.give_back(block)

    def take(self, size: int) -> "ctypes.Array[ctypes.c_char]":
        """An idle block of this size, or a new one."""
        with self.lock:
            if self.idle[size]:
                self.idle_bytes -= size
                return self.idle[size].pop()
        return (ctypes.c_char * size)()

    def give_back(self, block: "ctypes.Array[ctypes.c_char]") -> None:
        """Keep a block for the next user."""
        with self.lock:
            self.idle[len(block)].append(block)
            self.idle_bytes += len(block)
            while self.idle_bytes > MOST_IDLE_BYTES:
                largest = max(size for size, blocks in self.idle.items() if blocks)
                self.idle[largest].pop()
                self.idle_bytes -= largest


POOL = Pool()
