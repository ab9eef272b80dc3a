"""The servers of Prefect and MLflow, on loopback only."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from flows.layout import Layout
from flows.system.bound import bound_group_command
from flows.system.environment import TRACKING
from flows.system.hidden import without_secrets
from flows.system.home import home
from flows.system.pages import API
from rnn_core.errors import GatewiseError

HOST = "127.0.0.1"

START_SECONDS = 120.0
"""Seconds that a server may take to start; on first use it creates its database."""

STOP_SECONDS = 10.0
"""Seconds that a server may take to end by itself."""


MOST_LETTERS = 80
"""Most characters of a process's command in a message."""


class ServerError(GatewiseError):
    """A server cannot be started."""


@dataclass(frozen=True)
class Server:
    """A server that ends with this process.

    Attributes:
        name: Its name for users.
        port: Its port, on loopback.
        health: Path that answers once it is ready.
        log: File with its output.
        process: The process.
    """

    name: str
    port: int
    health: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The address of its pages."""
        return f"http://{HOST}:{self.port}"

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            ServerError: If it ends, or does not answer in time.
        """
        deadline = time.monotonic() + START_SECONDS
        with httpx.Client(base_url=self.url, timeout=2) as client:
            while time.monotonic() < deadline:
                if self.answers(client):
                    return
                time.sleep(0.05)
        raise ServerError(
            f"the {self.name} server does not answer after {START_SECONDS:.0f} s; "
            f"its log is {self.log}"
        )

    def answers(self, client: httpx.Client) -> bool:
        """Return whether it is ready.

        Raises:
            ServerError: If it has ended.
        """
        if self.process.poll() is not None:
            raise ServerError(f"the {self.name} server ended at once; its log is {self.log}")
        try:
            return client.get(self.health).is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def serving(
    name: str, port: int, health: str, command: Sequence[str], **settings: str
) -> Iterator[Server]:
    """Run a Python module as a server; it may still be starting when this returns.

    Args:
        name: Its name for users.
        port: Its port, on loopback.
        health: Path that answers once it is ready.
        command: The module and its arguments.
        settings: Further environment variables.
    """
    log = Layout(home()).logs / f"{name.lower().replace(' ', '_')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        process = subprocess.Popen(
            bound_group_command(*command),
            cwd=home(),
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches only us; we end it when we are done
        )
    server = Server(name, port, health, log, process)
    try:
        yield server
    finally:
        server.stop()


def prefect(port: int, *options: str) -> AbstractContextManager[Server]:
    """Run Prefect's server; its database is in `.gatewise/prefect`."""
    command = ("prefect", "server", "start", *listening(port), *options)
    # Without it, its pages look for the server on the default port.
    settings = {"PREFECT_SERVER_UI_API_URL": f"http://{HOST}:{port}/api"}
    return serving("Prefect", port, "/api/health", command, **settings)


def mlflow(port: int) -> AbstractContextManager[Server]:
    """Run MLflow's server on the database that runs are tracked in."""
    command = ("mlflow", "server", *listening(port), "--workers", "1")
    settings = {"MLFLOW_BACKEND_STORE_URI": os.environ[TRACKING]}  # not shown by ps
    return serving("MLflow", port, "/health", command, **settings)


def worker(port: int, pool: str, api: str) -> AbstractContextManager[Server]:
    """Run a worker of Prefect, which starts the flow runs of a work pool as processes.

    Args:
        port: Port of its health check.
        pool: The work pool; it is made if it does not exist.
        api: Address of the API of Prefect's server.
    """
    name = f"{socket.gethostname()} {os.getpid()}"
    command = ("prefect", "worker", "start", "--pool", pool, "--type", "process", "--name", name)
    settings = {
        API: api,
        "PREFECT_WORKER_WEBSERVER_HOST": HOST,
        "PREFECT_WORKER_WEBSERVER_PORT": str(port),
    }
    return serving("Worker", port, "/health", (*command, "--with-healthcheck"), **settings)


def models(port: int) -> AbstractContextManager[Server]:
    """Run the server of the registered models."""
    return serving("Models", port, "/ready", ("flows.commands", "serve", *listening(port)))


def listening(port: int) -> tuple[str, ...]:
    """The options of a server's command for its host and port."""
    return "--host", HOST, "--port", str(port)


def free_port() -> int:
    """A port that no process listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def check_port(port: int, option: str) -> None:
    """Check that a port is free.

    Raises:
        ServerError: If a process listens on it; names the process if this user may see it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise ServerError(
                f"port {port} is taken by {holder(port)}; end that, or choose another with {option}"
            ) from None


def holder(port: int) -> str:
    """Describe the process that listens on a port."""
    for connection in psutil.net_connections("tcp"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
        if listens and connection.pid is not None:
            with suppress(psutil.Error):
                return process_in_words(psutil.Process(connection.pid))
    return "a process of another user"


def process_in_words(process: psutil.Process) -> str:
    """Describe a process by its id and command, which is cut if it is long, without secrets."""
    command = without_secrets(" ".join(process.cmdline())) or process.name()
    cut = command if len(command) <= MOST_LETTERS else f"{command[:MOST_LETTERS]}..."
    return f"process {process.pid} ({cut})"
