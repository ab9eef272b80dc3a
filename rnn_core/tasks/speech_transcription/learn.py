"""A transcriber: made, trained and scored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.errors import ParameterError
from rnn_core.features.augmentation import Augmentation, training_features
from rnn_core.features.batches import by_length, length_batches
from rnn_core.features.frames import Scaling, gather
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.metric import Metric, Split
from rnn_core.models.ctc import BLANK, best_path
from rnn_core.models.transcriber import Transcriber
from rnn_core.tasks.base.learns import Batch, Learns
from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.base.splits import items_of
from rnn_core.tasks.speech_transcription.edits import edits
from rnn_core.tasks.speech_transcription.parameters import TranscriptionMeta

SCORING_BATCH = 64
"""Recordings scored at once; a bound on memory only."""


@dataclass(frozen=True, kw_only=True)
class TranscriptionModel(ModelParameters, Augmentation):
    """The transcriber, and how recordings are varied while it is trained.

    See `rnn_core.models.transcriber.Transcriber` and `rnn_core.features.augmentation.Augmentation`.

    Attributes:
        stack: Adjoining frames that the recurrent layer reads as one.
        bidirectional: Whether the recurrent layer also reads a recording from its end.
    """

    stack: int = 2
    bidirectional: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_augmentation()
        if self.stack < 1:
            raise ValueError("stack must be at least 1")


class Learning(Learns):
    """Makes, trains and scores a transcriber."""

    metric = Metric(
        "error_rate",
        "edits per symbol",
        "lower",
        "Levenshtein distance over symbols of the reference; best path",
    )
    meta: TranscriptionMeta
    model: TranscriptionModel

    def check(self) -> None:
        largest, hop = self.meta.largest_stack, self.meta.parameters.hop_seconds
        if self.model.stack > largest:
            enough = 0.8 * hop * largest / self.model.stack
            raise ParameterError(
                f"model.stack {self.model.stack} leaves {self.meta.tightest or 'a recording'} "
                "fewer steps than its text has symbols; check the text, or set data.hop_seconds "
                f"to {enough:.2g}, or set model.stack in params.yaml; it can be "
                f"{largest} at most"
            )

    @cached_property
    def scaling(self) -> Scaling:
        """Scaling of frames, by the training set."""
        options = self.meta.parameters
        return Scaling(options.normalise, options.deltas, self.meta.mean, self.meta.std)

    @property
    def reach(self) -> int:
        return -(-self.meta.longest // self.model.stack)

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return Transcriber(
            make_cell,
            len(self.meta.mean),
            1 + len(self.meta.symbols),
            stack=self.model.stack,
            bidirectional=self.model.bidirectional,
            dropout=self.model.dropout,
        )

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        items, texts = items_of(data["splits"], "train"), texts_of(data)
        for batch in length_batches(items, data["lengths"], batch_size, generator):
            features, lengths = training_features(
                data, batch, self.scaling, self.model, self.meta.rate_hz, generator
            )
            chosen = [texts[i] for i in batch.tolist()]
            targets = torch.tensor([symbol for text in chosen for symbol in text])
            yield features, lengths, targets, torch.tensor([len(text) for text in chosen])

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        """CTC loss, on the CPU: torch's gradient of it on a GPU is not the same every time.

        A recording that is too short for its text, as one can be that is read quicker,
        counts as 0.
        """
        features, lengths, targets, target_lengths = batch
        outputs, steps = model(features, lengths)
        outputs = outputs.transpose(0, 1).cpu()
        loss = functional.ctc_loss(
            outputs, targets, steps.cpu(), target_lengths, BLANK, zero_infinity=True
        )
        return loss, None

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Edits per symbol of each recording, weighed by the length of its text.

        The loss leaves out texts with a symbol that nobody learned, which no output stands for.
        """
        items, texts = items_of(data["splits"], split), texts_of(data)
        value = torch.empty(len(items), dtype=torch.float64)
        losses = []
        lengths = torch.tensor([len(texts[i]) for i in items.tolist()], dtype=torch.float64)
        for places in by_length(data["lengths"][items], SCORING_BATCH):
            for place, outputs in zip(
                places.tolist(), self.outputs(model, data, items[places]), strict=True
            ):
                text = texts[int(items[place])]
                value[place] = edits(best_path(outputs), text) / len(text)
                if max(text) <= len(self.meta.symbols):
                    losses.append(path_loss(torch.from_numpy(outputs), text) / len(text))
        exact = float((value == 0).double().mean())
        speakers = data["speakers"][items].long().cpu()
        loss = fmean(losses) if losses else 0.0
        return Scores(value, lengths, loss=loss, others={"exact": exact}, clusters=speakers)

    def outputs(
        self, model: nn.Module, data: Data, items: Tensor
    ) -> list[NDArray[np.floating[Any]]]:
        """Log-probabilities of symbols, (S, C) for each recording."""
        frames, lengths = gather(data["frames"], data["lengths"], items)
        outputs, steps = model(self.scaling(frames, lengths), lengths)
        pairs = zip(outputs.cpu().numpy(), steps.tolist(), strict=True)
        return [output[:step] for output, step in pairs]

    def decode(self, labels: Sequence[int]) -> str:
        """The text of labels, in which a symbol that nobody learned is a replacement character."""
        symbols = ["", *self.meta.symbols, "\N{REPLACEMENT CHARACTER}"]
        return self.meta.joiner.join(symbols[label] for label in labels)


def path_loss(log_probabilities: Tensor, labels: Sequence[int]) -> float:
    """Minus the log-probability of a sequence over all its paths, for (S, C)."""
    outputs = log_probabilities.double()[:, None]
    targets = torch.tensor([labels], dtype=torch.long)
    steps, length = torch.tensor([len(outputs)]), torch.tensor([len(labels)])
    return float(functional.ctc_loss(outputs, targets, steps, length, BLANK, reduction="sum"))


def texts_of(data: Data) -> list[list[int]]:
    """The symbols of every recording."""
    pieces = data["symbols"].cpu().split(data["symbol_lengths"].tolist())
    return [piece.tolist() for piece in pieces]
