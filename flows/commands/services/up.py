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
from flows.system.servers import Server, ServerError, check_port

STARTS = {"MLflow": "/#/experiments?workflowType=machine_learning"}
"""Where to begin: MLflow has pages for training and for language models, and shows the latter."""

LOOK_SECONDS = 0.5
"""How often it is looked whether all servers live."""


def up(ports: Ports, pool: str) -> None:
    """Start all servers, tell where they are, and stop them all at Ctrl-C.

    A server that is named in the environment is used and told, and none is started in its place.
    Where another `gatewise up` has started them, its addresses are told, and this one ends with it.

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
    """Start what is not there, tell where all is, and wait until one ends."""
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
    """Tell Prefect of runs whose process is gone, so that they keep no other from beginning."""
    os.environ[API] = api
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - reads that setting

    from flows.operations.dead_runs import find_dead, mark_dead  # noqa: PLC0415 - as above

    with get_client(sync_client=True) as client:
        for dead in find_dead(client):
            mark_dead(client, dead)
            sys.stdout.write(f"The flow run {dead.run.name} crashed: {dead.reason}.\n")


def start_stores(ports: Ports, named: Sequence[Address], stack: ExitStack) -> list[Server]:
    """Start the servers of Prefect and MLflow, unless others are named, and wait for them."""
    names, begun = {address.name for address in named}, []
    if "MLflow" not in names:
        begun.append(servers.mlflow(ports.mlflow))
    if "Prefect" not in names:
        begun.append(servers.prefect(ports.prefect))
    return start(stack, begun)


def start(stack: ExitStack, begun: Sequence[AbstractContextManager[Server]]) -> list[Server]:
    """Start some servers side by side, and wait until all answer."""
    found = [stack.enter_context(one) for one in begun]
    for server in found:
        server.wait()
    return found


def named_servers() -> list[Address]:
    """The servers that the environment names, which are others' to start."""
    found = []
    if os.environ[TRACKING].startswith("http"):
        found.append(Address("MLflow", without_user(os.environ[TRACKING]), STARTS["MLflow"]))
    if os.environ.get(API):
        found.append(Address("Prefect", without_user(os.environ[API].removesuffix("/api"))))
    return found


def check_ports(ports: Ports, named: Sequence[Address]) -> None:
    """Refuse ports that are taken, before anything is started.

    Raises:
        ServerError: If one is; says by whom.
    """
    names = {address.name.lower() for address in named}
    for name, port in vars(ports).items():
        if name not in names:
            check_port(port, f"--{name}-port")


def address_of(server: Server) -> Address:
    """Where a server of ours is."""
    return Address(server.name, server.url, STARTS.get(server.name, ""))


def say(addresses: Sequence[Address], more: str) -> None:
    """Tell where all is."""
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
    """Tell what another `gatewise up` has started, and wait for its end."""
    found = next(filter(None, others()), None)
    if found is None:
        return
    told = f"Process {found.process} has started these, and they end with it."
    sys.stdout.write("\n".join([*map(str, found.addresses), told]) + "\n")
    sys.stdout.flush()
    while lives():
        time.sleep(LOOK_SECONDS)


def others() -> Iterator[Pages | None]:
    """What the other has started, again and again until it has; ends when the other does."""
    while lives():
        yield read_pages()
        time.sleep(LOOK_SECONDS)


def lives() -> bool:
    """Whether another `gatewise up` lives."""
    lock = pages_lock()
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
