"""The pairs of each side, from a person's own files."""

from pathlib import Path
from typing import Literal, TypeAlias

import torch

from rnn_core.errors import DataError, ParameterError
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.parallel_text import Pair, aligned_files, read_pairs
from rnn_core.tasks.translation.parameters import TranslationData

Sides: TypeAlias = dict[Split, list[Pair]]

SPLIT_SEED = 0
"""Which pairs of a corpus fall on which side is the same for everyone."""


def read_sides(raw: Path, parameters: TranslationData) -> Sides:
    """The pairs of each side, from files of each or drawn from one pair of files."""
    if "*" not in (parameters.source_file or "") + (parameters.target_file or ""):
        pairs = read_pairs(aligned_files(raw, parameters.source_file, parameters.target_file))
        return draw_sides(pairs, parameters)
    patterns = parameters.source_file, parameters.target_file
    for pattern in patterns:
        if pattern is None or "*" not in pattern:
            raise ParameterError(
                f"target_file is {patterns[1]!r}, source_file {patterns[0]!r}: both or neither "
                "must hold a *"
            )
    names = [[str(p).replace("*", side) for p in patterns] for side in parameters.sides]
    pairs_of = [read_pairs(aligned_files(raw, *pair)) for pair in names]
    return dict(zip(SPLITS, pairs_of, strict=True))


def draw_sides(pairs: list[Pair], parameters: TranslationData) -> Sides:
    """Draw sides from all pairs; a pair that comes several times is on one side only."""
    different = list(dict.fromkeys(pairs))
    num_test = round(len(different) * parameters.test_share)
    num_validation = round(len(different) * parameters.validation_share)
    num_train = len(different) - num_test - num_validation
    if min(num_test, num_validation, num_train) < 1:
        count = (
            "1 different pair is"
            if len(different) == 1
            else f"{len(different)} different pairs are"
        )
        raise DataError(
            f"{count} too few for a validation_share of "
            f"{parameters.validation_share} and a test_share of {parameters.test_share}"
        )
    generator = torch.Generator().manual_seed(SPLIT_SEED)
    order = torch.randperm(len(different), generator=generator)
    parts = order.split([num_train, num_validation, num_test])
    return {
        split: [different[i] for i in part.sort().values.tolist()]
        for split, part in zip(SPLITS, parts, strict=True)
    }


def without_repeated(sides: Sides, repeated: Literal["error", "drop"]) -> Sides:
    """Keep pairs that are scored out of training, and pairs to choose by out of the test."""
    chosen = set(sides["validation"])
    both = next((i for i, pair in enumerate(sides["test"], 1) if pair in chosen), None)
    if both is not None and repeated == "error":
        raise DataError(
            f"pair {both} of the test side is on the validation side too; remove it there, or set "
            "data.repeated to drop"
        )
    scored = chosen | set(sides["test"])
    again = next((i for i, pair in enumerate(sides["train"], 1) if pair in scored), None)
    if again is not None and repeated == "error":
        raise DataError(
            f"pair {again} of the training side is on the validation or test side too; remove it, "
            "or set data.repeated to drop"
        )
    tested = set(sides["test"])
    kept: Sides = {
        "train": [pair for pair in sides["train"] if pair not in scored],
        "validation": [pair for pair in sides["validation"] if pair not in tested],
        "test": sides["test"],
    }
    if not kept["validation"]:
        raise DataError(
            "every validation pair is on the test side too; nothing is left to choose by"
        )
    if not kept["train"]:
        raise DataError("every training pair is on the validation or test side too")
    return kept


def check_characters(sides: Sides) -> None:
    """Refuse sides that are written otherwise than what is trained on.

    Raises:
        DataError: If most characters of one are not on the training side.
    """
    for index, what in enumerate(Pair._fields):
        known = {character for pair in sides["train"] for character in pair[index].lower()}
        for split in SPLITS:
            text = "".join("".join(pair[index].lower().split()) for pair in sides[split])
            if 2 * sum(character in known for character in text) < len(text):
                raise DataError(
                    f"most characters of the {what} texts of the {split} side are not on the "
                    "training side; is it the same language?"
                )
