"""Memory comes back when the last tensor on it is gone, and not before."""

import gc
import threading

import pytest
import torch

from rnn_core.compiler.cpu import buffers
from rnn_core.compiler.cpu.buffers import ALIGNMENT, Pool


@pytest.fixture(autouse=True)
def no_size_is_small(monkeypatch):
    monkeypatch.setattr(buffers, "SMALL_BYTES", 0)


def test_memory_is_used_again_when_its_tensor_is_gone():
    pool = Pool()
    first = pool.empty(1000, dtype=torch.float32)
    address = first.data_ptr()
    assert pool.idle_bytes == 0
    del first
    assert pool.idle_bytes == 4000
    assert pool.empty(10, 100, dtype=torch.float32).data_ptr() == address


def test_memory_is_not_used_again_while_anything_reads_it():
    pool = Pool()
    whole = pool.empty(10, 100, dtype=torch.float32)
    row, address = whole[3], whole.data_ptr()
    del whole
    other = pool.empty(10, 100, dtype=torch.float32)
    assert other.data_ptr() != address
    other.fill_(1)
    row.fill_(2)
    assert (other == 1).all()
    del row
    assert pool.empty(10, 100, dtype=torch.float32).data_ptr() == address


def test_tensors_outlive_their_pool():
    pool = Pool()
    tensor = pool.empty(1000, dtype=torch.float64).fill_(3)
    del pool
    gc.collect()
    assert (tensor == 3).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1,), (3,), (7, 5), (2, 3, 5), (0,), (0, 4)])
def test_tensor_is_aligned_dense_and_no_view(shape, dtype):
    tensor = Pool().empty(*shape, dtype=dtype)
    assert tensor.shape == shape
    assert tensor.dtype is dtype
    assert tensor.is_contiguous()
    assert tensor.data_ptr() % ALIGNMENT == 0
    assert not tensor._is_view()


def test_idle_memory_beyond_the_limit_is_given_back_the_longest_unused_first(monkeypatch):
    monkeypatch.setattr(buffers, "MOST_IDLE_BYTES", 5000)
    pool = Pool()
    tensors = [pool.empty(count, dtype=torch.float32) for count in (500, 300, 700)]
    tensors.pop(0)
    tensors.pop(0)
    assert [block.size for block in pool.idle] == [2000, 1200]
    tensors.pop(0)
    assert [block.size for block in pool.idle] == [1200, 2800]


def test_no_more_is_kept_after_many_sizes_than_after_few():
    """Sizes that are never repeated: the pool is bounded in bytes and in entries."""
    pool = Pool()
    for count in range(100_000, 1_000_000, 9_000):
        pool.empty(count, dtype=torch.float32)
    assert pool.idle_bytes <= buffers.MOST_IDLE_BYTES
    assert len(pool.idle) <= buffers.MOST_IDLE_BYTES // 400_000


def test_what_is_too_large_to_keep_goes_back_at_once():
    pool = Pool()
    with pool.scratch(buffers.MOST_IDLE_BYTES + 1):
        pass
    assert pool.idle_bytes == 0
    assert not pool.idle


def step(pool, *counts):
    """A step whose tensors live until it ends."""
    tensors = [pool.empty(count, dtype=torch.float32) for count in counts]
    return [tensor.data_ptr() for tensor in tensors]


def test_steps_that_are_alike_use_the_same_memory(monkeypatch):
    monkeypatch.setattr(buffers, "MOST_IDLE_BYTES", 5000)
    monkeypatch.setattr(buffers, "RECENT", 100)
    pool = Pool()
    step(pool, *[2000] * 10, 3000)
    assert (
        pool.idle_bytes == 0
    )  # that many blocks of a step have one size says nothing about the next
    for _ in range(buffers.OFTEN):
        before = step(pool, 2000, 2000, 3000)
    assert sorted(step(pool, 2000, 2000, 3000)) == sorted(before)
    assert pool.idle_bytes == 28_000
    for count in range(4000, 4100):
        step(pool, count)
    assert pool.idle_bytes <= 5000


def test_regular_memory_is_bounded_too(monkeypatch):
    monkeypatch.setattr(buffers, "MOST_IDLE_BYTES", 5000)
    monkeypatch.setattr(buffers, "MOST_REGULAR_BYTES", 20_000)
    pool = Pool()
    for _ in range(2 * buffers.OFTEN):
        step(pool, 2000, 2000, 3000)
    assert 5000 < pool.idle_bytes <= 20_000
    pool.empty(5001, dtype=torch.float32)
    pool.empty(5001, dtype=torch.float32)
    assert pool.idle_bytes <= 20_000


def test_memory_is_used_again_for_somewhat_less_and_not_for_much_less():
    pool = Pool()
    address = pool.empty(1000, dtype=torch.float32).data_ptr()
    much_less = pool.empty(499, dtype=torch.float32)
    less = pool.empty(500, dtype=torch.float32)
    assert (much_less.data_ptr() == address, less.data_ptr() == address) == (False, True)


def test_threads_never_share_memory():
    pool, wrong = Pool(), []

    def work(number):
        for _ in range(300):
            tensor = pool.empty(64, dtype=torch.float32).fill_(number)
            if (tensor != number).any():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert pool.idle_bytes <= 8 * 256  # of each thread the old one and the new


def test_small_tensors_are_not_kept(monkeypatch):
    monkeypatch.setattr(buffers, "SMALL_BYTES", 4000)
    pool = Pool()
    small, large = (pool.empty(count, dtype=torch.float32) for count in (1000, 1001))
    del small
    assert pool.idle_bytes == 0
    del large
    assert pool.idle_bytes == 4004
