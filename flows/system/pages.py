"""What `gatewise up` has started, as other processes of this machine find it."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from flows.layout import Layout
from flows.system.home import home
from rnn_core.files import read_json, write_json

API = "PREFECT_API_URL"
"""Variable with the address of a Prefect server."""


@dataclass(frozen=True)
class Address:
    """A server that was started.

    Attributes:
        name: What to call it.
        url: Where it listens.
        start: Where its pages begin, from there.
    """

    name: str
    url: str
    start: str = ""

    def __str__(self) -> str:
        return f"{self.name:8}{self.url}{self.start}"


@dataclass(frozen=True)
class Pages:
    """All that one `gatewise up` has started.

    Attributes:
        process: The process that they end with.
        addresses: Where they are.
    """

    process: int
    addresses: tuple[Address, ...]

    @property
    def prefect(self) -> str | None:
        """The API of Prefect's server."""
        found = [address.url for address in self.addresses if address.name == "Prefect"]
        return f"{found[0]}/api" if found else None


def pages_lock() -> FileLock:
    """Held as long as the servers are there."""
    lock = Layout(home()).locks / "up.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(lock)


def pages_file() -> Path:
    """Where the servers are, as JSON."""
    return Layout(home()).state / "up.json"


def write_pages(addresses: tuple[Address, ...]) -> None:
    """Note the servers that this process has started."""
    found = Pages(os.getpid(), addresses)
    write_json(pages_file(), asdict(found))


def shown_pages() -> Pages | None:
    """What a `gatewise up` that still lives has started; None if there is none, or not yet."""
    lock = pages_lock()
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return read_pages()
    lock.release()
    return None


def read_pages() -> Pages | None:
    """What is noted, if anything is."""
    if not pages_file().exists():
        return None
    noted = read_json(pages_file())
    return Pages(noted["process"], tuple(Address(**one) for one in noted["addresses"]))


def shown_prefect() -> str | None:
    """The API of the Prefect server of `gatewise up`, if that is running."""
    found = shown_pages()
    return found.prefect if found else None


def known_prefect() -> str | None:
    """The API of the Prefect server that the environment names, or of that of `gatewise up`."""
    return os.environ.get(API) or shown_prefect()
