"""Long texts scored in streams and items."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.layers.recurrent import State

STREAM_TOKENS = 4096
"""Texts are scored in streams of this many tokens; each starts without context."""

ITEM_TOKENS = 256
"""Tokens of one scored item; the state is carried from item to item of a stream."""


SCORED_LOGITS = 2**26
"""Most logits that scoring holds at a time, 4 bytes each."""


def score_tokens(
    model: nn.Module, tokens: Tensor, vocabulary_size: int, wanted: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of every `ITEM_TOKENS` tokens after the first, and their number.

    Args:
        model: A language model.
        tokens: What it reads, int64 (N,).
        vocabulary_size: How many tokens it knows.
        wanted: What it is to say, int64 (N,), where that is not what it reads.
    """
    said = tokens if wanted is None else wanted
    inputs, targets = streams(tokens[:-1]), streams(said[1:], fill=-1)
    rows = max(1, SCORED_LOGITS // (ITEM_TOKENS * vocabulary_size))
    groups = zip(inputs.split(rows), targets.split(rows), strict=True)
    parts = [score_streams(model, *group) for group in groups]
    values, weights = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
    return values, weights


def streams(tokens: Tensor, fill: int = 0) -> Tensor:
    """Lay tokens (N,) out in rows of `STREAM_TOKENS`; the last row is filled up."""
    length = min(STREAM_TOKENS, len(tokens))
    missing = -len(tokens) % length
    return functional.pad(tokens, (0, missing), value=fill).view(-1, length)


def score_streams(model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of each item of streams (R, T), and its tokens; those with any.

    Targets below 0 do not count.
    """
    state: State | None = None
    values, weights = [], []
    pieces = zip(inputs.split(ITEM_TOKENS, 1), targets.split(ITEM_TOKENS, 1), strict=True)
    for piece, target in pieces:
        logits, state = model(piece.contiguous(), state)
        losses = functional.cross_entropy(
            logits.flatten(0, 1), target.flatten(), ignore_index=-1, reduction="none"
        ).view_as(target)
        count = (target >= 0).sum(dim=1).double()
        values.append(losses.double().sum(dim=1) / count.clamp(min=1))
        weights.append(count)
    value, weight = torch.stack(values, 1).flatten(), torch.stack(weights, 1).flatten()
    return value[weight > 0], weight[weight > 0]
