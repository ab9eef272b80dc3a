"""Batches of sequences of similar length, so that little of a batch is padding."""

import torch
from torch import Tensor

POOL_BATCHES = 8
"""Number of batches in a pool; sequences are sorted by length within a pool."""


def length_batches(
    items: Tensor,
    lengths: Tensor,
    batch_size: int,
    generator: torch.Generator,
    pool_batches: int | None = None,
) -> list[Tensor]:
    """Shuffle, sort by length within pools of batches, and shuffle the batches.

    Args:
        items: Sequences to draw from, int64 (N,).
        lengths: Of all sequences, by what an item counts.
        batch_size: Sequences in a batch.
        generator: Source of the order.
        pool_batches: Batches in a pool; None: `POOL_BATCHES`.

    Returns:
        The items of each batch, int64 on the CPU.
    """
    items, lengths = items.cpu(), lengths.cpu()
    items = items[torch.randperm(len(items), generator=generator)]
    batches: list[Tensor] = []
    for pool in items.split((pool_batches or POOL_BATCHES) * batch_size):
        batches.extend(pool[lengths[pool].argsort(stable=True)].split(batch_size))
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def by_length(lengths: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    """Places of sequences in batches, from the shortest to the longest.

    Args:
        lengths: Of the sequences, (N,).
        batch_size: Sequences in a batch.
    """
    if not len(lengths):
        return ()  # `split` would give one batch of none
    batches: tuple[Tensor, ...] = lengths.argsort(stable=True).split(batch_size)
    return batches
