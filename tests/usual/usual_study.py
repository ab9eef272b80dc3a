"""What most studies of tests have in common."""

from collections.abc import Mapping
from typing import Any

USUAL: Mapping[str, Any] = {
    "device": "cpu",
    "sizes": ["equal"],
    "depths": [1],
    "tuning": None,
    "champion": "seed",
    "ensemble": {"members": 2},
    "references": None,
    "refit": False,
}
"""The keys of a `params.yaml` but for root, study, seeds, cells and datasets: no more is trained
than each cell at one size with those seeds."""
