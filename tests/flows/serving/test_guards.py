"""Access control, and common parts of every answer."""

import asyncio
import json
import logging
import re

import pytest
from asking import asking

from flows.commands.services.serve import TOKEN, read_token, rules_for
from flows.serving.desk import Desk
from flows.serving.guards import LOOPBACK, Rules
from flows.serving.version import Limits
from rnn_core.errors import ParameterError

GIVEN = "0123456789abcdef0123"
ASKED = {"rows": [{"text": "a fine film"}]}
ADDRESS = "/models/tiny.sentiment/predict"


@pytest.fixture(scope="module")
def guarded(models, application):
    """An application that wants a token."""
    with asking(application("tiny.sentiment", token=GIVEN)) as found:
        yield found


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000"])
def test_server_answers_by_the_names_of_loopback(client, host):
    assert client.get("/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["example.org", "localhost.example.org", "127.0.0.1.nip.io:8000", "", "[", "[::1"]
)
def test_name_that_was_made_to_point_here_is_refused(client, host):
    response = client.get("/models", headers={"Host": host})
    assert (response.status_code, list(response.json())) == (403, ["error"])


@pytest.mark.parametrize("second", [b"example.org", b"localhost"])
def test_request_with_two_names_of_the_server_is_refused(client, second):
    """The first one counted, and a proxy may take the other."""
    response = client.get("/models", headers=[(b"Host", b"localhost"), (b"Host", second)])
    assert (response.status_code, list(response.json())) == (400, ["error"])


@pytest.mark.parametrize(
    "origin", ["http://example.org", "null", "https://localhost:8001", "http://[::1"]
)
def test_page_of_another_address_is_refused(client, origin):
    response = client.post(ADDRESS, json=ASKED, headers={"Origin": origin})
    assert (response.status_code, list(response.json())) == (403, ["error"])


def test_own_page_may_ask(client):
    headers = {"Origin": "http://localhost:8000"}
    assert client.post(ADDRESS, json=ASKED, headers=headers).status_code == 200


WRONG = ["", "Bearer", "Bearer ", f"Basic {GIVEN}", f"Bearer {GIVEN[:-1]}", f"Bearer {GIVEN}0"]


@pytest.mark.parametrize("given", [*WRONG, "Bearer \xe4\xf6"])
@pytest.mark.parametrize("address", ["/models", "/models/tiny.sentiment", "/metrics", "/nothing"])
def test_nothing_is_told_without_the_token(guarded, given, address):
    headers = {"Authorization": given.encode("latin-1")} if given else {}
    response = guarded.get(address, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "tiny" not in response.text


def test_nothing_is_answered_without_the_token(guarded):
    assert guarded.post(ADDRESS, json=ASKED).status_code == 401
    headers = {"Authorization": f"Bearer {GIVEN}"}
    response = guarded.post(ADDRESS, json=ASKED, headers=headers)
    assert response.status_code == 200
    assert "security" in guarded.get("/openapi.json", headers=headers).json()


@pytest.mark.parametrize("address", ["/", "/docs", "/page/main.js", "/health", "/ready"])
def test_what_holds_nothing_needs_no_token(guarded, address):
    assert guarded.get(address).status_code == 200


def test_where_others_can_ask_a_token_is_needed():
    with pytest.raises(ParameterError, match=r"on 0\.0\.0\.0 others can ask too: give a token"):
        rules_for("0.0.0.0", None)  # noqa: S104 - it is refused
    assert rules_for("0.0.0.0", GIVEN) == Rules(GIVEN, None, Limits().body, 30)  # noqa: S104
    assert rules_for("127.0.0.1", None) == Rules(None, LOOPBACK, Limits().body, 30)


@pytest.mark.parametrize("host", ["", " ", "a..b"])
def test_host_that_is_no_address_is_refused(host):
    """An empty one was every address of the machine."""
    with pytest.raises(ParameterError, match=r"--host '.*' is no address; name one"):
        rules_for(host, GIVEN)


def test_token_is_that_of_the_file_or_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv(TOKEN, raising=False)
    assert read_token(None) is None
    monkeypatch.setenv(TOKEN, GIVEN)
    assert read_token(None) == GIVEN
    (tmp_path / "token").write_text(f"{GIVEN}of-the-file\n")
    assert read_token(tmp_path / "token") == f"{GIVEN}of-the-file"


@pytest.mark.parametrize("content", [b"", b"short\n", b"with a blank in between", b"\xff" * 20])
def test_what_is_no_token_is_refused(tmp_path, content):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ParameterError) as caught:
        read_token(tmp_path / "token")
    assert "blank in" not in str(caught.value)


@pytest.mark.parametrize("address", ["/", "/docs", "/page/style.css", "/models", "/nothing"])
def test_browsers_are_told_to_load_from_here_alone(client, address):
    headers = client.get(address).headers
    assert "default-src 'none'; script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_error_of_ours_is_told_by_its_number_and_noted_in_the_log(client, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("the planted word")

    monkeypatch.setattr("flows.serving.desk.rows_of", broken)
    with caplog.at_level(logging.ERROR):
        response = client.post(ADDRESS, json=ASKED)
    assert response.status_code == 500
    reason = response.json()["error"]
    number = re.fullmatch(r"something went wrong here; the log has it as error (\w+)", reason)[1]
    (record,) = [r for r in caplog.records if number in r.getMessage()]
    assert "the planted word" in str(record.exc_info[1])
    assert "planted" not in response.text
    monkeypatch.undo()
    assert client.post(ADDRESS, json=ASKED).status_code == 200


def test_error_where_no_model_is_asked_is_told_likewise(client, monkeypatch, caplog):
    monkeypatch.setattr(Desk, "waiting", property(lambda _: 1 / 0))
    response = client.get("/metrics")
    assert response.status_code == 500
    assert list(response.json()) == ["error"]
    assert len([r for r in caplog.records if r.exc_info]) == 1, "it is noted once"


class Body:
    """A body of unknown length that is sent in parts."""

    def __init__(self, parts):
        self.parts, self.sent = parts, 0

    async def __aiter__(self):
        for part in self.parts:
            self.sent += 1
            yield part
            await asyncio.sleep(0)


@pytest.mark.parametrize("address", [ADDRESS, "/models/tiny.text_generation/stream"])
def test_sender_that_leaves_before_the_end_is_no_error_of_ours(client, caplog, address):
    """It was noted with a traceback."""
    parts = [{"type": "http.request", "body": b"{", "more_body": True}]
    answer = []

    async def receive():
        return parts.pop() if parts else {"type": "http.disconnect"}

    async def send(message):
        answer.append(message)

    scope = {"type": "http", "method": "POST", "path": address, "query_string": b""}
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    client.run(client.application.asgi()({**scope, "headers": headers}, receive, send))
    assert answer[0]["status"] == 400
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("length", [b"-1", b"many", b"1" * 30, b"9000001"])
def test_length_that_is_none_or_too_large_is_refused_before_the_body(client, length):
    headers = {"Content-Length": length, "Content-Type": "application/json"}
    response = client.post(ADDRESS, content=Body([b"{"]), headers=headers)
    assert response.status_code in {400, 413}


def test_body_of_unknown_length_is_refused_where_it_becomes_too_long(models, application):
    made = application("tiny.sentiment", limits=Limits(body=1000))
    content = json.dumps(ASKED).encode()
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    with asking(made) as small:
        assert small.post(ADDRESS, content=Body([content]), headers=headers).status_code == 200
        response = small.post(ADDRESS, content=Body([b" " * 100] * 50), headers=headers)
        assert (response.status_code, list(response.json())) == (413, ["error"])
        assert small.post(ADDRESS, json=ASKED).status_code == 200


@pytest.mark.parametrize("address", [ADDRESS, "/models/tiny.text_generation/stream"])
def test_body_that_does_not_come_is_waited_for_only_so_long(models, application, address):
    """A sender that stalled kept its connection, and the server from ending."""
    made = application("tiny.sentiment", "tiny.text_generation", limits=Limits(seconds=0.3))

    class Stalled(Body):
        async def __aiter__(self):
            yield b'{"rows": '
            await asyncio.sleep(20)

    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    with asking(made) as asked:
        response = asked.post(address, content=Stalled([]), headers=headers)
        assert response.status_code == 408
        assert response.json() == {"error": "the body was not complete after 0.3 s"}
        assert response.headers["Connection"] == "close"


@pytest.mark.parametrize("address", ["/health", "/ready", "/models", "/metrics", "/"])
def test_head_has_the_headers_of_get_and_no_body(client, guarded, address):
    """Load balancers ask in this way."""
    whole, head = client.get(address), client.request("HEAD", address)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert guarded.request("HEAD", "/models").status_code == 401
    assert client.request("HEAD", ADDRESS).status_code == 405


def test_compressed_body_is_refused(client):
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    response = client.post(ADDRESS, content=b"\x1f\x8b\x08", headers=headers)
    assert (response.status_code, response.headers["Accept-Encoding"]) == (415, "identity")
    plain = client.post(ADDRESS, json=ASKED, headers={"Content-Encoding": "identity"})
    assert plain.status_code == 200
