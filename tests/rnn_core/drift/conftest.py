"""Thousands of comparisons in the time of a few."""

import pytest


@pytest.fixture(autouse=True)
def collect_no_garbage(monkeypatch):
    """Keep statsmodels' `multipletests` from a full garbage collection at each call.

    One comparison can wait for it; among all that a test session holds, it takes half a second.
    """
    monkeypatch.setattr("gc.collect", int)
