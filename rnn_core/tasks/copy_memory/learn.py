"""The copy problem: remember symbols over a stretch of blanks, and say them again.

A diagnostic: what a cell scores here is how far its memory reaches, and nothing else.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.errors import DataError, ParameterError
from rnn_core.layers.recurrent import MakeCell, State
from rnn_core.models.sequence_model import SequenceModel
from rnn_core.readers.plain_text import only_text_file, read_plain_text
from rnn_core.readers.sides import check_shares, cut_in_order
from rnn_core.tasks.base.task import (
    SPLITS,
    Batch,
    Data,
    Illustration,
    Metric,
    ModelParameters,
    Scores,
    Split,
    Suggestion,
    Task,
    required_column,
)
from rnn_core.tasks.illustration import pairs, spread

if TYPE_CHECKING:
    import pandas as pd

SCORING_BATCH = 256
"""Lines scored at once; a bound on memory only."""

ILLUSTRATED = 5
"""Lines that illustrate a model."""


@dataclass(frozen=True, kw_only=True)
class CopyData:
    """How lines of symbols become sequences and sides.

    Attributes:
        lag: Blanks between the symbols and the marker that asks for them.
        validation_share: Share of the lines, before the test side, kept for choosing.
        test_share: Share of the lines, at the end of the file, kept for the final score.
    """

    lag: int = 30
    validation_share: float = 0.1
    test_share: float = 0.2

    def __post_init__(self) -> None:
        if self.lag < 0:
            raise ValueError(f"lag must not be negative, as {self.lag} is")
        check_shares(self.validation_share, self.test_share)


class CopyMemory(Task):
    """The copy problem, in which a cell reads K symbols out of A and says them again.

    A sequence has 2 K + lag + 1 steps: the K symbols, `lag` blanks, a marker, and K blanks
    more, at which the symbols are to be said in their order. So K + lag + 1 steps lie between
    each symbol and its answer. Steps are one-hot vectors of A + 2 features. Loss and metric
    count the last K steps alone; the paper's loss also counts the blanks before them, which
    are learned at once and only make the numbers smaller.

    Who has forgotten everything scores ln A, who remembers 0.

    References:
        Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997),
        doi:10.1162/neco.1997.9.8.1735; laid out as by Arjovsky, Shah and Bengio,
        arXiv:1511.06464v4, section 5.1, whose T is lag + 1.
    """

    metric = Metric(
        "nats_per_symbol",
        "nats per recalled symbol",
        "lower",
        "mean of -ln p(symbol) over the steps at which symbols are to be recalled",
    )
    margin = 0.02
    DataParameters = CopyData
    ModelParameters = ModelParameters

    @classmethod
    def prepare(cls, raw: Path, parameters: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
        lines = raw_lines(raw)
        sides = split_lines(lines, parameters)
        symbols = sorted(set("".join(sides["train"])))
        check_symbols(sides, symbols)
        data: dict[str, Tensor] = {s: encode(side, symbols) for s, side in sides.items()}
        meta = {
            "parameters": asdict(parameters),
            "symbols": symbols,
            "num_recalled": len(lines[0]),
            "items": {split: len(side) for split, side in sides.items()},
        }
        return data, meta

    def build_model(self, make_cell: MakeCell) -> nn.Module:
        num_symbols = len(self.meta["symbols"])
        return SequenceModel(make_cell, num_symbols + 2, num_symbols, dropout=self.model.dropout)

    def num_batches(self, data: Data, batch_size: int) -> int:
        return -(-len(data["train"]) // batch_size)

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
        steps = lay_out(symbols, len(self.meta["symbols"]), self.meta["parameters"]["lag"])
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

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """Lines, and what is recalled of them."""
        symbols = data[split][spread(len(data[split]), ILLUSTRATED)].long()
        recalled = self.recall(model, symbols).argmax(dim=-1)
        lines = self.decode(symbols)
        return {"kind": "pairs", "pairs": pairs(lines, lines, self.decode(recalled))}

    def decode(self, places: Tensor) -> list[str]:
        """The lines of symbols that are given as numbers (N, K)."""
        known = self.meta["symbols"]
        return ["".join(known[place] for place in row) for row in places.tolist()]

    def baselines(self, data: Data) -> dict[str, float]:
        """The score of who gives every symbol the same probability."""
        return {"guess": math.log(len(self.meta["symbols"]))}

    def optimum(self) -> float | None:
        return 0.0

    @classmethod
    def suggest(cls, raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
        try:
            CopyData(**wanted)
        except (TypeError, ValueError) as error:
            raise ParameterError(str(error)) from None
        raw_lines(raw)
        return {
            "data": {"lag": CopyData.lag, **wanted},
            "model": {"hidden_size": 64},
            "training": {"epochs": 30, "batch_size": 32, "learning_rate": 0.003},
        }

    @classmethod
    def read_input(cls, path: Path) -> "pd.DataFrame":
        """Read a text file with symbols to remember in each line."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame({"symbols": read_lines(path)})

    @torch.inference_mode()
    def answer(self, model: nn.Module, table: "pd.DataFrame", parameters: Any) -> "pd.DataFrame":
        """Recall each line of the column `symbols`, into the column `recalled`."""
        import pandas as pd  # noqa: PLC0415 - training does without

        lines = [str(line) for line in required_column(table, "symbols")]
        known = self.meta["symbols"]
        for row, line in enumerate(lines, start=1):
            self.check_line(line, row)
        recalled = (
            self.decode(self.recall(model, part.long()).argmax(dim=-1))
            for part in encode(lines, known).split(SCORING_BATCH)
        )
        return pd.DataFrame({"recalled": [line for part in recalled for line in part]})

    def check_line(self, line: str, row: int) -> None:
        """Refuse a line that is not like those that a model learned from.

        Raises:
            DataError: If it is not.
        """
        if len(line) != self.meta["num_recalled"]:
            raise DataError(
                f"row {row} has {len(line)} symbols; the model recalls {self.meta['num_recalled']}"
            )
        for symbol in line:
            if symbol not in self.meta["symbols"]:
                raise DataError(
                    f"row {row} has the symbol {symbol!r}; the model knows "
                    f"{''.join(self.meta['symbols'])}"
                )

    def example(self, raw: Path) -> "pd.DataFrame":
        """The first line."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame({"symbols": raw_lines(raw)[:1]})


def raw_lines(raw: Path) -> list[str]:
    """The lines of the one text file of a raw folder."""
    return read_lines(only_text_file(raw, "the copy problem"))


def read_lines(file: Path) -> list[str]:
    """Read lines of symbols; every character is one.

    Raises:
        DataError: If they differ in length; names the line.
    """
    lines = read_plain_text(file).removesuffix("\n").split("\n")
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            raise DataError(
                f"{file.name}, line {number} has {len(line)} symbols, but line 1 has "
                f"{len(lines[0])}; every line needs as many"
            )
    return lines


def split_lines(lines: Sequence[str], parameters: CopyData) -> dict[Split, Sequence[str]]:
    """Cut lines into sides, in their order.

    Raises:
        DataError: If they are too few.
    """
    parts = cut_in_order(lines, parameters.validation_share, parameters.test_share)
    sides = dict(zip(SPLITS, parts, strict=True))
    for split, side in sides.items():
        if not side:
            raise DataError(f"{len(lines)} lines leave the {split} side none; there are too few")
    return sides


def check_symbols(sides: Mapping[Split, Sequence[str]], symbols: Sequence[str]) -> None:
    """Refuse sides that do not have the symbols of the training side.

    Raises:
        DataError: If there is nothing to recall, or a symbol that nobody learns of.
    """
    if len(symbols) < 2:
        raise DataError(
            f"the training side is {symbols[0]!r} over and over; there is nothing to recall"
        )
    number = 0
    for split in SPLITS:
        for line in sides[split]:
            number += 1
            if new := set(line) - set(symbols):
                raise DataError(
                    f"line {number} has the symbol {min(new)!r}, which no line of the training "
                    "side has; shuffle the lines"
                )


def encode(lines: Sequence[str], symbols: Sequence[str]) -> Tensor:
    """Numbers of symbols, int32 (N, K), of lines that have no others."""
    index = {symbol: place for place, symbol in enumerate(symbols)}
    return torch.tensor([[index[symbol] for symbol in line] for line in lines], dtype=torch.int32)


def lay_out(symbols: Tensor, num_symbols: int, lag: int) -> Tensor:
    """What a model reads: one-hot int64 (B, 2 K + lag + 1, A + 2) of symbols (B, K).

    The last two features are those of the blank and of the marker.
    """
    blank, marker = num_symbols, num_symbols + 1
    before, after = symbols.new_full((lag,), blank), symbols.new_full(symbols.shape[1:], blank)
    rest = torch.cat([before, symbols.new_tensor([marker]), after])
    steps = torch.cat([symbols, rest.expand(len(symbols), -1)], dim=1)
    return functional.one_hot(steps, num_symbols + 2)
