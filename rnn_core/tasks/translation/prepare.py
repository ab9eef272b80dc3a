"""Aligned texts become subwords and splits."""

from itertools import compress
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from rnn_core.errors import DataError
from rnn_core.features.subwords import END, UNKNOWN, Subwords, train_subwords
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.parallel_text import Pair, clean
from rnn_core.tasks.translation.copying import known_words, numbers_are_kept
from rnn_core.tasks.translation.pairs import Splits, check_characters, read_splits, without_repeated
from rnn_core.tasks.translation.parameters import LeftOut, TranslationData, TranslationMeta

Pieces: TypeAlias = dict[Split, list[tuple[list[int], list[int]]]]
"""Of the source and the target of each pair."""


def prepare(raw: Path, parameters: TranslationData) -> tuple[dict[str, Tensor], TranslationMeta]:
    """Cut the texts of each pair into subwords of the training set."""
    read = read_splits(raw, parameters)
    splits = without_repeated(read, parameters)
    check_characters(splits)
    train = [clean(text, parameters.lower_case) for pair in splits["train"] for text in pair]
    model = train_subwords(train, parameters.max_vocabulary)
    encoded = encode_splits(splits, Subwords(model), parameters)
    kept, pieces = without_long(splits, encoded, parameters.max_length)
    counts = [len(each["train"]) for each in (read, splits, kept)]
    meta = TranslationMeta(
        parameters=parameters,
        subwords=model,
        written=sorted({i for _, ids in pieces["train"] for i in ids} - {UNKNOWN}),
        items={split: len(kept[split]) for split in SPLITS},
        left_out=LeftOut(repeated=counts[0] - counts[1], long=counts[1] - counts[2]),
        numbers_kept=numbers_are_kept(splits["train"]),
        known_words=[] if parameters.lower_case else known_words(splits["train"]),
    )
    return to_tensors(kept, pieces), meta


def encode_splits(splits: Splits, subwords: Subwords, parameters: TranslationData) -> Pieces:
    """Source and target of each pair as pieces, each closed by END."""

    def encode(text: str) -> list[int]:
        return [*subwords.encode([clean(text, parameters.lower_case)])[0], END]

    return {
        split: [(encode(pair.source), encode(pair.target)) for pair in splits[split]]
        for split in SPLITS
    }


def without_long(splits: Splits, encoded: Pieces, max_length: int) -> tuple[Splits, Pieces]:
    """Leave out training pairs with more than `max_length` pieces in either language.

    Raises:
        DataError: If none is left.
    """
    short = [max(map(len, pair)) <= max_length for pair in encoded["train"]]
    if not any(short):
        raise DataError(
            f"every training pair has more than max_length = {max_length} subwords; raise it"
        )
    train = list(compress(splits["train"], short)), list(compress(encoded["train"], short))
    return {**splits, "train": train[0]}, {**encoded, "train": train[1]}


def to_tensors(splits: Splits, encoded: Pieces) -> dict[str, Tensor]:
    """Pieces and texts of all pairs, the splits one after another, each with its lengths.

    Returns:
        `source` and `target`: pieces, int32; `source_text` and `target_text`: UTF-8, uint8;
        and each with `_lengths` after its name, int32 (N,).
    """
    pairs = [pair for split in SPLITS for pair in splits[split]]
    pieces = [pair for split in SPLITS for pair in encoded[split]]
    data: dict[str, Tensor] = {}
    for index, what in enumerate(Pair._fields):
        ids = [pair[index] for pair in pieces]
        texts = [pair[index].encode() for pair in pairs]
        data[what] = torch.tensor([i for sequence in ids for i in sequence], dtype=torch.int32)
        data[f"{what}_lengths"] = torch.tensor(list(map(len, ids)), dtype=torch.int32)
        data[f"{what}_text"] = torch.frombuffer(bytearray(b"".join(texts)), dtype=torch.uint8)
        data[f"{what}_text_lengths"] = torch.tensor(list(map(len, texts)), dtype=torch.int32)
    return data
