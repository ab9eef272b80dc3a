"""Beam search over translations of many sentences at once.

Shapes: N sentences, K hypotheses of each, W pieces that may be written, L layers, H hidden
size, t steps so far.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import torch
from torch import Tensor

from rnn_core.layers.recurrent import State

IMPOSSIBLE = float("-inf")


class Read(Protocol):
    """Encoder's results for some sentences."""

    def take(self, sentences: Tensor) -> Self:
        """Keep some of the sentences, by index."""


class Writes(Protocol):
    """Writer of translations piece by piece: a `Translator`, or several as one."""

    @property
    def written(self) -> Tensor:
        """Pieces that a translation may hold, int (W,)."""

    def encode(self, pieces: Tensor, lengths: Tensor) -> tuple[Any, State]:
        """Read sentences; returns what was made of them, and the state that writing starts from."""

    def next_piece(self, before: Tensor, state: State, source: Any) -> tuple[Tensor, State]:
        """Log-probabilities of the next piece, and the state after it."""


@dataclass(frozen=True)
class Beam:
    """Hypotheses that are still being written, the likeliest of each sentence first.

    Attributes:
        sentences: Which sentences these are, int (N,).
        source: What the encoder made of them.
        state: Of the decoder, (L, N * K, H) each.
        written: Places of the pieces so far among the model's `written`, int (N, K, t).
        scores: Log-probability so far, (N, K).
        ended: How many hypotheses of each have ended, int (N,).
    """

    sentences: Tensor
    source: Read
    state: State
    written: Tensor
    scores: Tensor
    ended: Tensor

    def take(self, kept: Tensor) -> "Beam":
        """Keep some of the sentences, by index."""
        size = self.scores.shape[1]
        rows = (kept.unsqueeze(1) * size + torch.arange(size, device=kept.device)).flatten()
        return Beam(
            self.sentences[kept],
            self.source.take(kept),
            take_rows(self.state, rows),
            self.written[kept],
            self.scores[kept],
            self.ended[kept],
        )


def parts_of(state: State) -> tuple[Tensor, ...]:
    """The tensors of a state."""
    return (state,) if isinstance(state, Tensor) else state


def take_rows(state: State, rows: Tensor) -> State:
    """Keep some of the sequences of a state, by index."""
    if isinstance(state, Tensor):
        return state[:, rows]
    return tuple(part[:, rows] for part in state)


def translate(
    model: Writes,
    pieces: Tensor,
    lengths: Tensor,
    limits: Tensor,
    *,
    start: int,
    end: int,
    beam_size: int,
    length_exponent: float,
) -> list[list[int]]:
    """Write the best translation of each sentence.

    At each step the `beam_size` likeliest continuations of a sentence's hypotheses are
    looked at: those that end are candidates, and as many that do not end go on. A sentence
    is done when `beam_size` candidates have ended. Its translation is the candidate with
    the highest log-probability divided by its number of pieces, the end included, to the
    power of `length_exponent`. With `beam_size` 1, this is greedy.

    Args:
        model: In evaluation mode.
        pieces: Sentences, int (N, S).
        lengths: Of the sentences, int (N,).
        limits: Most pieces of each translation, the end included, int (N,).
        start: Piece that begins a translation.
        end: Piece that closes one; among the model's `written`.
        beam_size: Hypotheses of each sentence, K.
        length_exponent: 0 prefers what is likely, thus short; 1 what is likely by piece.

    Returns:
        The pieces of each translation, without its end.
    """
    closing = int((model.written == end).nonzero())
    beam = first_beam(model, pieces, lengths, beam_size)
    best_score = torch.full_like(limits, IMPOSSIBLE, dtype=beam.scores.dtype)
    best: list[list[int]] = [[] for _ in pieces]
    step = 0
    while len(beam.sentences):
        step += 1
        last = limits[beam.sentences] == step
        grown = grow(model, beam, start, closing, last)
        value, hypothesis = candidates(grown, beam_size, closing, step**length_exponent)
        for row in (value > best_score[beam.sentences]).nonzero().flatten().tolist():
            sentence = int(beam.sentences[row])
            best_score[sentence] = value[row]
            chosen = beam.written[row, grown.parents[row, hypothesis[row]]]
            best[sentence] = model.written[chosen].tolist()
        beam = go_on(beam, grown, closing)
        alive = (beam.ended < beam_size) & ~last
        beam = beam if alive.all() else beam.take(alive.nonzero().flatten())
    return best


