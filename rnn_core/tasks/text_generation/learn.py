"""A language model: made, trained and scored."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.errors import ParameterError
from rnn_core.features.subwords import ExactSubwords
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.metric import Metric, Split
from rnn_core.models.language_model import LanguageModel
from rnn_core.tasks.base.learns import Batch, Learns
from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.text_generation.parameters import TextMeta
from rnn_core.tasks.text_generation.scoring import score_characters, score_tokens


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
        tie_weights: Whether tokens have the same vectors at the output as at the input.
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


PER_TOKEN = Metric(
    "nats_per_token",
    "nats per token",
    "lower",
    "mean of -ln p(token | those before it); every token that the training set does "
    "not have counts as the same one",
)

PER_CHARACTER = Metric(
    "nats_per_character",
    "nats per character",
    "lower",
    "-ln p of the subwords that the text is cut into, divided by its characters, so that texts cut "
    "in other ways compare; a text may be cut in further ways, whose probabilities are not added",
)


class Learning(Learns):
    """Makes, trains and scores a language model."""

    meta: TextMeta
    model: TextModel

    def __init__(self, meta: Meta, model: ModelParameters, seed: int = 0) -> None:
        super().__init__(meta, model, seed)
        self.vocabulary = self.meta.vocabulary
        self.index = {token: i for i, token in enumerate(self.vocabulary)}
        self.subwords = ExactSubwords(self.meta.subwords) if self.meta.subwords else None
        exact = self.subwords
        self.spelled = exact.spelled if exact else [token.encode() for token in self.vocabulary]
        self.line_break = exact.line_break if exact else self.index.get("\n", -1)

    @property
    def metric(self) -> Metric:
        return PER_TOKEN if self.subwords is None else PER_CHARACTER

    def check(self) -> None:
        tokens = self.meta.items["train"]
        if tokens <= self.model.sequence_length:
            raise ParameterError(
                f"sequence_length {self.model.sequence_length} is more than the "
                f"{tokens} tokens of the training set have room for; make it smaller"
            )

    @property
    def reach(self) -> int:
        return self.model.sequence_length

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
        """Lay the text out in `batch_size` parallel streams, shifted again each epoch."""
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
        tokens = data["train"][start : start + used + 1]
        inputs, targets = (part.view(batch_size, -1) for part in (tokens[:-1], tokens[1:]))
        for place in range(0, inputs.shape[1], length):
            # A batch at a time is made `long`: the whole text would take eight times its memory.
            yield tuple(part[:, place : place + length].long() for part in (inputs, targets))

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        inputs, targets = batch
        logits, state = model(inputs, state)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten()), detach(state)

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Mean cross-entropy of every item; see `score_tokens` and `score_characters`."""
        tokens, size = data[split].long(), len(self.vocabulary)
        if self.subwords is None:
            values, weights = score_tokens(model, tokens, size)
            return Scores(values, weights, others=self.other_metrics(values @ weights, split))
        begun = torch.tensor(self.subwords.characters, device=tokens.device)
        values, weights = score_characters(model, tokens, size, begun[tokens[1:]])
        per_token = float(values @ weights) / (len(tokens) - 1)
        others = {
            "bits_per_character": float(values @ weights / weights.sum()) / math.log(2),
            "nats_per_token": per_token,
            "perplexity": perplexity(per_token),
        }
        return Scores(values, weights, others=others)

    def other_metrics(self, nats: Tensor, split: Split) -> dict[str, float]:
        """Further metrics, from the sum of the cross-entropies of a split's tokens."""
        tokens = self.meta.items[split] - 1
        spelled = float(nats) + self.meta.spelling_nats[split]
        per_character = spelled / self.meta.characters[split]
        return {
            "nats_per_character": per_character,
            "bits_per_character": per_character / math.log(2),
            "perplexity": perplexity(float(nats) / tokens),
            "unknown_share": self.meta.unknown[split] / tokens,
        }


def perplexity(nats_per_token: float) -> float:
    """Perplexity from nats per token, at most e^700, since more does not fit into a float."""
    return math.exp(min(nats_per_token, 700.0))


def detach(state: State) -> State:
    """Cut a state off from the gradient of what comes next."""
    return state.detach() if isinstance(state, Tensor) else tuple(s.detach() for s in state)
