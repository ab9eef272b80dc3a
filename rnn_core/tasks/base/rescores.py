"""The role of a task that a finished model is scored by on files that came after its training."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from torch import nn

from rnn_core.metric import SPLITS, Split
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.role import Role
from rnn_core.tasks.base.scores import Scores

Marks: TypeAlias = npt.NDArray[np.uint64]
"""Marks by which items are recognised, (N, M): each item has M, and a mark of 0 means nothing."""


class Rescores(Role, ABC):
    """Scores a model by raw files, which it reads as it was trained to."""

    @property
    def asked(self) -> Any:
        """Parameters that the dataset was prepared with, as the task's own `DataParameters`."""
        return self.meta.parameters  # type: ignore[attr-defined]  # of the task's own `Meta`

    @staticmethod
    @abstractmethod
    def marks(raw: Path, parameters: Any, seed: int) -> dict[Split, Marks]:
        """By what the items of each split are known again in other files.

        Args:
            raw: A folder with raw files.
            parameters: How they are divided, of the task's own `DataParameters`.
            seed: Of the training whose division is meant, where splits take turns.

        Raises:
            DataError: If a file cannot be used.
        """

    @abstractmethod
    def rescore(
        self, model: nn.Module, raw: Path, parameters: Any, seed: int, other: Meta
    ) -> Scores:
        """Score a model on the test set of raw files, item by item as `marks` has them.

        What decides how an item is read, such as a vocabulary or a scale, is that which the
        model was trained with; what decides which items there are, and what is asked of them,
        is that of `parameters`. Scores are in units that do not depend on the model.

        Args:
            model: A model of this task, on the CPU and in evaluation mode.
            raw: A folder with raw files.
            parameters: What is asked, of the task's own `DataParameters`.
            seed: Of the training whose test set is meant, where splits take turns.
            other: Of the model that this one is compared with.

        Raises:
            DataError: If the model cannot be asked that; says why.
        """


def mark(content: bytes) -> int:
    """A number for a content, which is not 0."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little") or 1


def one_mark_each(contents: Iterable[bytes]) -> Marks:
    """Marks of items that are known by all they hold, (N, 1)."""
    return np.array([mark(content) for content in contents], np.uint64).reshape(-1, 1)


def by_split(marks: Marks, splits: Sequence[int]) -> dict[Split, Marks]:
    """Marks of each split, where `splits` has the split of each item as an index of `SPLITS`."""
    return {split: marks[np.asarray(splits) == index] for index, split in enumerate(SPLITS)}


def known_again(marks: Marks, seen: Marks) -> npt.NDArray[np.bool_]:
    """Find the items that were seen: those with half of their marks or more among some, (N,)."""
    telling = marks != 0
    there = np.isin(marks, seen) & telling
    return np.asarray((2 * there.sum(axis=1) >= telling.sum(axis=1)) & telling.any(axis=1))
