"""Common parts of most studies in tests."""

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
"""The keys of a `params.yaml` except for root, study, seeds, cells and datasets: no more is trained
than each cell at one size with those seeds."""

SALES: Mapping[str, Any] = {
    "source": "sales.csv",
    "task": "forecasting",
    "data": {"targets": ["y"], "lookback": 12, "horizon": 3},
    "model": {"hidden_size": 4},
    "training": {"epochs": 1},
}
"""A dataset that is trained in no time, of the table that is beside every study of tests."""
