"""Text generation: predict the next character or word, and write on from a prompt."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.errors import DataError, ParameterError
from rnn_core.models.language_model import LanguageModel
from rnn_core.recurrent import MakeCell, State
from rnn_core.tasks.base import (
    SPLITS,
    Batch,
    Data,
    Meta,
    Metric,
    ModelParameters,
    Scores,
    Split,
    Task,
    required_column,
)

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "<unknown>"
"""Stands for every token that the training side does not hold."""

STREAM_TOKENS = 4096
"""Texts are scored in streams of this many tokens; each starts without context."""

ITEM_TOKENS = 256
"""Tokens of one scored item; the state is carried from item to item of a stream."""

ANSWER_TOKENS = 200
"""Tokens that a served model writes."""


@dataclass(frozen=True, kw_only=True)
class TextData:
    """How a text becomes tokens and sides.

    Attributes:
        tokens: Whether a token is a character, or a word or punctuation mark.
        max_vocabulary: Most different tokens, the one for unknown tokens included.
        validation_share: Share of the text, before the test side, kept for choosing.
        test_share: Share of the text, at its end, kept for the final score.
    """

    tokens: Literal["char", "word"] = "char"
    max_vocabulary: int = 10_000
    validation_share: float = 0.05
    test_share: float = 0.10

    def __post_init__(self) -> None:
        if self.max_vocabulary < 2:
            raise ValueError("max_vocabulary must be at least 2")
        if min(self.validation_share, self.test_share) <= 0:
            raise ValueError("validation_share and test_share must be above 0")
        if self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share and test_share leave nothing to train on")


@dataclass(frozen=True, kw_only=True)
class TextModel(ModelParameters):
    """The language model.

    Attributes:
        embedding_size: Size of a token's vector.
        sequence_length: Tokens of one training sequence; gradients do not reach back
            further, but the state is carried from one sequence to the next (truncated
            backpropagation through time).
    """

    embedding_size: int = 64
    sequence_length: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.embedding_size, self.sequence_length) < 1:
            raise ValueError("embedding_size and sequence_length must be at least 1")


class TextGeneration(Task):
    """Next-token prediction over one long text.

    The metric is the cross-entropy on tokens that were not seen, in natural logarithms:
    divided by ln 2 it is bits per token.
    """

    metric = Metric("nats_per_token", "nats per token", "lower")
    DataParameters = TextData
    ModelParameters = TextModel
    model: TextModel

    def __init__(self, meta: Meta, model: Any) -> None:
        super().__init__(meta, model)
        self.vocabulary: list[str] = list(meta["vocabulary"])
        self.index = {token: i for i, token in enumerate(self.vocabulary)}

    @classmethod
    def prepare(cls, raw: Path, parameters: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        text = read_text(raw)
        tokens = tokenize(text, parameters.tokens)
        sides = split_tokens(tokens, parameters)
        vocabulary = build_vocabulary(sides["train"], parameters.max_vocabulary)
        index = {token: i for i, token in enumerate(vocabulary)}
        data: dict[str, Tensor] = {s: encode(side, index) for s, side in sides.items()}
        meta: dict[str, Any] = {
            "parameters": asdict(parameters),
            "vocabulary": vocabulary,
            "items": {s: len(side) for s, side in sides.items()},
            "optimum": text_optimum(raw, len(sides["test"])),
        }
        return data, meta

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return LanguageModel(
            make_cell,
            len(self.vocabulary),
            self.model.embedding_size,
            dropout=self.model.dropout,
        )

    def num_batches(self, data: Data, batch_size: int) -> int:
        return (len(data["train"]) - 1) // (batch_size * self.model.sequence_length)

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        """Lay the text out in `batch_size` parallel streams, shifted anew each epoch."""
        length = self.model.sequence_length
        steps = self.num_batches(data, batch_size)
        if steps == 0:
            raise ParameterError(
                f"the training text has {len(data['train'])} tokens, fewer than batch_size x "
                f"sequence_length = {batch_size * length}; make one of them smaller"
            )
        used = steps * batch_size * length
        spare = len(data["train"]) - 1 - used
        start = int(torch.randint(spare + 1, (), generator=generator))
        tokens = data["train"][start : start + used + 1].long()
        inputs = tokens[:-1].view(batch_size, -1).split(length, dim=1)
        targets = tokens[1:].view(batch_size, -1).split(length, dim=1)
        yield from zip(inputs, targets, strict=True)

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        inputs, targets = batch
        logits, state = model(inputs, state)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten()), detach(state)

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Mean cross-entropy of every `ITEM_TOKENS` tokens."""
        tokens = data[split].long()
        inputs, targets = streams(tokens[:-1]), streams(tokens[1:], fill=-1)
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
        return Scores(value[weight > 0].cpu(), weight[weight > 0].cpu())

    def baselines(self, data: Data) -> dict[str, float]:
        train, test = data["train"].long(), data["test"].long()
        unigram = unigram_probabilities(train, len(self.vocabulary))
        bigram = bigram_probabilities(train, test, unigram)
        return {
            "unigram": float(-unigram[test[1:]].log().mean()),
            "bigram": float(-bigram.log().mean()),
        }

    def optimum(self) -> float | None:
        optimum: float | None = self.meta["optimum"]
        return optimum

    def answer(self, model: nn.Module, table: "pd.DataFrame") -> "pd.DataFrame":
        """Write on from each text of the column `prompt`, into the column `text`."""
        import pandas as pd  # noqa: PLC0415 - training does without

        prompts = required_column(table, "prompt")
        with torch.inference_mode():
            texts = [self.generate(model, str(prompt), ANSWER_TOKENS) for prompt in prompts]
        return pd.DataFrame({"text": texts})

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame({"prompt": ["The "]})

    def generate(
        self,
        model: nn.Module,
        prompt: str,
        num_tokens: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
    ) -> str:
        """Write on from a prompt.

        Args:
            model: A model of this task, in evaluation mode.
            prompt: Text to start from; an empty one starts from a line break.
            num_tokens: Tokens to write.
            temperature: Below 1 prefers likely tokens; 0 takes the likeliest.
            seed: The same seed writes the same text.
        """
        generator = torch.Generator().manual_seed(seed)
        kind = self.meta["parameters"]["tokens"]
        written = tokenize(prompt or "\n", kind)
        logits, state = model(encode(written, self.index).long()[None])
        for _ in range(num_tokens):
            token = sample(logits[0, -1], temperature, generator, self.index[UNKNOWN])
            written.append(self.vocabulary[token])
            logits, state = model(torch.tensor([[token]]), state)
        return join(written, kind)


