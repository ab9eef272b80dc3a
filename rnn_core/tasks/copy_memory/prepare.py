"""Lines of symbols become numbers and splits."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from rnn_core.errors import DataError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.plain_text import read_file_lines
from rnn_core.readers.splits import cut_in_order
from rnn_core.readers.text_files import only_text_file
from rnn_core.tasks.copy_memory.parameters import CopyData, CopyMeta


def prepare(raw: Path, parameters: CopyData) -> tuple[dict[str, Tensor], CopyMeta]:
    """Number the symbols of each line, and cut lines into splits."""
    lines = raw_lines(raw)
    splits = split_lines(lines, parameters)
    symbols = sorted(set("".join(splits["train"])))
    check_symbols(splits, symbols)
    data: dict[str, Tensor] = {split: encode(own, symbols) for split, own in splits.items()}
    meta = CopyMeta(
        parameters=parameters,
        symbols=symbols,
        num_recalled=len(lines[0]),
        items={split: len(own) for split, own in splits.items()},
    )
    return data, meta


def raw_lines(raw: Path) -> list[str]:
    """The lines of the one text file of a raw folder."""
    return read_lines(only_text_file(raw, "the copy problem"))


def read_lines(file: Path) -> list[str]:
    """Read lines of symbols; every character is one.

    Raises:
        DataError: If they differ in length; names the line.
    """
    lines = read_file_lines(file)
    for number, line in enumerate(lines, start=1):
        if len(line) != len(lines[0]):
            raise DataError(
                f"{file.name}, line {number} has {len(line)} symbols, but line 1 has "
                f"{len(lines[0])}; every line needs as many"
            )
    return lines


def split_lines(lines: Sequence[str], parameters: CopyData) -> dict[Split, Sequence[str]]:
    """Cut lines into splits, in their order.

    Raises:
        DataError: If they are too few.
    """
    parts = cut_in_order(lines, parameters.validation_share, parameters.test_share)
    splits = dict(zip(SPLITS, parts, strict=True))
    for split, own in splits.items():
        if not own:
            raise DataError(f"{len(lines)} lines are too few: the {split} set gets none")
    return splits


def check_symbols(splits: Mapping[Split, Sequence[str]], symbols: Sequence[str]) -> None:
    """Refuse splits that do not have the symbols of the training set.

    Raises:
        DataError: If there is nothing to recall, or a symbol that nobody learns of.
    """
    if len(symbols) < 2:
        raise DataError(
            f"the training set is {symbols[0]!r} over and over; there is nothing to recall"
        )
    number = 0
    for split in SPLITS:
        for line in splits[split]:
            number += 1
            if new := set(line) - set(symbols):
                raise DataError(
                    f"line {number} has the symbol {min(new)!r}, which no line of the training "
                    "set has; shuffle the lines"
                )


def encode(lines: Sequence[str], symbols: Sequence[str]) -> Tensor:
    """Numbers of symbols, int32 (N, K), of lines that have no others."""
    index = {symbol: place for place, symbol in enumerate(symbols)}
    return torch.tensor([[index[symbol] for symbol in line] for line in lines], dtype=torch.int32)
