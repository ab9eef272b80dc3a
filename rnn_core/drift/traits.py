"""Traits of raw input: named numbers and categories of items, such as the length of a text.

They are compared to find out whether inputs still look like the training set. No input can be
reconstructed from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnn_core.records import read_record, write_record

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]

MOST_ITEMS = 2000
"""Most items whose numbers are stored; more would improve the comparison little."""

DIGITS = 6
"""Significant digits of stored numbers."""


@dataclass(frozen=True, kw_only=True)
class Traits:
    """Traits of some items.

    Attributes:
        num_items: Number of items.
        numbers: For each trait that is a number, its value for each item, (N,), in the order of
            time if items have one; NaN if an item has no value.
        categories: For each other trait, the number of items in each category.
        matters: The smallest change of the mean of a number that matters. Only items in the order
            of time have it.
    """

    num_items: int
    numbers: Mapping[str, Floats]
    categories: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    matters: Mapping[str, float] = field(default_factory=dict)


class Observer(Protocol):
    """Finds the traits of the inputs of a task."""

    items: str
    """The word for items, in the plural."""
    in_time: bool
    """True if items are in the order of time, so that neighbours are alike."""

    def of_input(self, task: Any, table: "pd.DataFrame") -> Traits:
        """The traits of raw input.

        Args:
            task: The task of the model.
            table: The input, as read by `Serves.read_input`.

        Raises:
            DataError: If it does not have the form that the task needs.
        """

    def of_training(self, task: Any, raw: Path) -> Traits:
        """The traits of the training set, as its items would be if the model had not seen them.

        Args:
            task: The task of the model.
            raw: The files that the dataset was prepared from.

        Raises:
            DataError: If a file cannot be used.
        """


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The traits of a training set, in the form that is stored with a model.

    Attributes:
        num_items: As in `Traits`; so are the next three. Missing numbers are null.
    """

    num_items: int
    numbers: dict[str, list[float | None]]
    categories: dict[str, dict[str, int]]
    matters: dict[str, float]


def write_traits(file: Path, traits: Traits, *, in_time: bool) -> None:
    """Write the traits of a training set, of at most `MOST_ITEMS` items.

    If items are in the order of time, the last ones are written, otherwise a random sample.
    """
    kept = Kept(
        num_items=traits.num_items,
        numbers={name: shortened(each, in_time) for name, each in traits.numbers.items()},
        categories={name: dict(counts) for name, counts in traits.categories.items()},
        matters=dict(traits.matters),
    )
    write_record(file, kept)


def shortened(values: Floats, in_time: bool) -> list[float | None]:
    """At most `MOST_ITEMS` values of a trait, with few digits."""
    if len(values) > MOST_ITEMS:
        drawn = np.random.default_rng(0).choice(len(values), MOST_ITEMS, replace=False)
        values = values[-MOST_ITEMS:] if in_time else values[np.sort(drawn)]
    return [None if np.isnan(v) else float(f"{v:.{DIGITS}g}") for v in values.tolist()]


def read_traits(file: Path) -> Traits:
    """Read what `write_traits` wrote.

    Raises:
        DataError: If it cannot be read.
    """
    kept = read_record(file, Kept)
    numbers = {name: np.array(each, np.float64) for name, each in kept.numbers.items()}
    return Traits(
        num_items=kept.num_items,
        numbers=numbers,
        categories=kept.categories,
        matters=kept.matters,
    )
