"""Registered models of every task, and a server that answers with them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from asking import Asking, asking
from registered import Registered, register, tracked_at

from flows.serving.app import Application
from flows.serving.guards import LOOPBACK, Rules
from flows.serving.version import Limits
from flows.system.ports import Shadow
from rnn_core.tasks import REGISTRY


@dataclass(frozen=True)
class Filled:
    """A folder with a registry, and what is registered in it, by task."""

    folder: Path
    models: dict[str, Registered]


@pytest.fixture(scope="session")
def filled(database_in: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A registry with a model of each task."""
    folder = tmp_path_factory.mktemp("filled")
    database_in(folder)
    with tracked_at(folder):
        return Filled(folder, {task: register(task) for task in REGISTRY})


@pytest.fixture(scope="module")
def models(filled: Filled) -> Iterator[dict[str, Registered]]:
    """Registered models, while MLflow watches."""
    with tracked_at(filled.folder):
        yield filled.models


@pytest.fixture
def own_models(database_in: Callable[[Path], str], tmp_path: Path) -> Iterator[Path]:
    """A registry of the test's own, without any model, in which it may do what it likes."""
    database_in(tmp_path)
    with tracked_at(tmp_path):
        yield tmp_path


@pytest.fixture(scope="session")
def application() -> Callable[..., Application]:
    """Makes an application with its models loaded."""

    def make(
        *names: str,
        limits: Limits | None = None,
        token: str | None = None,
        refresh: float = 3600,
        shadow: Shadow = "none",
    ) -> Application:
        limits = limits or Limits()
        made = Application(names, limits, Rules(token, LOOPBACK, limits.body), refresh, shadow)
        made.shelf.fill()
        return made

    return make


@pytest.fixture(scope="module")
def client(models: dict, application: Callable[..., Application]) -> Iterator[Asking]:
    """Asks an application with all models."""
    with asking(application()) as found:
        yield found
