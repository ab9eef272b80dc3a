"""The pairs of each split, from the user's own files."""

from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import TypeAlias

import torch

from rnn_core.errors import DataError, ParameterError
from rnn_core.metric import SCORED, SPLITS, Split
from rnn_core.readers.pair_files import Files, files_called, pair_files
from rnn_core.readers.parallel_text import (
    Pair,
    check_translated,
    clean,
    read_by_split,
    read_pairs,
)
from rnn_core.tasks.translation.parameters import TranslationData

Splits: TypeAlias = dict[Split, list[Pair]]

SPLIT_SEED = 0
"""Random seed of the division of pairs into splits, the same for everyone."""


def read_splits(raw: Path, parameters: TranslationData) -> Splits:
    """The pairs of each split, as they are given or drawn from the training pairs."""
    read = given_splits(files_of(raw, parameters), parameters)
    return read if len(read) == len(SPLITS) else read | draw_splits(read, parameters)


def given_splits(files: Mapping[Split, Files], parameters: TranslationData) -> Splits:
    """The pairs of the splits that have files, or rows of their own in a table."""
    if parameters.split_column is None:
        return {split: pairs_in(each, parameters) for split, each in files.items()}
    table = files["train"]
    if len(files) > 1 or table.target is not None:
        raise ParameterError(
            "split_column belongs to a single table; leave it out for several files"
        )
    read = read_by_split(
        table.source, parameters.columns, parameters.split_column, parameters.encoding
    )
    check_translated([pair for pairs in read.values() for pair in pairs], table.source.name)
    return read


def pairs_in(files: Files, parameters: TranslationData) -> list[Pair]:
    """The pairs of files, in their order."""
    return read_pairs(files, parameters.columns, parameters.encoding)


def files_of(raw: Path, parameters: TranslationData) -> dict[Split, Files]:
    """The files of each split, the training set first; those without any are drawn from it."""
    patterns = parameters.source_file, parameters.target_file
    if not any(pattern and "*" in pattern for pattern in patterns):
        return {"train": pair_files(raw, *patterns)}
    source, target = patterns
    if source is None or "*" not in source or (target is not None and "*" not in target):
        raise ParameterError(
            f"target_file is {target!r}, source_file {source!r}: both or neither must hold a *"
        )
    return {
        split: files_called(raw, source.replace("*", name), target and target.replace("*", name))
        for split, name in zip(SPLITS, parameters.splits, strict=True)
        if name is not None
    }


def as_read(pair: Pair, parameters: TranslationData) -> Pair:
    """A pair as a model reads it."""
    return Pair(*(clean(text, parameters.lower_case) for text in pair))


def draw_splits(given: Splits, parameters: TranslationData) -> Splits:
    """Draw splits that are not given from the training pairs, each once.

    Pairs with the same text to translate stay together.
    """
    once: dict[Pair, Pair] = {}
    for pair in given["train"]:
        once.setdefault(as_read(pair, parameters), pair)
    groups: dict[str, int] = {}
    owners = [groups.setdefault(read.source, len(groups)) for read in once]
    shares = {"validation": parameters.validation_share, "test": parameters.test_share}
    counts = {
        split: round(len(groups) * shares[split]) for split in SPLITS[1:] if split not in given
    }
    sizes = {"train": len(groups) - sum(counts.values()), **counts}
    if min(sizes.values()) < 1:
        count = (
            "1 different source text is"
            if len(groups) == 1
            else f"{len(groups)} different source texts are"
        )
        raise DataError(
            f"{count} too few for a validation_share of "
            f"{parameters.validation_share} and a test_share of {parameters.test_share}"
        )
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    order = torch.randperm(len(groups), generator=generator)
    drawn: Splits = {split: [] for split in sizes}
    of_group = dict[int, list[Pair]]()
    for split, part in zip(sizes, order.split(list(sizes.values())), strict=True):
        of_group |= dict.fromkeys(part.tolist(), drawn[split])
    for owner, pair in sorted(zip(owners, once.values(), strict=True), key=itemgetter(0)):
        of_group[owner].append(pair)
    return drawn


def without_repeated(splits: Splits, parameters: TranslationData) -> Splits:
    """Keep texts that are scored out of training, and those to choose by out of the test."""
    if parameters.repeated == "keep":
        return splits
    read = {s: [as_read(pair, parameters).source for pair in splits[s]] for s in SPLITS}
    chosen, tested = set(read["validation"]), set(read["test"])
    both = next((i for i, text in enumerate(read["test"], 1) if text in chosen), None)
    if both is not None and parameters.repeated == "error":
        raise DataError(
            f"the source of pair {both} of the test set is in the validation set too; remove it "
            "there, or set data.repeated to drop"
        )
    scored = chosen | tested
    again = next((i for i, text in enumerate(read["train"], 1) if text in scored), None)
    if again is not None and parameters.repeated == "error":
        raise DataError(
            f"the source of pair {again} of the training set is in the validation or test set "
            "too; remove it, or set data.repeated to drop"
        )
    kept: Splits = {
        "train": without(splits["train"], read["train"], scored),
        "validation": without(splits["validation"], read["validation"], tested),
        "test": splits["test"],
    }
    if not kept["validation"]:
        raise DataError(
            "every validation pair is in the test set too; nothing is left to choose by"
        )
    if not kept["train"]:
        raise DataError("every training pair is in the validation or test set too")
    return kept


def without(pairs: list[Pair], read: list[str], others: set[str]) -> list[Pair]:
    """Pairs whose text to translate is not among others."""
    return [pair for pair, text in zip(pairs, read, strict=True) if text not in others]


def check_characters(splits: Splits) -> None:
    """Refuse splits that are written otherwise than what is trained on.

    Raises:
        DataError: If most characters of one are not in the training set.
    """
    for index, what in enumerate(Pair._fields):
        known = {character for pair in splits["train"] for character in pair[index].lower()}
        for split in SCORED:
            text = "".join("".join(pair[index].lower().split()) for pair in splits[split])
            if 2 * sum(character in known for character in text) < len(text):
                raise DataError(
                    f"most characters of the {what} texts of the {split} set are not in the "
                    "training set; is it the same language?"
                )
