"""Registered models of every task, and a server that answers with them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from asking import Asking, asking
from chromium_page import Page, chromium
from mlflow import MlflowClient
from registered import Registered, register, tracked_at
from trying import Trying, listening

from flows.layout import Layout
from flows.serving.app import Application
from flows.serving.guards import LOOPBACK, Rules
from flows.serving.version import Limits
from flows.system.ports import Shadow
from flows.tracking import registry
from rnn_core.comparison.outcome import Comparison, Risk, read_comparison
from rnn_core.tasks import REGISTRY

REPOSITORY = Path(__file__).parents[3]


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
        made = Application(
            names, limits, Rules(token, LOOPBACK, limits.body, limits.seconds), refresh, shadow
        )
        made.shelf.fill()
        return made

    return make


@pytest.fixture(scope="module")
def client(models: dict, application: Callable[..., Application]) -> Iterator[Asking]:
    """Asks an application with all models."""
    with asking(application()) as found:
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of a browser of its own, which ends with the module."""
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture(scope="module")
def undecided(models: dict[str, Registered]) -> Comparison:
    """Evidence of one of the models: nothing is decided, and a baseline is better."""
    found = read_comparison(Layout(REPOSITORY).comparison("numbers"))
    gru = found.candidates["gru-32"]
    chances = {"validation": 0.9764, "test": 0.9861}
    splits = {
        split: replace(gru.on(split), risk=Risk(chance=chance, expected_loss=0.1))
        for split, chance in chances.items()
    }
    found = replace(
        found,
        candidates=found.candidates | {"gru-32": replace(gru, **splits)},
        baselines={"nearest": 0.99},
        decision=replace(found.decision, status="open", why="too_close", recommended="gru-32"),
    )
    client = MlflowClient()
    version = client.get_model_version(models["copy_memory"].name, models["copy_memory"].number)
    registry.write_evidence(client, version, found)
    return found


@pytest.fixture(scope="module")
def address(
    models: dict[str, Registered], undecided: Comparison, application: Callable[..., Application]
) -> Iterator[str]:
    """Where all models are served, and a version of one beside its champion."""
    names = [made.name for made in models.values()]
    with listening(application(*names, "tiny.sentiment@1")) as found:
        yield found


@pytest.fixture
def trying(browser: Page, address: str) -> Trying:
    """A user who tries these models."""
    return Trying(browser, address)
