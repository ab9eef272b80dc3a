"""A translator: made, trained and scored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from rnn_core.features.batches import by_length, length_batches
from rnn_core.features.subwords import END, PAD, START, Subwords
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.metric import Metric, Split
from rnn_core.models.beam_search import translate
from rnn_core.models.ensemble import TranslatorEnsemble
from rnn_core.models.translator import Translator
from rnn_core.readers.parallel_text import clean
from rnn_core.tasks.base.learns import Batch, Learns
from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.translation.bleu import SIGNATURE, contributions, corpus_bleu, further_scores
from rnn_core.tasks.translation.copying import CutText, lacking_names, with_names, with_numbers
from rnn_core.tasks.translation.parameters import TranslationMeta

SCORING_BATCH = 256
"""Sentences translated at once; a bound on memory only."""

LOSS_BATCH = 64
"""Sentences whose loss is computed at once; a bound on memory only."""

NOT_WRITTEN = -1
"""Stands for a piece that is never written; it does not count in a loss."""

POOL_BATCHES = 20
"""Number of batches in a pool, within which sentences of similar length are batched."""


@dataclass(frozen=True, kw_only=True)
class TranslationModel(ModelParameters):
    """The translator; see `rnn_core.models.translator.Translator`.

    Attributes:
        embedding_size: Size of a subword's vector.
        attention: Whether the decoder looks at every step of the source; without it, all
            it knows is in the state of the recurrent cell.
        label_smoothing: Share of the training target spread over all subwords (Szegedy et
            al., arXiv:1512.00567v3).
        beam_size: Hypotheses that are kept while the test set is translated (beam search).
        length_exponent: How much long translations are preferred there, 0 to 1.
    """

    embedding_size: int = 128
    attention: bool = True
    label_smoothing: float = 0.1
    beam_size: int = 5
    length_exponent: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.embedding_size, self.beam_size) < 1:
            raise ValueError("embedding_size and beam_size must be at least 1")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError("label_smoothing must be in [0, 1)")
        if not 0 <= self.length_exponent <= 1:
            raise ValueError("length_exponent must be in [0, 1]")


class Learning(Learns):
    """Makes, trains and scores a translator."""

    metric = Metric(
        "bleu",
        "BLEU, 0 to 100",
        "higher",
        f"corpus BLEU of sacreBLEU, {SIGNATURE.format('13a')} (data.tokenizer sets another "
        "tok), on whole sentences with upper case as lower case; greedy on the validation set, "
        "by beam search on the test set",
    )
    meta: TranslationMeta
    model: TranslationModel

    def __init__(self, meta: Meta, model: ModelParameters, seed: int = 0) -> None:
        super().__init__(meta, model, seed)
        self.subwords = Subwords(self.meta.subwords)
        self.written = torch.tensor(self.meta.written)
        self.place = torch.full((len(self.subwords),), NOT_WRITTEN)
        self.place[self.written] = torch.arange(len(self.written))
        self.tokenizer = self.meta.parameters.tokenizer
        self.known_words = frozenset(self.meta.known_words)

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        return Translator(
            make_cell,
            len(self.subwords),
            self.model.embedding_size,
            written=self.written,
            attention=self.model.attention,
            dropout=self.model.dropout,
        )

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        items = torch.arange(self.meta.items["train"])
        lengths = data["target_lengths"] + data["source_lengths"]
        source, target = pieces_of(data, "source"), pieces_of(data, "target")
        for batch in length_batches(items, lengths, batch_size, generator, POOL_BATCHES):
            chosen = batch.tolist()
            pieces, source_lengths = pad([source[i] for i in chosen])
            yield pieces, source_lengths, *pad([target[i] for i in chosen])

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        logits, wanted = self.outputs(model, batch)
        smoothing = self.model.label_smoothing if model.training else 0.0
        loss = functional.cross_entropy(
            logits, wanted, label_smoothing=smoothing, ignore_index=NOT_WRITTEN
        )
        return loss, None

    def outputs(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits (K, W) of every piece given those before it, and which it is, int64 (K,).

        A piece that no training pair has, and so none is written of, is `NOT_WRITTEN`.
        """
        pieces, lengths, target, target_lengths = batch
        before = functional.pad(target[:, :-1], (1, 0), value=START)
        kept = torch.arange(target.shape[1], device=target.device) < target_lengths.unsqueeze(1)
        return model(pieces, lengths, before, kept), self.place.to(target.device)[target[kept]]

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Corpus BLEU, and what each sentence adds to it; greedy except for the test set."""
        first, last = self.meta.range_of(split)
        final = split == "test"
        beam_size = self.model.beam_size if final else 1
        sources = texts_of(data, "source", first, last)
        pieces = pieces_of(data, "source")[first:last]
        ours = self.translations(model, pieces, sources, beam_size)
        references = texts_of(data, "target", first, last)
        values = contributions(ours, references, self.tokenizer)
        loss = self.reference_loss(model, data, torch.arange(first, last))
        return Scores(
            values,
            torch.ones_like(values),
            corpus_bleu(ours, references, self.tokenizer),
            loss,
            further_scores(ours, references, self.tokenizer) if final else {},
        )

    def reference_loss(self, model: nn.Module, data: Data, items: Tensor) -> float:
        """Mean cross-entropy of the pieces of references that can be written."""
        source, target = pieces_of(data, "source"), pieces_of(data, "target")
        lengths = data["target_lengths"].cpu()[items]
        total, count = 0.0, 0
        for places in by_length(lengths, LOSS_BATCH):
            chosen = items[places].tolist()
            batch = *pad([source[i] for i in chosen]), *pad([target[i] for i in chosen])
            logits, wanted = self.outputs(model, batch)
            total += float(
                functional.cross_entropy(logits, wanted, ignore_index=NOT_WRITTEN, reduction="sum")
            )
            count += int((wanted != NOT_WRITTEN).sum())
        return total / max(count, 1)

    def translations(
        self, model: nn.Module, sources: Sequence[Tensor], texts: Sequence[str], beam_size: int
    ) -> list[str]:
        """Translate sentences, each at most twice as long and ten pieces.

        Args:
            model: A model of this task.
            sources: The pieces of each.
            texts: The same as texts, from which numbers are taken over.
            beam_size: Hypotheses that are kept.
        """
        assert isinstance(model, (Translator, TranslatorEnsemble))
        ours = [""] * len(sources)
        for places in by_length(torch.tensor([len(s) for s in sources]), SCORING_BATCH):
            chosen = places.tolist()
            pieces, lengths = pad([sources[i] for i in chosen])
            best = translate(
                model,
                pieces,
                lengths,
                2 * lengths + 10,
                start=START,
                end=END,
                beam_size=beam_size,
                length_exponent=self.model.length_exponent,
            )
            for index, text in zip(chosen, self.subwords.decode(best), strict=True):
                named = self.with_unknown_names(model, clean(texts[index]), text)
                kept = self.meta.numbers_kept
                ours[index] = with_numbers(texts[index], named) if kept else named
        return ours

    def with_unknown_names(
        self, model: Translator | TranslatorEnsemble, source: str, ours: str
    ) -> str:
        """A translation with the names of its source that nobody saw; see `with_names`."""
        if not self.known_words or not lacking_names(source, ours, self.known_words):
            return ours
        device = model.written.device
        asked, said = (
            torch.tensor([ids], device=device) for ids in self.subwords.encode([source, ours])
        )
        lengths = torch.tensor([asked.shape[1] + 1], device=device)
        pieces = functional.pad(asked, (0, 1), value=END)
        weights = model.looked_at(pieces, lengths, functional.pad(said, (1, 0), value=START))
        if weights is None:
            return ours
        cut = [CutText(text, self.subwords.spans(text)) for text in (source, ours)]
        return with_names(cut[0], cut[1], self.known_words, weights[0].cpu())


def pieces_of(data: Data, what: str) -> Sequence[Tensor]:
    """The pieces of each text, int64."""
    return list(data[what].long().split(data[f"{what}_lengths"].tolist()))


def texts_of(data: Data, what: str, first: int, last: int) -> list[str]:
    """The texts from one pair to before another."""
    parts = data[f"{what}_text"].cpu().split(data[f"{what}_text_lengths"].tolist())
    return [bytes(part.tolist()).decode() for part in parts[first:last]]


def pad(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Sequences of pieces as one tensor (B, T), and their lengths (B,)."""
    lengths = torch.tensor([len(s) for s in sequences], device=sequences[0].device)
    return pad_sequence(list(sequences), batch_first=True, padding_value=PAD), lengths
