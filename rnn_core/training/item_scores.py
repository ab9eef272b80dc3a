"""The scores of single items, in a file beside the scores of a seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from rnn_core.errors import DataError
from rnn_core.files import write_bytes
from rnn_core.metric import ScoredSplit

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ItemScores:
    """The metric of each item of a split.

    Attributes:
        values: The metric, (N,).
        weights: How much each item counts, (N,).
        clusters: Items of the same number do not vary independently, int64 (N,); None: all do.
        own_to_seed: Whether each random seed has items of its own.
    """

    values: Floats
    weights: Floats
    clusters: npt.NDArray[np.int64] | None = None
    own_to_seed: bool = False


def write_items(path: Path, scores: Mapping[ScoredSplit, ItemScores]) -> None:
    """Write the score, weight and cluster of every item of both splits."""
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for split, items in scores.items():
        arrays[f"{split}/values"] = items.values
        arrays[f"{split}/weights"] = items.weights
        if items.clusters is not None:
            arrays[f"{split}/clusters"] = items.clusters
        if items.own_to_seed:
            arrays[f"{split}/own_to_seed"] = np.ones((), np.float32)
    write_bytes(path, save(arrays))


def read_items(path: Path, split: ScoredSplit) -> ItemScores:
    """Read the score, weight and cluster of every item of a split.

    Raises:
        DataError: If the file is missing or holds something else.
    """
    try:
        return items_of(path.read_bytes(), split, str(path))
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the stage that makes it") from None


def items_of(content: bytes, split: ScoredSplit, name: str) -> ItemScores:
    """The score, weight and cluster of every item of a split.

    Args:
        content: Of the file.
        split: Which split.
        name: What to call the file in errors.

    Raises:
        DataError: If the file holds something else.
    """
    try:
        arrays = load(content)
        return ItemScores(
            values=arrays[f"{split}/values"],
            weights=arrays[f"{split}/weights"],
            clusters=arrays.get(f"{split}/clusters"),
            own_to_seed=f"{split}/own_to_seed" in arrays,
        )
    except (SafetensorError, KeyError) as error:
        raise DataError(f"{name} does not hold the scores of {split} items: {error}") from None
