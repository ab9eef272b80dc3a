"""Faults of a Prefect server are reported in one line, with its address and what to do."""

from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_KEY,
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_CLIENT_CUSTOM_HEADERS,
    temporary_settings,
)
from silent_http import answering_as

from flows.commands.services.deploy import deploy
from flows.operations.unended_runs import problem_of_prefect
from flows.system.prefect_api import PAGE, every, prefect_answers
from flows.system.servers import ServerError, free_port


@contextmanager
def answering(status, body):
    """An API whose every answer is this."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with answering_as(Answer) as address:
        yield f"{address.replace('://', '://ada:planted@')}/api"


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (500, b"", "answered 500; its log has the reason"),
        (401, b"", "answered 401, so it wants a login"),
        (404, b"", "answered 404 to /api/health; check PREFECT_API_URL"),
        (302, b"", "answered 302, so it is elsewhere; check PREFECT_API_URL"),
        (200, b"<html>", "is no API of Prefect: it answered with another page"),
    ],
)
def test_answer_that_is_not_that_of_prefect_is_told(status, body, told, tiny_study, monkeypatch):
    with answering(status, body) as api:
        monkeypatch.setenv("PREFECT_API_URL", api)
        with pytest.raises(ServerError, match=told) as found:
            asked_to_deploy(tiny_study)
        finding = problem_of_prefect(api)
    assert told in finding.what
    assert "planted" not in f"{found.value} {finding.what}"


@pytest.mark.parametrize("held", [0, 1, PAGE, PAGE + 1, 3 * PAGE - 7])
def test_every_record_is_read_from_pages(held):
    records = list(range(held))
    assert list(every(lambda limit, offset: records[offset:][:limit])) == records


def asked_to_deploy(folder):
    """Deploy a study as the command does."""
    deploy(
        folder,
        pool="pool",
        cron=None,
        timezone="UTC",
        watch_minutes=None,
        retries=0,
        workers=None,
        notify=[],
        drift=[],
    )


def test_server_that_is_off_or_ends_is_told():
    port = free_port()
    with pytest.raises(ServerError, match=r"does not answer: .*refused; start it"):  # noqa: SIM117
        with prefect_answers(f"http://127.0.0.1:{port}/api"):
            raise AssertionError("nothing may be asked of it")
    with pytest.raises(ServerError, match="nonsense does not answer"):  # noqa: SIM117
        with prefect_answers("nonsense"):
            raise AssertionError("as above")


def test_server_that_answers_is_no_problem():
    with answering(200, b"true") as api:
        assert problem_of_prefect(api) is None
        with prefect_answers(api):
            pass


def test_question_has_the_login_and_headers_of_prefects_settings():
    """A proxy in front of the server refused it, so that no run began."""
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"true")

    settings = {PREFECT_API_AUTH_STRING: "ada:secret", PREFECT_CLIENT_CUSTOM_HEADERS: {"X-A": "b"}}
    with answering_as(Answer) as address, temporary_settings(settings):
        with prefect_answers(f"{address}/api/"):
            pass
        with (
            temporary_settings({PREFECT_API_AUTH_STRING: None, PREFECT_API_KEY: "key"}),
            prefect_answers(f"{address}/api"),
        ):
            pass
    (_, first), (_, second) = asked
    assert [path for path, _ in asked] == ["/api/health"] * 2
    assert first["Authorization"] == f"Basic {b64encode(b'ada:secret').decode()}"
    assert second["Authorization"] == "Bearer key"
    assert first["X-A"] == "b"


def test_certificate_that_cannot_be_read_is_told():
    settings = {PREFECT_API_SSL_CERT_FILE: "/nowhere.pem"}
    with (
        temporary_settings(settings),
        pytest.raises(ServerError, match=r"certificate cannot be used: .*PREFECT_API_SSL_CERT_F"),
        prefect_answers("https://127.0.0.1:1/api"),
    ):
        raise AssertionError("nothing may be asked of it")


@pytest.fixture
def tiny_study(tmp_path, monkeypatch):
    """A folder that looks like a study; nothing may be read of it."""
    (tmp_path / "params.yaml").write_text("study: tiny\n")
    monkeypatch.setattr("flows.commands.services.deploy.enter_home", lambda folder: folder)
    for module in ("commands.services.deploy", "operations.deployments"):
        monkeypatch.setattr(f"flows.{module}.read_study", lambda folder: Named())
    return tmp_path


class Named:
    """A study with a name."""

    study = "tiny"
