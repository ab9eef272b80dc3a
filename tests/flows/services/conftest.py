"""PostgreSQL and an object store, as production has them, on loopback."""

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from waiting import wait_for

from flows.system.servers import HOST, free_port

USER, PASSWORD = "ada", "s3cret/word@1"

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
"""Where Debian puts the programs of PostgreSQL."""


@dataclass(frozen=True)
class Postgres:
    """A server of PostgreSQL with an empty database for each that is asked for."""

    port: int
    programs: Path
    password: str = PASSWORD

    def url(self, database, driver="postgresql"):
        """The address of a database, which is made."""
        there = ["-h", HOST, "-p", str(self.port), "-U", USER]
        command = [self.programs / "createdb", *there, database]
        subprocess.run(command, env=os.environ | {"PGPASSWORD": PASSWORD}, check=True)
        login = f"{USER}:{quote(PASSWORD, safe='')}"
        return f"{driver}://{login}@{HOST}:{self.port}/{database}"


@pytest.fixture(scope="session")
def postgres():
    """A server of PostgreSQL; it does not run as root."""
    if not PLACES:
        pytest.skip("PostgreSQL is not installed")
    if os.getuid() == 0 and not Path(os.devnull).stat().st_mode & stat.S_IWOTH:
        pytest.skip(f"{os.devnull} is for root alone, and PostgreSQL does not run as root")
    owner = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="gatewise-postgres-"))
    (folder / "password").write_text(PASSWORD)
    for path in (folder, folder / "password"):
        shutil.chown(path, owner)
    made = Postgres(free_port(), PLACES[-1])
    login = ["-U", USER, "--auth=scram-sha-256", f"--pwfile={folder}/password"]
    more = ["-c", f"listen_addresses={HOST}", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    try:
        initdb = [made.programs / "initdb", "--no-sync", "-D", folder / "data", *login]
        assert as_owner(initdb, owner).wait() == 0
        command = [made.programs / "postgres", "-D", folder / "data", "-p", str(made.port), *more]
        with ended(as_owner(command, owner)):
            wait_for(lambda: listens(made.port), seconds=30)
            yield made
    finally:
        shutil.rmtree(folder)


def as_owner(command, owner):
    """Start a program as a user."""
    return subprocess.Popen(
        command, user=owner, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@contextmanager
def ended(process):
    """A process that ends with the test; PostgreSQL waits for whom it serves unless interrupted."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@pytest.fixture(scope="session")
def object_store():
    """An object store that speaks S3; returns what programs find it by."""
    port = free_port()
    command = [Path(sys.executable).with_name("moto_server"), "-H", HOST, "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with ended(process):
        wait_for(lambda: listens(port), seconds=60)
        yield {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": PASSWORD,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
