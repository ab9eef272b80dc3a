"""A classifier of recordings: made, trained and scored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from rnn_core.features.augmentation import Augmentation, training_features
from rnn_core.features.batches import by_length, length_batches
from rnn_core.features.frames import Scaling, gather
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.metric import Metric, Split
from rnn_core.models.sequence_classifier import Pooling, SequenceClassifier
from rnn_core.tasks.base.classification import (
    ClassWeights,
    class_loss,
    class_metric,
    class_scores,
    loss_weights,
)
from rnn_core.tasks.base.learns import Batch, Learns
from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.base.splits import items_of
from rnn_core.tasks.speech_recognition.parameters import SpeechMeta

SCORING_BATCH = 64
"""Recordings scored at once; a bound on memory only."""


@dataclass(frozen=True, kw_only=True)
class SpeechModel(ModelParameters, Augmentation):
    """The classifier, and how recordings are varied while it is trained.

    See `rnn_core.models.sequence_classifier.SequenceClassifier` and
    `rnn_core.features.augmentation.Augmentation`.

    Attributes:
        bidirectional: Whether the recurrent layer also reads a recording from its end.
        pooling: How the outputs of all frames become one vector.
        class_weights: `balanced`: each word counts the same in training, however rare it is;
            `none`: each recording does.
    """

    bidirectional: bool = False
    pooling: Pooling = "mean"
    class_weights: ClassWeights = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_augmentation()


class Learning(Learns):
    """Makes, trains and scores a classifier of recordings."""

    meta: SpeechMeta
    model: SpeechModel

    @property
    def fold(self) -> int:
        """Number of the division into splits that the seed uses."""
        return self.seed % len(self.meta.folds)

    @cached_property
    def scaling(self) -> Scaling:
        """Scaling of frames, by the training set of the fold."""
        options, fold = self.meta.parameters, self.meta.folds[self.fold]
        return Scaling(options.normalise, options.deltas, fold.mean, fold.std)

    def split_items(self, data: Data, split: Split) -> Tensor:
        """Indices of the recordings of a split, int64 (N,)."""
        return items_of(data["splits"][self.fold], split)

    @property
    def metric(self) -> Metric:
        return class_metric(self.meta.parameters.metric, "recordings")

    @property
    def reach(self) -> int:
        return self.meta.longest

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return SequenceClassifier(
            make_cell,
            len(self.scaling.mean),
            len(self.meta.classes),
            bidirectional=self.model.bidirectional,
            pooling=self.model.pooling,
            dropout=self.model.dropout,
        )

    def num_batches(self, data: Data, batch_size: int) -> int:
        return -(-len(self.split_items(data, "train")) // batch_size)

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        items = self.split_items(data, "train")
        labels, classes = data["labels"], self.meta.classes
        weights = loss_weights(self.model.class_weights, labels[items], len(classes))
        for batch in length_batches(items, data["lengths"], batch_size, generator):
            features, lengths = training_features(
                data, batch, self.scaling, self.model, self.meta.rate_hz, generator
            )
            yield features, lengths, labels[batch.to(features.device)].long(), *weights

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        features, lengths, labels, *weights = batch
        return class_loss(model(features, lengths), labels, weights), None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """1 for each recording that is recognised, 0 for each other."""
        labels, logits = self.outputs(model, data, split)
        return replace(
            class_scores(logits, labels, self.meta.classes, self.meta.parameters.metric),
            clusters=data["speakers"][self.split_items(data, split)].long().cpu(),
            own_to_seed=len(data["splits"]) > 1,
        )

    def outputs(self, model: nn.Module, data: Data, split: Split) -> tuple[Tensor, Tensor]:
        """The word of each recording of a split, int64 (N,), and the logits of all, (N, C)."""
        items = self.split_items(data, split)
        logits = data["frames"].new_empty(len(items), len(self.meta.classes))
        for places in by_length(data["lengths"][items], SCORING_BATCH):
            frames, lengths = gather(data["frames"], data["lengths"], items[places])
            logits[places] = model(self.scaling(frames, lengths), lengths)
        return data["labels"][items].long().cpu(), logits.cpu()
