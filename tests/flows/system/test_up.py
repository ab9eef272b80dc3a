"""One command starts all servers, a second joins it, and none outlives it."""

import os
import re
import signal
import socket
import subprocess

import psutil
import pytest
from waiting import lives, wait_for

from flows.system import servers
from flows.system.servers import HOST, free_port

PROGRAM = """
import sys
from flows.commands.services import up
from flows.system import home, pages, servers

def plain(name):
    def start(port, *more):
        module = ("http.server", str(port), "--bind", servers.HOST)
        return servers.serving(name, port, "/", module)
    return start

for module in (home, pages, servers):
    module.home = lambda: __import__("pathlib").Path(sys.argv[1])
up.enter_home = lambda _: None
up.end_dead_runs = lambda api: print("asked", api)
for name in ("Prefect", "MLflow", "Worker", "Models"):
    setattr(servers, name.lower(), plain(name))
names = ("mlflow", "prefect", "models", "worker")
ports = up.Ports(**dict(zip(names, map(int, sys.argv[2:]))))
try:
    up.up(ports, "pool")
except KeyboardInterrupt:
    sys.exit(130)
except servers.ServerError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def begin(start, tmp_path):
    """Starts `gatewise up` with servers that have nothing to tell, but are real."""
    return lambda *ports: start(PROGRAM, str(tmp_path), *map(str, ports))


@pytest.fixture
def ports():
    return [free_port() for _ in range(4)]


def lines_until(process, end):
    """Output of a process up to a line with some words."""
    lines = []
    while not lines or end not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], (lines, process.communicate())
    return lines


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_all_answer_and_all_end(begin, ports, how):
    up = begin(*ports)
    told = "".join(lines_until(up, "Ctrl-C ends all"))
    assert re.findall(r"127.0.0.1:(\d+)(?=[/\n])", told) == [str(ports[1]), *map(str, ports[:3])]
    assert f"asked http://127.0.0.1:{ports[1]}/api" in told
    for port in ports:
        with socket.create_connection((HOST, port), timeout=5):
            pass
    family = [one.pid for one in psutil.Process(up.pid).children(recursive=True)]
    assert len(family) == 8, "four servers with what ends them"
    up.send_signal(how)
    up.communicate(timeout=30)
    wait_for(lambda: not any(map(lives, family)))


def test_second_joins_the_first_and_ends_with_it(begin, ports):
    first = begin(*ports)
    told = lines_until(first, "Ctrl-C ends all")
    second = begin(*ports)
    joined = lines_until(second, "end with it")
    assert joined == [
        *told[1:-1],
        f"Process {first.pid} has started these, and they end with it.\n",
    ]
    first.terminate()
    first.communicate(timeout=30)
    assert second.communicate(timeout=30)[0] == ""
    assert second.returncode == 0


def test_port_that_is_taken_is_told_with_its_holder_and_nothing_is_left(begin, ports, tmp_path):
    with socket.create_server((HOST, ports[2])):
        up = begin(*ports)
        _, told = up.communicate(timeout=30)
    assert f"port {ports[2]} is taken by process {os.getpid()} (" in told
    assert told.rstrip().endswith("; end that, or choose another with --models-port")
    assert up.returncode == 1
    assert begin(*ports).stdout.readline().startswith("asked"), "the lock is not free"


def test_named_server_is_used_and_none_is_started_in_its_place(begin, ports, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://me:secret@10.0.0.1:4200/api")
    up = begin(*ports)
    told = "".join(lines_until(up, "Ctrl-C ends all"))
    assert "Prefect http://10.0.0.1:4200\n" in told
    assert len(psutil.Process(up.pid).children()) == 3
    up.terminate()
    up.communicate(timeout=30)


def test_password_in_the_command_of_a_process_is_not_told():
    command = ["sh", "-c", "read word", "postgresql://me:hidden@db/mlflow"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        known = psutil.Process(process.pid)
        wait_for(known.cmdline)
        told = servers.process_in_words(known)
        process.kill()
    assert told == f"process {process.pid} (sh -c read word postgresql://db/mlflow)"
