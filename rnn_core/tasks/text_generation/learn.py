"""Text generation: predict the next character or word, and write on from a prompt."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.baselines.ngrams import kneser_ney
from rnn_core.errors import DataError, ParameterError
from rnn_core.features.words import UNKNOWN, build_vocabulary, encode
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.models.language_model import LanguageModel
from rnn_core.readers.plain_text import only_text_file, read_plain_text
from rnn_core.readers.sides import check_shares, cut_in_order
from rnn_core.tasks.base.task import (
    SPLITS,
    AnswerParameters,
    Batch,
    Data,
    Illustration,
    Meta,
    Metric,
    ModelParameters,
    Scores,
    Split,
    Suggestion,
    Task,
    required_column,
)

if TYPE_CHECKING:
    import pandas as pd

STREAM_TOKENS = 4096
"""Texts are scored in streams of this many tokens; each starts without context."""

ITEM_TOKENS = 256
"""Tokens of one scored item; the state is carried from item to item of a stream."""

SCORED_LOGITS = 2**26
"""Most logits that scoring holds at a time, 4 bytes each."""

LONGEST_NGRAM = 8
"""Most tokens of the n-grams that are counted for a baseline."""

SIZES: tuple[tuple[float, tuple[int, int, int, int, int]], ...] = (
    (20_000, (64, 32, 32, 8, 40)),
    (200_000, (128, 64, 64, 16, 20)),
    (5_000_000, (320, 64, 128, 32, 10)),
    (math.inf, (512, 64, 128, 64, 4)),
)
"""For fewer training tokens: hidden and embedding size, sequence length, batch size, epochs."""

CODE_POINTS = 0x110000
"""Characters that Unicode has room for."""

EXAMPLE_TOKENS = 8
"""Tokens of the prompt that is an example."""

ILLUSTRATED: dict[str, tuple[int, int]] = {"char": (16, 300), "word": (4, 60)}
"""By kind of token, how many of them illustrate a model: of a prompt, and written on."""

TEMPERATURE = 0.8
"""Of texts that illustrate a model, so that one unlikely token does not spoil them."""


@dataclass(frozen=True, kw_only=True)
class TextData:
    """How a text becomes tokens and sides.

    Attributes:
        tokens: Whether a token is a character, or a word or punctuation mark with the
            space before it.
        max_vocabulary: Most different tokens, the one for unknown tokens included.
        validation_share: Share of the text, before the test side, kept for choosing.
        test_share: Share of the text, at its end, kept for the final score.
    """

    tokens: Literal["char", "word"] = "char"
    max_vocabulary: int = 10_000
    validation_share: float = 0.05
    test_share: float = 0.10

    def __post_init__(self) -> None:
        if self.tokens not in ("char", "word"):
            raise ValueError(f"tokens must be char or word, not {self.tokens!r}")
        if self.max_vocabulary < 2:
            raise ValueError("max_vocabulary must be at least 2")
        check_shares(self.validation_share, self.test_share)


@dataclass(frozen=True, kw_only=True)
class TextModel(ModelParameters):
    """The language model.

    Attributes:
        embedding_size: Size of a token's vector.
        sequence_length: Tokens of one training sequence; gradients do not reach back
            further, but the state is carried from one sequence to the next (truncated
            backpropagation through time).
        embedding_dropout: Share of the entries of embeddings dropped while training, in
            [0, 1).
        tie_weights: Whether tokens have the same vectors at the output as at the input;
            see `rnn_core.models.language_model.LanguageModel`.
    """

    embedding_size: int = 64
    sequence_length: int = 64
    embedding_dropout: float = 0.0
    tie_weights: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.embedding_size, self.sequence_length) < 1:
            raise ValueError("embedding_size and sequence_length must be at least 1")
        if not 0 <= self.embedding_dropout < 1:
            raise ValueError(f"embedding_dropout must be in [0, 1), not {self.embedding_dropout}")


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


class TextGeneration(Task):
    """Next-token prediction over one long text.

    The metric is the cross-entropy on tokens that were not seen, in natural logarithms:
    divided by ln 2 it is bits per token. Models of characters and of words compare by
    `nats_per_character`, which is the length of a code for the text: there, an unknown
    token is spelled out; see `spelling_nats`.
    """

    metric = Metric(
        "nats_per_token",
        "nats per token",
        "lower",
        "mean of -ln p(token | those before it); every token that the training side does "
        "not have counts as the same one",
    )
    margin = 0.02
    DataParameters = TextData
    ModelParameters = TextModel
    AnswerParameters = TextAnswer
    model: TextModel

    def __init__(self, meta: Meta, model: Any, seed: int = 0) -> None:
        super().__init__(meta, model, seed)
        self.vocabulary: list[str] = list(meta["vocabulary"])
        self.index = {token: i for i, token in enumerate(self.vocabulary)}

    def check(self) -> None:
        tokens = self.meta["items"]["train"]
        if tokens <= self.model.sequence_length:
            raise ParameterError(
                f"sequence_length {self.model.sequence_length} is more than the "
                f"{tokens} tokens of the training side have room for; make it smaller"
            )

    @classmethod
    def prepare(cls, raw: Path, parameters: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        text = read_text(raw)
        sides = split_tokens(tokenize(text, parameters.tokens), parameters)
        vocabulary = build_vocabulary(sides["train"], parameters.max_vocabulary)
        index = {token: i for i, token in enumerate(vocabulary)}
        data: dict[str, Tensor] = {s: encode(side, index) for s, side in sides.items()}
        check_known(data, parameters.max_vocabulary)
        unknown = {s: [t for t in side[1:] if t not in index] for s, side in sides.items()}
        meta: dict[str, Any] = {
            "parameters": asdict(parameters),
            "vocabulary": vocabulary,
            "items": {s: len(side) for s, side in sides.items()},
            "characters": {s: sum(map(len, side[1:])) for s, side in sides.items()},
            "unknown": {s: len(tokens) for s, tokens in unknown.items()},
            "spelling_nats": spelling_nats(unknown, sides["train"]),
            "optimum": text_optimum(raw, len(sides["test"])),
        }
        return data, meta

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return LanguageModel(
            make_cell,
            len(self.vocabulary),
            self.model.embedding_size,
            dropout=self.model.dropout,
            embedding_dropout=self.model.embedding_dropout,
            tie_weights=self.model.tie_weights,
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
        rows = max(1, SCORED_LOGITS // (ITEM_TOKENS * len(self.vocabulary)))
        groups = zip(inputs.split(rows), targets.split(rows), strict=True)
        parts = [score_streams(model, *group) for group in groups]
        values, weights = (torch.cat(part).cpu() for part in zip(*parts, strict=True))
        return Scores(values, weights, others=self.other_metrics(values @ weights, split))

    def other_metrics(self, nats: Tensor, split: Split) -> dict[str, float]:
        """Further metrics, from the sum of the cross-entropies of a side's tokens."""
        tokens = self.meta["items"][split] - 1
        spelled = float(nats) + self.meta["spelling_nats"][split]
        per_character = spelled / self.meta["characters"][split]
        return {
            "nats_per_character": per_character,
            "bits_per_character": per_character / math.log(2),
            # what is beyond e^700 does not fit into a float
            "perplexity": math.exp(min(float(nats) / tokens, 700.0)),
            "unknown_share": self.meta["unknown"][split] / tokens,
        }

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """Two short starts of lines of the side, and how the model writes on from each."""
        num_prompt, num_tokens = ILLUSTRATED[self.meta["parameters"]["tokens"]]
        texts = []
        for seed, prompt in enumerate(self.prompts(data[split], num_prompt)):
            how = TextAnswer(num_tokens=num_tokens, temperature=TEMPERATURE, seed=seed)
            texts.append({"prompt": prompt, "text": self.generate(model, prompt, how)})
        return {"kind": "text", "texts": texts}

    def prompts(self, tokens: Tensor, length: int) -> tuple[str, str]:
        """The start of the first line of tokens (N,), and of one in the middle.

        Only known tokens are taken. Where no line starts with so many, any place is taken,
        and where there is none, prompts are empty.
        """
        windows = tokens.unfold(0, min(length, len(tokens)), 1)
        known = (windows != self.index[UNKNOWN]).all(dim=1)
        is_break = tokens[: len(known)] == self.index.get("\n", -1)
        starts = known & is_break.roll(1) & ~is_break
        starts[0] = False  # a side begins anywhere in a line
        places = (starts if starts.any() else known).nonzero().flatten().tolist()
        if not places:
            return "", ""
        first, middle = (windows[places[i]].tolist() for i in (0, len(places) // 2))
        return self.spelled(first), self.spelled(middle)

    def spelled(self, tokens: list[int]) -> str:
        """The text of known tokens."""
        return "".join(self.vocabulary[token] for token in tokens)

    def baselines(self, data: Data) -> dict[str, float]:
        """Relative frequencies, those after one token, and the best n-grams."""
        train, test = data["train"].long(), data["test"].long()
        unigram = unigram_probabilities(train, len(self.vocabulary))
        bigram = bigram_probabilities(train, test, unigram)
        counted, chooses, scored = (data[split].long().numpy() for split in SPLITS)
        return {
            "unigram": float(-unigram[test[1:]].log().mean()),
            "bigram": float(-bigram.log().mean()),
            "n_gram": kneser_ney(counted, chooses, scored, len(self.vocabulary), LONGEST_NGRAM),
        }

    def optimum(self) -> float | None:
        optimum: float | None = self.meta["optimum"]
        return optimum

    @classmethod
    def suggest(cls, raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
        """A model as large as the text can train, and more epochs and dropout for less."""
        try:
            parameters = TextData(**wanted)
        except (TypeError, ValueError) as error:
            raise ParameterError(str(error)) from None
        _, meta = cls.prepare(raw, parameters)
        model, training = parameters_for(meta["items"]["train"])
        if parameters.tokens == "word":
            model |= {"embedding_size": 2 * model["embedding_size"], "embedding_dropout": 0.2}
        data = {"tokens": parameters.tokens, **wanted}
        return {"data": data, "model": model, "training": training}

    @classmethod
    def read_input(cls, path: Path) -> "pd.DataFrame":
        """Read a text file as one prompt; the line break at its end is not part of it."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame({"prompt": [read_plain_text(path).removesuffix("\n")]})

    def answer(self, model: nn.Module, table: "pd.DataFrame", parameters: Any) -> "pd.DataFrame":
        """Write on from each text of the column `prompt`, into the column `text`."""
        import pandas as pd  # noqa: PLC0415 - training does without

        prompts = [str(prompt) for prompt in required_column(table, "prompt")]
        for row, prompt in enumerate(prompts, start=1):
            try:
                self.read_prompt(prompt)
            except DataError as error:
                raise DataError(f"row {row}: {error}") from None
        return pd.DataFrame({"text": [self.generate(model, p, parameters) for p in prompts]})

    def example(self, raw: Path) -> "pd.DataFrame":
        """The first few tokens of the text."""
        import pandas as pd  # noqa: PLC0415 - training does without

        tokens = tokenize(read_text(raw), self.meta["parameters"]["tokens"])
        return pd.DataFrame({"prompt": ["".join(tokens[:EXAMPLE_TOKENS])]})

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
        return self.meta["parameters"]["tokens"] == "word" and prompt.endswith(" ")

    def read_prompt(self, prompt: str) -> list[int]:
        """Tokens of a prompt, at least one.

        Raises:
            DataError: If it holds one that the model was not trained on. What is not in
                the vocabulary is read as the unknown token if the training side had such.
        """
        kind = self.meta["parameters"]["tokens"]
        text = prompt.rstrip(" ") if self.spaced(prompt) else prompt
        tokens = tokenize(text, kind) or ["\n" if "\n" in self.index else self.vocabulary[1]]
        for place, token in enumerate(tokens, start=1):
            if token not in self.index and not self.meta["unknown"]["train"]:
                what = {"char": "character", "word": "word or mark"}[kind]
                raise DataError(
                    f"{what} {place} of the prompt is {token!r}, which the text that the model "
                    "learned from does not have; leave it out"
                )
        return [self.index.get(token, self.index[UNKNOWN]) for token in tokens]


def read_text(raw: Path) -> str:
    """Read the one text file of a raw folder.

    Raises:
        DataError: If there is not exactly one, or it cannot be used.
    """
    return read_plain_text(only_text_file(raw, "text generation"))


def tokenize(text: str, tokens: str) -> list[str]:
    """Cut a text into characters, or words and marks; joined, they are the text again.

    A word or punctuation mark keeps the one space before it; other white space is a
    token for each character.
    """
    return list(text) if tokens == "char" else re.findall(r" ?\w+| ?[^\w\s]|\s", text)


def split_tokens(tokens: Sequence[str], parameters: TextData) -> dict[Split, Sequence[str]]:
    """Cut the text into its sides, in the order of the text."""
    parts = cut_in_order(tokens, parameters.validation_share, parameters.test_share)
    sides: dict[Split, Sequence[str]] = dict(zip(SPLITS, parts, strict=True))
    for split in SPLITS:
        if len(sides[split]) < 2:
            raise DataError(
                f"the text has {len(tokens)} tokens, which leaves the {split} side fewer than 2; "
                "it is too short"
            )
    if len(set(sides["train"])) == 1:
        raise DataError(
            f"the training side is {sides['train'][0]!r} over and over; there is nothing to learn"
        )
    return sides


def check_known(data: Data, max_vocabulary: int) -> None:
    """Refuse a text of which the vocabulary covers less than half.

    Raises:
        ParameterError: If the training side is cut down too far.
        DataError: If another side is too different from the training side.
    """
    unknown = {split: float((data[split] == 0).double().mean()) for split in SPLITS}
    if unknown["train"] > 0.5:
        raise ParameterError(
            f"max_vocabulary {max_vocabulary} makes {unknown['train']:.0%} of the tokens "
            "unknown; raise it"
        )
    for split in SPLITS[1:]:
        if unknown[split] > 0.5:
            raise DataError(
                f"{unknown[split]:.0%} of the tokens of the {split} side are not in the "
                "vocabulary of the training side; is the text of one kind, and long enough?"
            )


def spelling_nats(unknown: Mapping[Split, Sequence[str]], train: Sequence[str]) -> dict[str, float]:
    """Nats that it takes to spell the unknown tokens of each side.

    Characters, and an end after each token, have their relative frequency in the training
    side, drawn to an equal one for all of Unicode as by one earlier observation.
    """
    counts = Counter(character for token in train for character in token)
    total = counts.total() + len(train) + 1
    rare = 1 / (CODE_POINTS + 1)
    end = math.log(total / (len(train) + rare))
    cost = {token: end for side in unknown.values() for token in side}
    for token in cost:
        cost[token] += sum(math.log(total / (counts[c] + rare)) for c in token)
    return {split: math.fsum(map(cost.__getitem__, side)) for split, side in unknown.items()}


def parameters_for(num_tokens: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters of the model and of its training for a training side of some tokens."""
    size = next(size for limit, size in SIZES if num_tokens < limit)
    hidden_size, embedding_size, length, batch_size, epochs = size
    while batch_size * length * 4 > num_tokens and batch_size * length > 1:
        batch_size, length = max(1, batch_size // 2), max(1, length // (1 + (batch_size == 1)))
    model = {
        "hidden_size": hidden_size,
        "embedding_size": embedding_size,
        "sequence_length": length,
        "dropout": 0.3,
    }
    training = {
        "epochs": epochs,
        "patience": max(3, epochs // 4),
        "batch_size": batch_size,
        "learning_rate": 0.004,
        "weight_decay": 0.01,
        "schedule": "cosine",
        "warmup_steps": 100,
    }
    return model, training


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


@torch.inference_mode()
def advance(model: nn.Module, tokens: list[int], state: State | None) -> tuple[Tensor, State]:
    """Read tokens; returns the logits (V,) of the next one, and the state."""
    assert isinstance(model, LanguageModel)
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
