"""The servers that `gatewise up` has started, in a file that other processes here can read."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from flows.layout import Layout
from flows.system.home import home
from rnn_core.files import read_json, write_json

API = "PREFECT_API_URL"
"""Environment variable with the address of a Prefect server."""


@dataclass(frozen=True)
class Address:
    """A server that was started.

    Attributes:
        name: Its name for users.
        url: Where it listens.
        start: Path of its first page.
    """

    name: str
    url: str
    start: str = ""

    def __str__(self) -> str:
        return f"{self.name:8}{self.url}{self.start}"


@dataclass(frozen=True)
class Pages:
    """The servers that one `gatewise up` has started.

    Attributes:
        process: Id of the process that they end with.
        addresses: Their addresses.
    """

    process: int
    addresses: tuple[Address, ...]

    @property
    def prefect(self) -> str | None:
        """The address of the API of Prefect's server; None if it was not started."""
        found = [address.url for address in self.addresses if address.name == "Prefect"]
        return f"{found[0]}/api" if found else None


def pages_lock() -> FileLock:
    """The lock that `gatewise up` holds while its servers run."""
    lock = Layout(home()).locks / "up.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(lock)


def pages_file() -> Path:
    """The JSON file with the servers' addresses."""
    return Layout(home()).state / "up.json"


def write_pages(addresses: tuple[Address, ...]) -> None:
    """Write down the servers that this process has started."""
    found = Pages(os.getpid(), addresses)
    write_json(pages_file(), asdict(found))


def shown_pages() -> Pages | None:
    """The servers of a `gatewise up` that is still running; None if there are none yet."""
    lock = pages_lock()
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return read_pages()
    lock.release()
    return None


def read_pages() -> Pages | None:
    """Read the file with the servers' addresses; None if there is no file."""
    if not pages_file().exists():
        return None
    noted = read_json(pages_file())
    return Pages(noted["process"], tuple(Address(**one) for one in noted["addresses"]))


def shown_prefect() -> str | None:
    """The address of the API of the Prefect server of `gatewise up`, if that is running."""
    found = shown_pages()
    return found.prefect if found else None


def known_prefect() -> str | None:
    """The address of Prefect's API that the environment names, or else that of `gatewise up`."""
    return os.environ.get(API) or shown_prefect()
