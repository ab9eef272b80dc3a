"""A text written on from a prompt, token by token."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.errors import DataError
from rnn_core.features.words import UNKNOWN
from rnn_core.layers.recurrent import State
from rnn_core.models.ensemble import StepEnsemble
from rnn_core.models.language_model import LanguageModel
from rnn_core.tasks.base.serves import AnswerParameters
from rnn_core.tasks.text_generation.learn import Learning
from rnn_core.tasks.text_generation.tokens import tokenize


@dataclass(frozen=True, kw_only=True)
class TextAnswer(AnswerParameters):
    """How a text is written on.

    Attributes:
        num_tokens: Tokens to write.
        temperature: Below 1 prefers likely tokens, above 1 evens them out; 0 takes the
            likeliest.
        top_k: Draw from so many of the likeliest tokens; 0: from all.
        seed: The same seed writes the same text.
    """

    num_tokens: int = 200
    temperature: float = 1.0
    top_k: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_tokens < 1:
            raise ValueError("num_tokens must be at least 1")
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature must be at least 0, not {self.temperature}")
        if min(self.top_k, self.seed) < 0:
            raise ValueError("top_k and seed must not be negative")


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
            DataError: If the prompt holds a token that the model was not trained on.
        """
        generator = torch.Generator().manual_seed(parameters.seed)
        never = self.index[UNKNOWN]
        logits, state = advance(model, self.read_prompt(prompt), None)
        for written in range(parameters.num_tokens):
            token = sample(logits, parameters, generator, never)
            piece = self.vocabulary[token]
            # a word brings its space along, which the prompt may have already
            yield piece.removeprefix(" ") if written == 0 and self.spaced(prompt) else piece
            if written + 1 < parameters.num_tokens:
                logits, state = advance(model, [token], state)

    def spaced(self, prompt: str) -> bool:
        """Whether a prompt ends in the space of the word that is to follow."""
        return self.meta.parameters.tokens == "word" and prompt.endswith(" ")

    def read_prompt(self, prompt: str) -> list[int]:
        """Tokens of a prompt, at least one.

        Raises:
            DataError: If it holds one that the model was not trained on. What is not in
                the vocabulary is read as the unknown token if the training side had such.
        """
        kind = self.meta.parameters.tokens
        text = prompt.rstrip(" ") if self.spaced(prompt) else prompt
        tokens = tokenize(text, kind) or ["\n" if "\n" in self.index else self.vocabulary[1]]
        for place, token in enumerate(tokens, start=1):
            if token not in self.index and not self.meta.unknown["train"]:
                what = {"char": "character", "word": "word or mark"}[kind]
                raise DataError(
                    f"{what} {place} of the prompt is {token!r}, which the text that the model "
                    "learned from does not have; leave it out"
                )
        return [self.index.get(token, self.index[UNKNOWN]) for token in tokens]


@torch.inference_mode()
def advance(model: nn.Module, tokens: list[int], state: State | None) -> tuple[Tensor, State]:
    """Read tokens; returns the logits (V,) of the next one, and the state."""
    assert isinstance(model, (LanguageModel, StepEnsemble))
    if len(tokens) == 1:
        logits, state = model.step(torch.tensor(tokens), state)
        return logits[0], state
    logits, state = model(torch.tensor([tokens]), state)
    return logits[0, -1].clone(), state


def sample(logits: Tensor, parameters: TextAnswer, generator: torch.Generator, never: int) -> int:
    """Draw a token from logits (V,), but never the one given."""
    logits = logits.index_fill(0, torch.tensor([never]), -math.inf)
    if parameters.temperature == 0:
        return int(logits.argmax())
    if 0 < parameters.top_k < len(logits):
        least = logits.topk(parameters.top_k).values[-1]
        logits = logits.masked_fill(logits < least, -math.inf)
    # the likeliest becomes 0, which no temperature takes out of range
    scaled = (logits - logits.max()).double() / parameters.temperature
    return int(torch.multinomial(functional.softmax(scaled, -1), 1, generator=generator))
