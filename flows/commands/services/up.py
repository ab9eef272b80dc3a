"""`gatewise up`: the servers of Prefect, MLflow and the models, and a worker, until Ctrl-C."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from signal import SIGTERM, signal
from types import FrameType
from typing import NoReturn

from filelock import Timeout

from flows.system import servers
from flows.system.environment import TRACKING, use_defaults
from flows.system.hidden import without_user
from flows.system.home import enter_home
from flows.system.pages import (
    API,
    Address,
    Pages,
    pages_file,
    pages_lock,
    read_pages,
    write_pages,
)
from flows.system.ports import Ports
from flows.system.prefect_api import prefect_answers
from flows.system.servers import Server, ServerError, check_port

STARTS = {"MLflow": "/#/experiments?workflowType=machine_learning"}
"""First pages. MLflow would show its pages for language models, not those for training."""

LOOK_SECONDS = 0.5
"""Seconds between two looks at whether all servers are running."""


def up(ports: Ports, pool: str) -> None:
    """Start all servers, print their addresses, and stop them all at Ctrl-C.

    A server that the environment names is used, and not started. If another `gatewise up` is
    running, this one prints the addresses of its servers, and ends with it.

    Raises:
        ServerError: If a port is taken, or a server does not start or ends.
    """
    use_defaults()
    enter_home(Path())
    signal(SIGTERM, end)
    try:
        with pages_lock().acquire(timeout=0), ExitStack() as stack:
            start_all(ports, pool, stack)
    except Timeout:
        join()


def end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does, so that all servers are stopped."""
    raise KeyboardInterrupt


def start_all(ports: Ports, pool: str, stack: ExitStack) -> None:
    """Start the missing servers, print all addresses, and wait until a server ends."""
    pages_file().unlink(missing_ok=True)
    named = named_servers()
    check_ports(ports, named)
    started = start_stores(ports, named, stack)
    addresses = [*named, *map(address_of, started)]
    api = os.environ.get(API) or f"{started[-1].url}/api"
    end_dead_runs(api)
    started += start(stack, [servers.worker(ports.worker, pool, api), servers.models(ports.models)])
    addresses.append(address_of(started[-1]))
    write_pages(tuple(addresses))
    say(addresses, f"Work pool {pool!r} has a worker. `gatewise deploy STUDY` schedules a study.")
    watch(started)


def end_dead_runs(api: str) -> None:
    """Report runs whose process has ended to Prefect, so that they do not block other runs."""
    os.environ[API] = api
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - reads that setting

    from flows.operations.dead_runs import find_dead, mark_dead  # noqa: PLC0415 - as above

    with prefect_answers(api), get_client(sync_client=True) as client:
        for dead in find_dead(client):
            mark_dead(client, dead)
            sys.stdout.write(f"The flow run {dead.run.name} crashed: {dead.reason}.\n")


def start_stores(ports: Ports, named: Sequence[Address], stack: ExitStack) -> list[Server]:
    """Start the servers of Prefect and MLflow, unless the environment names some, and wait."""
    names, begun = {address.name for address in named}, []
    if "MLflow" not in names:
        begun.append(servers.mlflow(ports.mlflow))
    if "Prefect" not in names:
        begun.append(servers.prefect(ports.prefect))
    return start(stack, begun)


def start(stack: ExitStack, begun: Sequence[AbstractContextManager[Server]]) -> list[Server]:
    """Start several servers at the same time, and wait until all answer."""
    found = [stack.enter_context(one) for one in begun]
    for server in found:
        server.wait()
    return found


def named_servers() -> list[Address]:
    """The servers that the environment names; we do not start them."""
    found = []
    if os.environ[TRACKING].startswith("http"):
        found.append(Address("MLflow", without_user(os.environ[TRACKING]), STARTS["MLflow"]))
    if os.environ.get(API):
        found.append(Address("Prefect", without_user(os.environ[API].removesuffix("/api"))))
    return found


def check_ports(ports: Ports, named: Sequence[Address]) -> None:
    """Check, before anything is started, that all ports are free.

    Raises:
        ServerError: If one is taken; names the process.
    """
    names = {address.name.lower() for address in named}
    for name, port in vars(ports).items():
        if name not in names:
            check_port(port, f"--{name}-port")


def address_of(server: Server) -> Address:
    """The address of one of our servers."""
    return Address(server.name, server.url, STARTS.get(server.name, ""))


def say(addresses: Sequence[Address], more: str) -> None:
    """Print the addresses."""
    sys.stdout.write("\n".join([*map(str, addresses), f"{more} Ctrl-C ends all."]) + "\n")
    sys.stdout.flush()


def watch(started: Sequence[Server]) -> NoReturn:
    """Wait until a server ends.

    Raises:
        ServerError: Once one does.
    """
    while all(server.process.poll() is None for server in started):
        time.sleep(LOOK_SECONDS)
    dead = next(server for server in started if server.process.poll() is not None)
    raise ServerError(f"{dead.name} ended; its log is {dead.log}")


def join() -> None:
    """Print the servers that another `gatewise up` has started, and wait for its end."""
    found = next(filter(None, others()), None)
    if found is None:
        return
    told = f"Process {found.process} has started these, and they end with it."
    sys.stdout.write("\n".join([*map(str, found.addresses), told]) + "\n")
    sys.stdout.flush()
    while lives():
        time.sleep(LOOK_SECONDS)


def others() -> Iterator[Pages | None]:
    """Read what the other one has started, until it has; stops when the other one ends."""
    while lives():
        yield read_pages()
        time.sleep(LOOK_SECONDS)


def lives() -> bool:
    """Return whether another `gatewise up` is running."""
    lock = pages_lock()
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
