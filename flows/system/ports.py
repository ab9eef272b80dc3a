"""Settings of the servers that the command line names. Imports nothing else of Gatewise."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

POOL = "gatewise"
"""The work pool whose flow runs the worker starts, unless another is named."""

Shadow: TypeAlias = Literal["none", "answers", "inputs"]
"""What the model server logs of challengers: nothing, what they answer, or also what was asked."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where the servers listen, on loopback."""

    mlflow: int = 5000
    prefect: int = 4200
    models: int = 8000
    worker: int = 4201
