"""A model that recalls lines: made, trained and scored."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.metric import Metric, Split
from rnn_core.models.sequence_model import SequenceModel
from rnn_core.tasks.base.learns import Batch, Learns
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.copy_memory.parameters import CopyMeta

SCORING_BATCH = 256
"""Lines scored at once; a bound on memory only."""


class Learning(Learns):
    """Makes, trains and scores a model that says symbols again."""

    metric = Metric(
        "nats_per_symbol",
        "nats per recalled symbol",
        "lower",
        "mean of -ln p(symbol) over the steps at which symbols are to be recalled",
    )
    meta: CopyMeta

    @property
    def reach(self) -> int:
        return 2 * self.meta.num_recalled + self.meta.parameters.lag + 1

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        num_symbols = len(self.meta.symbols)
        return SequenceModel(make_cell, num_symbols + 2, num_symbols, dropout=self.model.dropout)

    def training_batches(
        self, data: Data, batch_size: int, generator: torch.Generator
    ) -> Iterator[Batch]:
        order = torch.randperm(len(data["train"]), generator=generator)
        for places in order.to(data["train"].device).split(batch_size):
            yield (data["train"][places].long(),)

    def loss(
        self, model: nn.Module, batch: Batch, state: State | None
    ) -> tuple[Tensor, State | None]:
        (symbols,) = batch
        logits = self.recall(model, symbols)
        return functional.cross_entropy(logits.flatten(0, 1), symbols.flatten()), None

    def recall(self, model: nn.Module, symbols: Tensor) -> Tensor:
        """Logits (B, K, A) of the symbols, int64 (B, K), that a model recalls."""
        steps = lay_out(symbols, len(self.meta.symbols), self.meta.parameters.lag)
        outputs, _ = model(steps.to(next(model.parameters()).dtype))
        logits: Tensor = outputs[:, -symbols.shape[1] :]
        return logits

    def scores(self, model: nn.Module, data: Data, split: Split) -> Scores:
        """Mean cross-entropy of each line's symbols."""
        values, hits = [], []
        for part in data[split].split(SCORING_BATCH):
            symbols = part.long()
            logits = self.recall(model, symbols)
            losses = functional.cross_entropy(logits.transpose(1, 2), symbols, reduction="none")
            values.append(losses.double().mean(dim=1).cpu())
            hits.append((logits.argmax(dim=-1) == symbols).double().mean(dim=1).cpu())
        value, hit = torch.cat(values), torch.cat(hits)
        return Scores(value, torch.ones_like(value), others={"recalled_share": float(hit.mean())})

    def decode(self, places: Tensor) -> list[str]:
        """The lines of symbols that are given as numbers (N, K)."""
        known = self.meta.symbols
        return ["".join(known[place] for place in row) for row in places.tolist()]


def lay_out(symbols: Tensor, num_symbols: int, lag: int) -> Tensor:
    """Lay out input for a model: one-hot int64 (B, 2 K + lag + 1, A + 2) of symbols (B, K).

    The last two features are those of the blank and of the marker.
    """
    blank, marker = num_symbols, num_symbols + 1
    before, after = symbols.new_full((lag,), blank), symbols.new_full(symbols.shape[1:], blank)
    rest = torch.cat([before, symbols.new_tensor([marker]), after])
    steps = torch.cat([symbols, rest.expand(len(symbols), -1)], dim=1)
    return functional.one_hot(steps, num_symbols + 2)
