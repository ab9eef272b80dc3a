"""Searches of MLflow, which returns what it finds in pages."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.store.entities import PagedList

T = TypeVar("T")


def every(ask: Callable[[str | None], PagedList[T]]) -> Iterator[T]:
    """All results of a search.

    Args:
        ask: Asks for the page with a token; None: the first one.
    """
    token: str | None = None
    while True:
        page = ask(token)
        yield from page
        token = page.token
        if not token:
            return


def all_models(client: MlflowClient) -> Iterator[RegisteredModel]:
    """All registered models."""
    return every(lambda token: client.search_registered_models(page_token=token))


def all_versions(client: MlflowClient, name: str) -> Iterator[ModelVersion]:
    """All versions of a registered model."""
    query = f"name = {quoted(name)}"
    return every(lambda token: client.search_model_versions(query, page_token=token))


def quoted(name: str) -> str:
    """A name as a value in a query of MLflow."""
    mark = '"' if "'" in name else "'"
    return f"{mark}{name}{mark}"
