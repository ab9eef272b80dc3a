"""`gatewise serve` as a user starts and ends it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from flows.system.servers import free_port
from flows.tracking.rows import rows_of

PROGRAMS = Path(sys.executable).parent
PLANTED = "a-token-that-nobody-knows"
TEXT = "tiny.text_generation"


def environment(folder, **more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "GATEWISE_"))}
    return kept | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "HOME": str(folder),
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        **more,
    }


def serve(folder, *arguments, **more):
    """`gatewise serve`, and the file with what it prints."""
    log = folder / f"log-{free_port()}"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.commands", "serve", *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment(folder, **more),
        )
    return process, log


@contextmanager
def running(folder, *arguments, **more):
    """A server that answers."""
    port = free_port()
    process, log = serve(folder, *arguments, "--port", str(port), **more)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(process, f"{address}/ready", log)
        yield process, address, log
    finally:
        process.kill()
        process.wait(timeout=30)


def wait_for(process, address, log):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(address, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.one_in(2)
def test_what_was_asked_is_answered_before_the_server_ends(filled, how):
    with running(filled.folder, TEXT) as (process, address, log):
        asked = {"rows": [{"prompt": "line"}], "parameters": {"num_tokens": 9000}}
        begun, found = threading.Event(), []

        def read():
            options = {"json": asked, "timeout": 60}
            with httpx.stream("POST", f"{address}/models/{TEXT}/stream", **options) as response:
                for line in response.iter_lines():
                    begun.set()
                    found.append(line)

        thread = threading.Thread(target=read)
        thread.start()
        assert begun.wait(60)
        process.send_signal(how)
        thread.join(timeout=60)
        assert process.wait(timeout=60) in {0, 130, -how}, log.read_text()
    assert "event: end" in found
    assert json.loads(found[-2].removeprefix("data: "))["pieces"] == 9000
    assert "Traceback" not in log.read_text()


def test_server_listens_on_loopback_alone_and_tells_where(filled):
    with running(filled.folder, TEXT) as (process, address, log):
        tree = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(True))]
        found = [c for pid in tree for c in psutil.Process(pid).net_connections()]
        listening = {c.laddr for c in found if c.status == psutil.CONN_LISTEN}
        assert {place.ip for place in listening} == {"127.0.0.1"}
        assert f"Models  {address}\n  {TEXT}: version 1, gru\n" in log.read_text()


def test_token_stands_in_no_log(filled):
    with running(filled.folder, TEXT, GATEWISE_SERVE_TOKEN=PLANTED) as (_, address, log):
        assert httpx.get(f"{address}/models").status_code == 401
        wrong = {"Authorization": f"Bearer {PLANTED}x"}
        assert httpx.get(f"{address}/models", headers=wrong).status_code == 401
        right = {"Authorization": f"Bearer {PLANTED}"}
        assert httpx.get(f"{address}/models", headers=right).status_code == 200
        assert PLANTED not in log.read_text()
        assert PLANTED not in httpx.get(f"{address}/metrics", headers=right).text


def told(folder, *arguments):
    """Output of a server that does not start."""
    process, log = serve(folder, *arguments)
    assert process.wait(timeout=120) == 1
    return log.read_text()


def test_server_does_not_start_where_others_can_ask_without_a_token(filled):
    said = told(filled.folder, "--host", "0.0.0.0", "--port", str(free_port()))  # noqa: S104
    assert said.startswith("error: on 0.0.0.0 others can ask too: give a token with --token-file")


def test_server_does_not_start_on_a_port_that_is_taken(filled):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = told(filled.folder, "--port", str(taken.getsockname()[1]))
    assert said.startswith("error: port ")
    assert "--port" in said


def test_server_does_not_start_without_the_model_that_is_named(filled):
    said = told(filled.folder, "tiny.made_up", "--port", str(free_port()))
    assert said.startswith("error: there is no model 'tiny.made_up'; registered: tiny.")


def test_server_of_mlflow_answers_with_the_same_model(filled):
    made, port = filled.models["sentiment"], free_port()
    log = filled.folder / "log-mlflow"
    command = [str(PROGRAMS / "mlflow"), "models", "serve", "-m", f"models:/{made.name}@champion"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--env-manager", "local", "--port", str(port)],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment(filled.folder, MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false"),
            start_new_session=True,
        )
    try:
        wait_for(process, f"http://127.0.0.1:{port}/ping", log)
        asked = {"dataframe_records": rows_of(made.example)}
        response = httpx.post(f"http://127.0.0.1:{port}/invocations", json=asked, timeout=60)
        assert response.json()["predictions"] == rows_of(made.answer)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