def read_text(raw: Path) -> str:
    """Read the one text file of a raw folder."""
    files = sorted(raw.glob("*.txt"))
    if len(files) != 1:
        raise DataError(f"{raw} holds {len(files)} .txt files; text generation needs exactly one")
    try:
        text = files[0].read_bytes().decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{files[0]} is not UTF-8 at byte {error.start}; convert it") from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def tokenize(text: str, tokens: str) -> list[str]:
    """Cut a text into characters, or into words, punctuation marks and line breaks."""
    return list(text) if tokens == "char" else re.findall(r"\w+|[^\w\s]|\n", text)


def join(tokens: list[str], kind: str) -> str:
    """Undo `tokenize`; for words, with single spaces before all but punctuation."""
    if kind == "char":
        return "".join(tokens)
    return re.sub(r" ([^\w\s]|\n)", r"\1", " ".join(tokens))


def split_tokens(tokens: list[str], parameters: TextData) -> dict[Split, list[str]]:
    """Cut the text into its sides, in the order of the text."""
    test = len(tokens) - round(len(tokens) * parameters.test_share)
    validation = test - round(len(tokens) * parameters.validation_share)
    sides: dict[Split, list[str]] = {
        "train": tokens[:validation],
        "validation": tokens[validation:test],
        "test": tokens[test:],
    }
    for split in SPLITS:
        if len(sides[split]) < 2:
            raise DataError(f"the {split} side has fewer than 2 tokens; the text is too short")
    return sides


def build_vocabulary(tokens: list[str], max_vocabulary: int) -> list[str]:
    """The most frequent tokens, ties in alphabetical order, after the unknown one."""
    counts = Counter(tokens)
    by_frequency = sorted(counts, key=lambda token: (-counts[token], token))
    return [UNKNOWN, *by_frequency[: max_vocabulary - 1]]


def encode(tokens: list[str], index: dict[str, int]) -> Tensor:
    """Tokens as int32 (N,)."""
    return torch.tensor([index.get(token, 0) for token in tokens], dtype=torch.int32)


def text_optimum(raw: Path, num_test: int) -> float | None:
    """Entropy of the test side, where the source knows it character by character."""
    file = raw / "log_probability.npy"
    if not file.exists():
        return None
    return float(-np.load(file)[1 - num_test :].mean())


def streams(tokens: Tensor, fill: int = 0) -> Tensor:
    """Lay tokens (N,) out in rows of `STREAM_TOKENS`; the last row is filled up."""
    length = min(STREAM_TOKENS, len(tokens))
    missing = -len(tokens) % length
    return functional.pad(tokens, (0, missing), value=fill).view(-1, length)


def unigram_probabilities(train: Tensor, vocabulary_size: int) -> Tensor:
    """Relative frequency of each token with one added, float64 (V,)."""
    counts = torch.bincount(train, minlength=vocabulary_size).double() + 1
    return counts / counts.sum()


def bigram_probabilities(train: Tensor, test: Tensor, unigram: Tensor) -> Tensor:
    """Probability of each test token after the first, given the one before.

    Relative frequencies, drawn to the unigram ones as by one earlier observation.
    """
    size = len(unigram)
    pairs, pair_counts = torch.unique(train[:-1] * size + train[1:], return_counts=True)
    wanted = test[:-1] * size + test[1:]
    place = torch.searchsorted(pairs, wanted).clamp(max=len(pairs) - 1)
    count = torch.where(pairs[place] == wanted, pair_counts[place], 0)
    before = torch.bincount(train[:-1], minlength=size)[test[:-1]]
    return (count + unigram[test[1:]]) / (before + 1)


def detach(state: State) -> State:
    """Cut a state off from the gradient of what comes next."""
    return state.detach() if isinstance(state, Tensor) else tuple(s.detach() for s in state)


def sample(logits: Tensor, temperature: float, generator: torch.Generator, never: int) -> int:
    """Draw a token from logits (V,), but never the one given."""
    logits = logits.clone()
    logits[never] = float("-inf")
    if temperature == 0:
        return int(logits.argmax())
    probabilities = functional.softmax(logits / temperature, dim=-1)
    return int(torch.multinomial(probabilities, 1, generator=generator))
