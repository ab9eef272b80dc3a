"""Settings of the servers that the command line names. Imports nothing else of Gatewise."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

POOL = "gatewise"
"""The default work pool; the worker starts its flow runs."""

Shadow: TypeAlias = Literal["none", "answers", "inputs"]
"""Choices of the model server's log of challengers: nothing, answers, or answers and requests."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Ports of the servers, on loopback."""

    mlflow: int = 5000
    prefect: int = 4200
    models: int = 8000
    worker: int = 4201
