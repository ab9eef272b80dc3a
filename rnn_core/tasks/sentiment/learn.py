"""A classifier of sentences: made, trained and scored."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from rnn_core.features.batches import by_length, length_batches
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.metric import Metric, Split
from rnn_core.models.sentence_classifier import Pooling, SentenceClassifier
from rnn_core.tasks.base.classification import (
    ClassWeights,
    class_loss,
    class_metric,
    class_scores,
    loss_weights,
)
from rnn_core.tasks.base.learns import Batch, Learns
from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.base.splits import items_of
from rnn_core.tasks.sentiment.evidence import evidence, sentence_counts
from rnn_core.tasks.sentiment.parameters import SentimentMeta

SCORING_BATCH = 256
"""Sentences scored at once; a bound on memory only."""

EVIDENCE_FOLDS = 5
"""While training, what words say about a sentence is counted on the other folds."""


@dataclass(frozen=True, kw_only=True)
class SentimentModel(ModelParameters):
    """The classifier; see `rnn_core.models.sentence_classifier.SentenceClassifier`.

    Attributes:
        embedding_size: Size of a word's vector.
        bidirectional: Whether sentences are also read from their end.
        pooling: How the outputs of all words become one.
        word_dropout: Share of words that are made unknown while training.
        word_evidence: Whether the recurrent layer also reads for which classes each word
            speaks, as naive Bayes counts it on the training set.
        label_smoothing: Share of a label that training spreads over all classes
            (arXiv:1512.00567v3).
        class_weights: How much texts of each class count while training: `none` all the same,
            `balanced` each class in all, so that a rare one is not passed over.
    """

    embedding_size: int = 64
    bidirectional: bool = True
    pooling: Pooling = "max"
    word_dropout: float = 0.0
    word_evidence: bool = False
    label_smoothing: float = 0.0
    class_weights: ClassWeights = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.embedding_size < 1:
            raise ValueError("embedding_size must be at least 1")
        for name in ("word_dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), not {getattr(self, name)}")


class Learning(Learns):
    """Makes, trains and scores a classifier of sentences."""

    meta: SentimentMeta
    model: SentimentModel

    def __init__(self, meta: Meta, model: ModelParameters, seed: int = 0) -> None:
        super().__init__(meta, model, seed)
        self.index = {word: i for i, word in enumerate(self.meta.vocabulary)}
        table = evidence(torch.tensor(self.meta.sentence_counts))
        self.evidence = table if self.model.word_evidence else table[:, :0]

    @property
    def metric(self) -> Metric:
        return class_metric(self.meta.parameters.metric, "sentences")

    @property
    def reach(self) -> int:
        return self.meta.longest

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return SentenceClassifier(
            make_cell,
            len(self.meta.vocabulary),
            self.model.embedding_size,
            self.evidence.shape[1],
            len(self.meta.classes),
            bidirectional=self.model.bidirectional,
            pooling=self.model.pooling,
            dropout=self.model.dropout,
            word_dropout=self.model.word_dropout,
        )

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        items = items_of(data["splits"], "train")
        sentences, tables = split_sentences(data), self.evidence_of_others(data)
        labels_of_all, classes = data["labels"][items.to(data["labels"].device)], self.meta.classes
        weights = loss_weights(self.model.class_weights, labels_of_all, len(classes))
        for batch in length_batches(items, data["lengths"], batch_size, generator):
            words, lengths, labels = gather(data, sentences, batch)
            folds = batch.to(words.device) % EVIDENCE_FOLDS
            yield words, lengths, labels, tables[folds[:, None], words], *weights

    def evidence_of_others(self, data: Data) -> Tensor:
        """For each fold of the training set, `evidence` from the other folds, (F, V, E).

        A rare word would otherwise tell the label of the very sentence that it is in.
        """
        items, size = items_of(data["splits"], "train"), len(self.index)
        if not self.model.word_evidence:
            return torch.zeros(EVIDENCE_FOLDS, size, 0, device=items.device)
        others = (items[items % EVIDENCE_FOLDS != fold] for fold in range(EVIDENCE_FOLDS))
        classes = len(self.meta.classes)
        return torch.stack([evidence(sentence_counts(data, o, size, classes)) for o in others])

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        words, lengths, labels, evidence_of_words, *weights = batch
        logits = model(words, lengths, evidence_of_words)
        return class_loss(logits, labels, weights, self.model.label_smoothing), None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """1 for each sentence that is assigned to its class, 0 for each other."""
        labels, logits = self.outputs(model, data, split)
        return class_scores(logits, labels, self.meta.classes, self.meta.parameters.metric)

    def outputs(self, model: nn.Module, data: Data, split: Split) -> tuple[Tensor, Tensor]:
        """The class of each sentence of a split, int64 (N,), and the logits of all, (N, C)."""
        items = items_of(data["splits"], split).cpu()
        sentences = split_sentences(data)
        logits = torch.empty(len(items), len(self.meta.classes))
        for places in by_length(data["lengths"].cpu()[items], SCORING_BATCH):
            words, lengths, _ = gather(data, sentences, items[places])
            logits[places] = model(words, lengths, self.evidence.to(words.device)[words]).cpu()
        return data["labels"].cpu()[items].long(), logits


def split_sentences(data: Data) -> tuple[Tensor, ...]:
    """The words of each sentence."""
    sentences: tuple[Tensor, ...] = data["words"].split(data["lengths"].tolist())
    return sentences


def gather(data: Data, sentences: tuple[Tensor, ...], items: Tensor) -> Batch:
    """Words (B, T) filled with zeros, lengths (B,) and labels (B,) of sentences."""
    pieces = [sentences[i] for i in items.tolist()]
    items = items.to(data["labels"].device)
    words = pad_sequence(pieces, batch_first=True).long()
    return words, data["lengths"][items].long(), data["labels"][items].long()
