"""Numerics in tests are float64 and deterministic; a seed is drawn by nobody."""

import os
import shutil
from collections.abc import Iterator
from tempfile import mkdtemp

import pytest
import torch

# There is no GPU. Other conftest.py are imported before `pytest_configure`, and Triton with them.
os.environ["TRITON_INTERPRET"] = "1"

LONGEST = (
    "test_readme",
    "test_cli",
    "test_tracking",
    "test_own_data",
    "test_interruption",
    "test_registry",
    "test_repro",
    "test_more_seeds",
    "test_chain",
    "test_serving",
    "test_report",
)
"""Files that take half a minute or more, from the longest."""


def pytest_configure() -> None:
    """What libraries read from the environment when they are imported."""
    os.environ["PREFECT_HOME"] = mkdtemp(prefix="prefect-")  # it makes this folder
    os.environ["KERAS_BACKEND"] = "torch"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that all processes end at about the same time."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def pytest_unconfigure() -> None:
    """Remove what Prefect made."""
    shutil.rmtree(os.environ.pop("PREFECT_HOME"), ignore_errors=True)


@pytest.fixture(autouse=True)
def numerics(request: pytest.FixtureRequest) -> Iterator[None]:
    """Make sloppy numerics fail."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def float64() -> None:
    """Let tensors be float64 unless they say otherwise."""
    torch.set_default_dtype(torch.float64)
