"""Kinds of studies that `calibration.py` generates."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

NUM_ITEMS = 204

Chance: TypeAlias = Literal["normal", "t3", "exponential", "outlying"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Studies of one kind; all standard deviations are in margins.

    Attributes:
        name: What it is called in the table.
        seeds: Standard deviation of a candidate's loss over random seeds.
        items: Standard error of a candidate's mean by the items of a split.
        apart: True means are the absolute values of normal ones with this standard deviation.
        chance: Distribution of what a seed does to a candidate.
        clusters: Groups of items that vary together.
        uneven: Standard deviation of the logarithm of `seeds` over candidates.
        decided: Smallest share of studies to decide.
        trainings: Largest mean number of trainings.
    """

    name: str
    seeds: float
    items: float
    apart: float = 3.0
    chance: Chance = "normal"
    clusters: int = NUM_ITEMS
    uneven: float = 0.0
    decided: float = 0.0
    trainings: float = np.inf


TYPICAL = Kind(name="typical", seeds=1.2, items=0.25, decided=0.6, trainings=50)
KINDS = (
    Kind(name="easy", seeds=0.5, items=0.1, decided=0.99, trainings=28),
    TYPICAL,
    Kind(name="items-limited", seeds=1.0, items=0.7),
    Kind(name="noisy", seeds=3.0, items=0.3),
    Kind(name="close", seeds=1.0, items=0.25, apart=1.0),
    *(
        replace(TYPICAL, name=f"typical, {name}", decided=0.0, trainings=np.inf, **changes)
        for name, changes in {
            "t with 3 df": {"chance": "t3"},
            "skewed": {"chance": "exponential"},
            "outlying": {"chance": "outlying"},
            "six clusters": {"clusters": 6},
            "uneven": {"uneven": 0.6},
            "all equal": {"apart": 0.0},
        }.items()
    ),
)
