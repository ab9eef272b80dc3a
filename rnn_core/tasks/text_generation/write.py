"""A text written on from a prompt, token by token."""

import codecs
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.errors import DataError
from rnn_core.features.words import UNKNOWN
from rnn_core.layers.recurrent import State
from rnn_core.models.ensemble import StepEnsemble
from rnn_core.models.language_model import LanguageModel
from rnn_core.readers.plain_text import clean_piece
from rnn_core.tasks.base.serves import AnswerParameters
from rnn_core.tasks.text_generation.learn import Learning
from rnn_core.tasks.text_generation.tokens import tokenize

MOST_HELD = 8
"""Subwords of a last word that may be cut again."""

LEAST_LOG = -1e307
"""Least logarithm that a penalty leads to: differences of these are still numbers."""

SEEDS = 2**64
"""Number of seeds of a generator of random numbers."""


@dataclass(frozen=True, kw_only=True)
class TextAnswer(AnswerParameters):
    """Options of a continuation of a text.

    Attributes:
        num_tokens: Tokens to write.
        temperature: Below 1 prefers likely tokens, above 1 evens them out; 0 takes the
            likeliest.
        top_k: Number of the likeliest tokens to draw from; 0: all.
        top_p: Draw from the fewest of the likeliest tokens whose probabilities add up to this
            (Holtzman et al., arXiv:1904.09751v2); 1: from all.
        repetition_penalty: The log-probability of a token that is in the prompt, or was written,
            is multiplied by this (Keskar et al., arXiv:1909.05858v2); 1: no penalty.
        stop: Write until this comes, or one of these, which is not written any more; none: go on.
        seed: The same seed writes the same text.
    """

    num_tokens: int = 200
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    stop: str | tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_tokens < 1:
            raise ValueError("num_tokens must be at least 1")
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature must be at least 0, not {self.temperature}")
        if min(self.top_k, self.seed) < 0:
            raise ValueError("top_k and seed must not be negative")
        if self.seed >= SEEDS:
            raise ValueError("seed must be below 2**64")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0, and 1 at most, not {self.top_p}")
        if not 1 <= self.repetition_penalty < math.inf:
            raise ValueError(
                f"repetition_penalty must be at least 1, not {self.repetition_penalty}"
            )

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts that end the output, and are not part of it."""
        stops = (self.stop,) if isinstance(self.stop, str) else self.stop
        return tuple(filter(None, stops))


class Writing(Learning):
    """Writes on from prompts."""

    def generate(self, model: nn.Module, prompt: str, parameters: TextAnswer) -> str:
        """A prompt and what follows it; see `stream`."""
        return prompt + "".join(self.stream(model, prompt, parameters))

    def stream(self, model: nn.Module, prompt: str, parameters: TextAnswer) -> Iterator[str]:
        """Write on from a prompt, and yield what follows it piece by piece.

        Args:
            model: A model of this task, on the CPU and in evaluation mode.
            prompt: Text to start from; an empty one starts as after a line break.
            parameters: How to write.

        Raises:
            DataError: If the prompt holds a token that the model was not trained on, before
                anything is yielded.
        """
        pieces = self.pieces(model, prompt, parameters)
        return until(pieces, parameters.stops) if parameters.stops else pieces

    def pieces(self, model: nn.Module, prompt: str, parameters: TextAnswer) -> Iterator[str]:
        """Continue a prompt token by token, without looking for its end; see `stream`."""
        generator = torch.Generator().manual_seed(parameters.seed)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        never, written = self.index[UNKNOWN], 0
        read, held = self.read_prompt(prompt)
        there = read[1:] if self.subwords else list(read)
        logits, state = advance(model, read, None)
        while True:
            token = sample(self.going_on(logits, held), parameters, generator, never, there)
            new, held = self.spelled[token][len(held) :], held[len(self.spelled[token]) :]
            if piece := decoder.decode(new):
                yield piece
            there.append(token)
            written += new != b""
            if written >= parameters.num_tokens:
                break
            logits, state = advance(model, [token], state)
        if piece := decoder.decode(b"", final=True):
            yield piece

    def text_of(self, tokens: Iterable[int]) -> str:
        """Text of some tokens."""
        return b"".join(self.spelled[token] for token in tokens).decode(errors="replace")

    def going_on(self, logits: Tensor, held: bytes) -> Tensor:
        """Logits (V,) of tokens that agree with what is held back of a prompt; of all, if none."""
        if not held:
            return logits
        agrees = [bool(s) and (s.startswith(held) or held.startswith(s)) for s in self.spelled]
        agrees[self.index[UNKNOWN]] = False
        return logits.masked_fill(~torch.tensor(agrees), -math.inf) if any(agrees) else logits

    def read_prompt(self, prompt: str) -> tuple[list[int], bytes]:
        """Tokens of a prompt, at least one; and the part of its end that is held back.

        What is written begins with that, which is not written again: the blank before the next
        word, or of subwords the last word, which may go on. Where a prompt ends within a word,
        the texts that a model has read have other subwords.

        Raises:
            DataError: If it holds one that the model was not trained on. What is not in
                the vocabulary is read as the unknown token if the training set had such.
        """
        prompt = clean_piece(prompt)
        if self.subwords is None:
            return self.read_known(prompt)
        tokens = self.subwords.encode(prompt)
        kept = self.before_last_word(tokens)
        held = b"".join(self.spelled[token] for token in tokens[kept:])
        return [self.line_break, *tokens[:kept]], held

    def before_last_word(self, tokens: Sequence[int]) -> int:
        """Number of subwords before the last word; before the last one, where it is long."""
        for back in range(1, min(MOST_HELD, len(tokens)) + 1):
            spelled = self.spelled[tokens[-back]]
            if spelled.startswith(b" "):
                return len(tokens) - back
            if spelled == b"\n":
                return len(tokens) - back + 1
        return 0 if len(tokens) <= MOST_HELD else len(tokens) - 1

    def read_known(self, prompt: str) -> tuple[list[int], bytes]:
        """As `read_prompt`, where tokens are characters or words."""
        kind = self.meta.parameters.tokens
        spaced = kind == "word" and prompt.endswith(" ")
        text = prompt.rstrip(" ") if spaced else prompt
        tokens = tokenize(text, kind) or ["\n" if "\n" in self.index else self.vocabulary[1]]
        for place, token in enumerate(tokens, start=1):
            if token not in self.index and not self.meta.unknown["train"]:
                what = {"char": "character", "word": "word or mark"}[kind]
                raise DataError(
                    f"{what} {place} of the prompt is {token!r}, which the text that the model "
                    "learned from does not have; leave it out"
                )
        read = [self.index.get(token, self.index[UNKNOWN]) for token in tokens]
        return read, b" " if spaced else b""


@torch.inference_mode()
def advance(model: nn.Module, tokens: list[int], state: State | None) -> tuple[Tensor, State]:
    """Read tokens; returns the logits (V,) of the next one, and the state."""
    assert isinstance(model, (LanguageModel, StepEnsemble))
    if len(tokens) == 1:
        logits, state = model.step(torch.tensor(tokens), state)
        return logits[0], state
    logits, state = model(torch.tensor([tokens]), state)
    return logits[0, -1].clone(), state


def sample(
    logits: Tensor,
    parameters: TextAnswer,
    generator: torch.Generator,
    never: int,
    there: Sequence[int] = (),
) -> int:
    """Draw a token from logits (V,), but never the one given.

    Args:
        logits: Of the next token.
        parameters: How to write.
        generator: What draws.
        never: A token that is not drawn.
        there: The tokens before it.
    """
    logits = logits.index_fill(0, torch.tensor([never]), -math.inf)
    if parameters.repetition_penalty > 1:
        # logits may be shifted by anything; their logarithms are those of probabilities
        logs = logits.double().log_softmax(dim=-1)
        seen = torch.tensor(sorted(set(there) - {never}), dtype=torch.int64)
        penalised = logs[seen] * parameters.repetition_penalty
        logits = logs.index_copy(0, seen, penalised.clamp(min=LEAST_LOG))
    if parameters.temperature == 0:
        return int(logits.argmax())
    if 0 < parameters.top_k < len(logits):
        least = logits.topk(parameters.top_k).values[-1]
        logits = logits.masked_fill(logits < least, -math.inf)
    # the likeliest becomes 0, which no temperature takes out of range
    scaled = (logits - logits.max()).double() / parameters.temperature
    chances = functional.softmax(scaled, -1)
    if parameters.top_p < 1:
        chances = nucleus(chances, parameters.top_p)
    return int(torch.multinomial(chances, 1, generator=generator))


def nucleus(chances: Tensor, top_p: float) -> Tensor:
    """Probabilities (V,) without those beyond the likeliest that add up to `top_p`."""
    ranked, order = chances.sort(descending=True)
    beyond = ranked.cumsum(dim=-1) - ranked >= top_p
    return chances.index_fill(0, order[beyond], 0)


def until(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """Pieces of a text up to where the first of `stops` that is complete begins.

    Of several that end at once it is the longest. However the text is cut into pieces, what comes
    is the same. What may be the beginning of one is held back until it is known not to be.
    """
    held = ""
    for piece in pieces:
        held += piece
        found = [(held.find(stop) + len(stop), -len(stop)) for stop in stops if stop in held]
        if found:
            end, length = min(found)
            if held[: end + length]:
                yield held[: end + length]
            return
        begun = begun_at_the_end(held, stops)
        if begun < len(held):
            yield held[: len(held) - begun]
            held = held[len(held) - begun :]
    if held:
        yield held


def begun_at_the_end(text: str, stops: Sequence[str]) -> int:
    """Most characters at the end of a text that one of `stops` begins with, but is not yet."""
    longest = max(map(len, stops)) - 1
    most = (k for k in range(min(longest, len(text)), 0, -1) if is_begun(text[-k:], stops))
    return next(most, 0)


def is_begun(text: str, stops: Sequence[str]) -> bool:
    """Return whether one of `stops` goes on from a text."""
    return any(stop.startswith(text) and stop != text for stop in stops)