class Grown(NamedTuple):
    """The likeliest continuations of a beam, twice as many as it is wide.

    Attributes:
        scores: Log-probability, falling, (N, 2 K).
        parents: Which hypothesis each continues, int (N, 2 K).
        places: Place of its piece among those that may be written, int (N, 2 K).
        state: Of the decoder after the step, (L, N * K, H) each.
    """

    scores: Tensor
    parents: Tensor
    places: Tensor
    state: State


def first_beam(model: Writes, pieces: Tensor, lengths: Tensor, beam_size: int) -> Beam:
    """Read sentences; of the hypotheses, all empty, only the first is possible."""
    source, state = model.encode(pieces, lengths)
    sentences = torch.arange(len(pieces), device=pieces.device)
    floats = parts_of(state)[0]
    scores = floats.new_full((len(pieces), beam_size), IMPOSSIBLE)
    scores[:, 0] = 0
    return Beam(
        sentences,
        source,
        take_rows(state, sentences.repeat_interleave(beam_size)),
        pieces.new_empty(len(pieces), beam_size, 0),
        scores,
        torch.zeros_like(sentences),
    )


def grow(model: Writes, beam: Beam, start: int, closing: int, last: Tensor) -> Grown:
    """Continue all hypotheses by one piece.

    Args:
        model: In evaluation mode.
        beam: What to continue.
        start: Piece that begins a translation.
        closing: Place of the piece that closes one.
        last: Sentences whose hypotheses must end now, bool (N,).
    """
    shape = beam.scores.shape
    if beam.written.shape[2]:
        before = model.written[beam.written[:, :, -1]]
    else:
        before = torch.full_like(beam.scores, start, dtype=torch.int64)
    following, state = model.next_piece(before, beam.state, beam.source)
    scores = beam.scores.unsqueeze(-1) + following
    others = torch.arange(scores.shape[2], device=scores.device) != closing
    scores = scores.masked_fill(last[:, None, None] & others, IMPOSSIBLE)
    values, index = scores.flatten(1).topk(2 * shape[1], dim=1)
    return Grown(values, index // scores.shape[2], index % scores.shape[2], state)


def candidates(grown: Grown, beam_size: int, closing: int, divisor: float) -> tuple[Tensor, Tensor]:
    """The best hypothesis of each sentence that ends now: value and place, (N,) each."""
    scores = grown.scores[:, :beam_size]
    ending = grown.places[:, :beam_size] == closing
    best = (scores / divisor).masked_fill(~ending, IMPOSSIBLE).max(dim=1)
    return best.values, best.indices


def go_on(beam: Beam, grown: Grown, closing: int) -> Beam:
    """The likeliest hypotheses that do not end, as many as there were."""
    num_sentences, size = beam.scores.shape
    ending = grown.places == closing
    scores, kept = grown.scores.masked_fill(ending, IMPOSSIBLE).topk(size, dim=1)
    parents, places = grown.parents.gather(1, kept), grown.places.gather(1, kept)
    sentences = torch.arange(num_sentences, device=parents.device).unsqueeze(1)
    ended = (ending & grown.scores.isfinite())[:, :size].sum(dim=1)
    return Beam(
        beam.sentences,
        beam.source,
        take_rows(grown.state, (sentences * size + parents).flatten()),
        torch.cat([beam.written[sentences, parents], places.unsqueeze(-1)], dim=-1),
        scores,
        beam.ended + ended,
    )
