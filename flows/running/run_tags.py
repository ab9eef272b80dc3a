"""Tags of MLflow runs: the commit of the code, and the run of the flow and its process."""

import os
import socket

from prefect.runtime import flow_run

from flows.system.git import head
from flows.system.home import clone
from flows.tracking.unended import PROCESS


def run_tags() -> dict[str, str]:
    """Tags for new MLflow runs: the commit if there is one, the Prefect run, host and process."""
    return {
        "mlflow.source.git.commit": commit(),
        "prefect.flow_run_id": flow_run.get_id() or "",
        PROCESS: f"{socket.gethostname()} {os.getpid()}",
    }


def commit() -> str:
    """The commit of our code; empty if the package is installed."""
    folder = clone()
    return head(folder) if folder else ""
