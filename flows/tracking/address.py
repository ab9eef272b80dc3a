"""The address of MLflow. Imports no MLflow."""

import os
from collections.abc import Mapping

from flows.layout import Layout
from flows.system.environment import TRACKING, database_file
from flows.system.home import home


def where(environment: Mapping[str, str] = os.environ) -> str:
    """The address of MLflow, with the inode of a local database: a new file is another database."""
    address = environment.get(TRACKING, "")
    file = database_file(address)
    there = file.stat().st_ino if file and file.exists() else ""
    return f"{address} {environment.get('MLFLOW_REGISTRY_URI', '')} {there}"


def beside_registry() -> Layout:
    """The folder of our files about the registry.

    If the registry is a file, it is next to it, so that all studies and clones that use it share
    them. With a server, only those that share a home folder do.
    """
    address = os.environ.get("MLFLOW_REGISTRY_URI") or os.environ.get(TRACKING, "")
    file = database_file(address)
    return Layout(file.resolve().parent if file else home())
