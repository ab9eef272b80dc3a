"""The address of MLflow. Imports no MLflow."""

import os
from collections.abc import Mapping
from pathlib import Path

from flows.layout import Layout
from flows.system.environment import TRACKING, database_file
from flows.system.home import home


def where(environment: Mapping[str, str] = os.environ) -> str:
    """The address of MLflow, with the inode of a local database: a new file is another database."""
    address = environment.get(TRACKING, "")
    file = database_file(address)
    there = file.stat().st_ino if file and file.exists() else ""
    return f"{address} {environment.get('MLFLOW_REGISTRY_URI', '')} {there}"


def registry_file() -> Path | None:
    """The file of the database with the registry; None if it is on a server."""
    return database_file(os.environ.get("MLFLOW_REGISTRY_URI") or os.environ.get(TRACKING, ""))


def read_only(file: Path) -> str:
    """The address by which SQLite reads a database, and makes none."""
    return f"{file.resolve().as_uri()}?mode=ro"


def beside_registry() -> Layout:
    """The folder of our files about the registry.

    If the registry is a file, it is next to it, so that all studies and clones that use it share
    them. With a server, only those that share a home folder do.
    """
    file = registry_file()
    return Layout(file.resolve().parent if file else home())
