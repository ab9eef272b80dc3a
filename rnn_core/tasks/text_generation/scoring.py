"""Long texts scored in streams and items."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.layers.recurrent import State

STREAM_TOKENS = 4096
"""Texts are scored in streams of this many tokens; each starts without context."""

ITEM_TOKENS = 256
"""Tokens of one scored item; the state is carried from item to item of a stream."""

ITEM_CHARACTERS = 1024
"""Characters of one scored item of a text that is cut into subwords."""


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
    losses, counted = token_losses(model, tokens, vocabulary_size, wanted)
    sums = [part.double().sum(dim=1) for part in losses.split(ITEM_TOKENS, 1)]
    numbers = [part.sum(dim=1).double() for part in counted.split(ITEM_TOKENS, 1)]
    total, number = torch.stack(sums, 1).flatten(), torch.stack(numbers, 1).flatten()
    there = number > 0
    return (total[there] / number[there]).cpu(), number[there].cpu()


def score_characters(
    model: nn.Module, tokens: Tensor, vocabulary_size: int, lengths: Tensor
) -> tuple[Tensor, Tensor]:
    """Nats per character of every `ITEM_CHARACTERS` of a text, and their number.

    A token counts where it begins. So items are the same however the text is cut into tokens,
    and their sum is -ln p of the tokens.

    Args:
        model: A language model.
        tokens: What it reads, int64 (N,).
        vocabulary_size: How many tokens it knows.
        lengths: Characters that begin in each token after the first, int64 (N - 1,).
    """
    losses, counted = token_losses(model, tokens, vocabulary_size)
    starts = (lengths.cumsum(dim=0) - lengths).cpu()
    items = -(-int(lengths.sum()) // ITEM_CHARACTERS)
    weights = torch.full((items,), float(ITEM_CHARACTERS), dtype=torch.float64)
    weights[-1] = int(lengths.sum()) - ITEM_CHARACTERS * (items - 1)
    places = (starts // ITEM_CHARACTERS).clamp(max=items - 1)
    sums = torch.zeros_like(weights).index_add(0, places, losses[counted].double().cpu())
    return sums / weights, weights


def token_losses(
    model: nn.Module, tokens: Tensor, vocabulary_size: int, wanted: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Cross-entropies of tokens after the first in streams (R, T), and which of them count.

    Args:
        model: A language model.
        tokens: As for `score_tokens`, and so are the rest.
        vocabulary_size: As for `score_tokens`.
        wanted: As for `score_tokens`.
    """
    said = tokens if wanted is None else wanted
    inputs, targets = streams(tokens[:-1]), streams(said[1:], fill=-1)
    rows = max(1, SCORED_LOGITS // (ITEM_TOKENS * vocabulary_size))
    groups = zip(inputs.split(rows), targets.split(rows), strict=True)
    return torch.cat([stream_losses(model, *group) for group in groups]), targets >= 0


def streams(tokens: Tensor, fill: int = 0) -> Tensor:
    """Lay tokens (N,) out in rows of `STREAM_TOKENS`; the last row is filled up."""
    length = min(STREAM_TOKENS, len(tokens))
    missing = -len(tokens) % length
    return functional.pad(tokens, (0, missing), value=fill).view(-1, length)


def stream_losses(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The cross-entropy of each token of streams (R, T); 0 where a target is below 0."""
    state: State | None = None
    losses = []
    pieces = zip(inputs.split(ITEM_TOKENS, 1), targets.split(ITEM_TOKENS, 1), strict=True)
    for piece, target in pieces:
        logits, state = model(piece.contiguous(), state)
        each = functional.cross_entropy(
            logits.flatten(0, 1), target.flatten(), ignore_index=-1, reduction="none"
        )
        losses.append(each.view_as(target))
    return torch.cat(losses, dim=1)
