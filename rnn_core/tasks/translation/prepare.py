"""Aligned texts become subwords and splits."""

from array import array
from collections.abc import Iterable
from itertools import chain, compress
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from rnn_core.errors import DataError
from rnn_core.features.subwords import END, UNKNOWN, Subwords, train_subwords
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.parallel_text import Pair, clean
from rnn_core.tasks.translation.copying import known_words, numbers_are_kept
from rnn_core.tasks.translation.pairs import Splits, check_characters, read_splits, without_repeated
from rnn_core.tasks.translation.parameters import LeftOut, TranslationData, TranslationMeta


class Pieces(NamedTuple):
    """Pieces of texts, one text after another; lists of them would take ten times the memory.

    Attributes:
        ids: The pieces, int32.
        lengths: How many each text has, int32 (N,).
    """

    ids: Tensor
    lengths: Tensor


Encoded: TypeAlias = dict[Split, tuple[Pieces, Pieces]]
"""Sources and targets of each split."""


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
        written=sorted({*pieces["train"][1].ids.unique().tolist()} - {UNKNOWN}),
        items={split: len(kept[split]) for split in SPLITS},
        left_out=LeftOut(repeated=counts[0] - counts[1], long=counts[1] - counts[2]),
        numbers_kept=numbers_are_kept(splits["train"]),
        known_words=[] if parameters.lower_case else known_words(splits["train"]),
    )
    return to_tensors(kept, pieces), meta


def encode_splits(splits: Splits, subwords: Subwords, parameters: TranslationData) -> Encoded:
    """Source and target of each pair as pieces, each closed by END."""

    def encode(texts: Iterable[str]) -> Pieces:
        ids, lengths = array("i"), array("i")
        for text in texts:
            own = subwords.encode([clean(text, parameters.lower_case)])[0]
            ids.extend([*own, END])
            lengths.append(len(own) + 1)
        return Pieces(torch.from_numpy(np.asarray(ids)), torch.from_numpy(np.asarray(lengths)))

    return {
        split: (encode(pair.source for pair in pairs), encode(pair.target for pair in pairs))
        for split, pairs in splits.items()
    }


def without_long(splits: Splits, encoded: Encoded, max_length: int) -> tuple[Splits, Encoded]:
    """Leave out training pairs with more than `max_length` pieces in either language.

    Raises:
        DataError: If none is left.
    """
    source, target = encoded["train"]
    short = torch.maximum(source.lengths, target.lengths) <= max_length
    if not short.any():
        raise DataError(
            f"every training pair has more than max_length = {max_length} subwords; raise it"
        )
    train = list(compress(splits["train"], short.tolist()))
    kept = picked(source, short), picked(target, short)
    return {**splits, "train": train}, {**encoded, "train": kept}


def picked(pieces: Pieces, wanted: Tensor) -> Pieces:
    """The pieces of those texts that are wanted, bool (N,)."""
    there = np.repeat(wanted.numpy(), pieces.lengths.numpy())
    return Pieces(torch.from_numpy(pieces.ids.numpy()[there]), pieces.lengths[wanted])


def to_tensors(splits: Splits, encoded: Encoded) -> dict[str, Tensor]:
    """Pieces and texts of all pairs, the splits one after another, each with its lengths.

    Returns:
        `source` and `target`: pieces, int32; `source_text` and `target_text`: UTF-8, uint8;
        and each with `_lengths` after its name, int32 (N,).
    """
    data: dict[str, Tensor] = {}
    for index, what in enumerate(Pair._fields):
        text, lengths = bytearray(), array("i")
        for pair in chain.from_iterable(splits[split] for split in SPLITS):
            written = pair[index].encode()
            text += written
            lengths.append(len(written))
        pieces = [encoded[split][index] for split in SPLITS]
        data[what] = torch.cat([each.ids for each in pieces])
        data[f"{what}_lengths"] = torch.cat([each.lengths for each in pieces])
        data[f"{what}_text"] = torch.frombuffer(text, dtype=torch.uint8)
        data[f"{what}_text_lengths"] = torch.frombuffer(lengths, dtype=torch.int32)
    return data
