"""A text that came later, predicted by a model that was trained before."""

import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rnn_core.errors import DataError
from rnn_core.features.passages import passage_hashes
from rnn_core.layers.recurrent import State
from rnn_core.metric import SPLITS, Split
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.rescores import Marks, Rescores
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.text_generation.learn import Learning
from rnn_core.tasks.text_generation.parameters import TextData, TextMeta
from rnn_core.tasks.text_generation.prepare import cut, to_tensors
from rnn_core.tasks.text_generation.scoring import ITEM_CHARACTERS, ITEM_TOKENS, score_tokens
from rnn_core.tasks.text_generation.splits import read_splits
from rnn_core.tasks.text_generation.tokens import Numbered

RUN_TOKENS = 32
"""Number of tokens up to a place in a text that identify it."""

RUNS_KEPT = 16
"""One in this number of runs of tokens is kept, by its content (Schleimer et al., SIGMOD 2003)."""


class Rescoring(Learning, Rescores):
    """Scores a model on a later text."""

    @staticmethod
    def marks(raw: Path, parameters: TextData, seed: int) -> dict[Split, Marks]:
        """Marks of some of the places of each item."""
        text = read_splits(raw, parameters)
        # of subwords, the first is predicted too
        how = (0, ITEM_CHARACTERS) if parameters.tokens == "subword" else (1, ITEM_TOKENS)
        return {split: marks_of_places(text, split, *how) for split in SPLITS}

    def rescore(
        self, model: nn.Module, raw: Path, parameters: TextData, seed: int, other: Meta
    ) -> Scores:
        """A token that not both models know counts as unknown, for both alike."""
        assert isinstance(other, TextMeta)
        own = self.meta
        if own.parameters.tokens != parameters.tokens:
            raise DataError(f"it writes tokens of the kind {own.parameters.tokens!r}")
        if self.subwords is not None:
            cut_anew = cut(read_splits(raw, parameters), "test", self.subwords)
            return self.scores(model, {"test": cut_anew}, "test")
        known = set(other.vocabulary)
        unshared = torch.tensor([token not in known for token in self.vocabulary])
        read = to_tensors(read_splits(raw, parameters), self.vocabulary)["test"].long()
        wanted = read.masked_fill(unshared[read], 0)
        whole = score_tokens(Coarse(model, unshared), read, len(self.vocabulary), wanted)
        return Scores(*whole)


class Coarse(nn.Module):
    """A language model that does not tell some tokens from the unknown one, number 0.

    Args:
        model: Answers tokens (B, T) with logits (B, T, V), and its state.
        merged: Whether each token counts as unknown, bool (V,).
    """

    def __init__(self, model: nn.Module, merged: Tensor) -> None:
        super().__init__()
        self.model = model
        self.merged = merged.clone()
        self.merged[0] = True

    def forward(self, tokens: Tensor, state: State | None) -> tuple[Tensor, State]:
        logits, state = self.model(tokens, state)
        if int(self.merged.sum()) == 1:
            return logits, state
        together = logits[..., self.merged].logsumexp(dim=-1)
        coarse = logits.masked_fill(self.merged, -torch.inf)
        coarse[..., 0] = together
        return coarse, state


def marks_of_places(text: Numbered, split: Split, first: int, size: int) -> Marks:
    """Marks of a split's places from the first that is predicted, by item; most are 0.

    Args:
        text: Its tokens; characters, where these are cut into subwords.
        split: Which split.
        first: The first that is predicted.
        size: How many an item has.

    Returns:
        uint64 (N, size).
    """
    numbers = np.array([zlib.crc32(token.encode()) + 1 for token in text.kinds], np.uint64)
    tokens = numbers[text.splits[split]]
    runs = np.zeros_like(tokens)
    if len(tokens) >= RUN_TOKENS:
        runs[RUN_TOKENS - 1 :] = passage_hashes(tokens, RUN_TOKENS)
    runs[runs % np.uint64(RUNS_KEPT) != 0] = 0
    later = runs[first:]
    return np.pad(later, (0, -len(later) % size)).reshape(-1, size)
