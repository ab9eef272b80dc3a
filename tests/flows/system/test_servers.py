"""Servers that come up late, or not at all."""

import sys

import pytest

from flows.system import servers
from flows.system.servers import HOST, ServerError, free_port, serving


def test_server_that_ends_at_once_is_named_with_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "home", lambda: tmp_path)
    with serving("Some", free_port(), "/", ["flows.no_such_module"]) as server:
        with pytest.raises(ServerError, match="the Some server ended at once") as caught:
            server.wait()
        assert str(server.log) in str(caught.value)
    assert "No module named flows.no_such_module" in server.log.read_text()


def test_server_that_never_answers_is_given_up_and_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "home", lambda: tmp_path)
    monkeypatch.setattr(servers, "START_SECONDS", 1.0)
    (tmp_path / "silent.py").write_text("import time\ntime.sleep(60)\n")
    with serving("Silent", free_port(), "/", ["silent"], PYTHONPATH=str(tmp_path)) as server:
        with pytest.raises(ServerError, match="the Silent server does not answer after 1 s"):
            server.wait()
        assert server.process.poll() is None
    assert server.process.returncode is not None


SLOW_TO_BE_READY = f"""
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

asked = []

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        print("asked for", self.path, flush=True)
        self.send_response(200 if len(asked) == 3 else 503)
        self.end_headers()

HTTPServer(({HOST!r}, int(sys.argv[-1])), Answer).serve_forever()
"""


def test_server_that_is_not_ready_is_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "home", lambda: tmp_path)
    (tmp_path / "slow.py").write_text(SLOW_TO_BE_READY)
    port = free_port()
    with serving("Slow", port, "/health", ["slow", str(port)], PYTHONPATH=str(tmp_path)) as server:
        server.wait()
    assert server.log.read_text().count("asked for /health\n") == 3


def test_pages_of_prefect_ask_the_server_where_it_listens(monkeypatch, tmp_path):
    """Left to themselves, they ask at the default port."""
    program = "import os; print(os.environ['PREFECT_SERVER_UI_API_URL'])"
    monkeypatch.setattr(servers, "home", lambda: tmp_path)
    monkeypatch.setattr(servers, "bound_group_command", lambda *_: [sys.executable, "-c", program])
    with servers.prefect(4321) as server:
        server.process.wait(timeout=10)
    assert server.log.read_text() == "http://127.0.0.1:4321/api\n"
