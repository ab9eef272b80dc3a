"""Kernels stay within the memory that they ask for."""

import math
from contextlib import contextmanager

import pytest
import torch

from rnn_core.cells import REGISTRY
from rnn_core.compiler.cpu import operators
from rnn_core.layers.recurrent import Recurrent

GUARD = 4096
"""Numbers on either side of each block."""

MARK = 12345.678


class GuardedPool:
    """Hands out memory between two marked stretches, which nobody may write to."""

    def __init__(self):
        self.blocks = []

    def empty(self, *shape, dtype):
        count = math.prod(shape)
        block = torch.full((count + 2 * GUARD,), MARK, dtype=dtype)
        self.blocks.append(block)
        return block[GUARD : GUARD + count].view(shape)

    @contextmanager
    def scratch(self, size):
        yield self.empty(size // 4, dtype=torch.float32).data_ptr()

    def intact(self):
        marks = (part for b in self.blocks for part in (b[:GUARD], b[-GUARD:]))
        return all((part == torch.tensor(MARK, dtype=part.dtype)).all() for part in marks)


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.one_in(4)
def test_no_number_is_written_beyond_a_block(name, monkeypatch):
    """Sizes on either side of a panel's width, of each other, and of a block of sequences."""
    pool = GuardedPool()
    monkeypatch.setattr(operators, "POOL", pool)
    for inputs, hidden in ((40, 8), (8, 40), (1, 1), (33, 32), (32, 33), (70, 50)):
        for batch, steps, threads in ((1, 1, 1), (9, 2, 1), (65, 3, 2), (130, 2, 2)):
            torch.set_num_threads(threads)
            layer = Recurrent(name, inputs, hidden, bidirectional=True)
            x = torch.randn(steps, batch, inputs, requires_grad=True)
            lengths = torch.randint(1, steps + 1, (batch,))
            outputs, _ = layer(x, lengths=lengths)
            outputs.sum().backward()
            with torch.no_grad():  # what is not kept lies in scratch memory instead
                layer(x)
            assert pool.intact(), (inputs, hidden, batch, steps, threads)
            pool.blocks.clear()
