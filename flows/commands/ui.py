"""`gatewise ui`: the pages of MLflow and Prefect, on loopback."""

import sys
import time
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from flows.layout import Layout
from flows.system.environment import use_defaults
from flows.system.home import enter_home, home
from flows.system.servers import ServerError, check_port, mlflow, prefect
from rnn_core.files import read_json, write_json

STARTS = {"MLflow": "/#/experiments?workflowType=machine_learning", "Prefect": ""}
"""Where to begin: MLflow has pages for training and for language models, and shows the latter."""


def show_pages(mlflow_port: int, prefect_port: int) -> None:
    """Serve both pages until Ctrl-C.

    Raises:
        ServerError: If a port is taken, or a server does not start or ends.
    """
    use_defaults()
    enter_home(Path())
    check_port(mlflow_port, "--mlflow-port")
    check_port(prefect_port, "--prefect-port")
    with page_lock(), ExitStack() as stack:
        servers = [stack.enter_context(s) for s in (mlflow(mlflow_port), prefect(prefect_port))]
        for server in servers:
            server.wait()
            sys.stdout.write(f"{server.name:8}{server.url}{STARTS[server.name]}\n")
        api = f"{servers[1].url}/api"
        write_json(addresses(), {"prefect": api})
        sys.stdout.write(f"To deploy: export PREFECT_API_URL={api}. Ctrl-C ends both.\n")
        sys.stdout.flush()
        while all(server.process.poll() is None for server in servers):
            time.sleep(0.5)
        dead = next(server for server in servers if server.process.poll() is not None)
        raise ServerError(f"the {dead.name} server ended; its log is {dead.log}")


def shown_prefect() -> str | None:
    """The API of the Prefect server of `gatewise ui`, if that is running."""
    lock, file = page_lock(), addresses()
    try:
        lock.acquire(timeout=0)
    except Timeout:
        url: str | None = read_json(file)["prefect"] if file.exists() else None
        return url
    lock.release()
    return None


def page_lock() -> FileLock:
    """Held as long as the pages are there."""
    lock = Layout(home()).locks / "ui.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(lock)


def addresses() -> Path:
    """Where the pages are, as JSON."""
    return Layout(home()).state / "ui.json"
