"""Where `gatewise up` listens, and the work pool of its worker. Imports nothing of ours."""

from dataclasses import dataclass

POOL = "gatewise"
"""The work pool whose flow runs the worker starts, unless another is named."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where the servers listen, on loopback."""

    mlflow: int = 5000
    prefect: int = 4200
    models: int = 8000
    worker: int = 4201
