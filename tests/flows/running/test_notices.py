"""Notices of champions and failures reach people by the blocks that they have set up."""

import json
from http.server import BaseHTTPRequestHandler
from uuid import uuid4

import pytest
from prefect import flow
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret
from silent_http import answering_as

from flows.running.notices import check_blocks, tell_champions, tell_end
from flows.tracking.promoted import Promotion
from rnn_core.errors import ParameterError


@pytest.fixture
def service():
    """A service that takes notices, and the notices."""
    told = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

    with answering_as(Take) as address:
        yield address, told


def block(url):
    """A saved block that posts there; returns how it is named."""
    name = f"team-{uuid4().hex[:8]}"
    said = {"text": "{{subject}}: {{body}}"}
    CustomWebhookNotificationBlock(name="team", url=url, json_data=said).save(name)
    return f"custom-webhook/{name}"


def promotion(action):
    return Promotion(
        dataset="co2",
        model="shop.co2",
        version="3",
        action=action,
        reason="it is better than version 2",
        test_score=0.25,
    )


def test_new_champions_are_told_and_others_are_not(prefect_here, service):
    url, told = service
    name = block(url)

    @flow
    def tells():
        tell_champions([name], [promotion("kept"), promotion("promoted"), promotion("unchanged")])

    tells()
    reason = "it is better than version 2; test score 0.25"
    assert told == [{"text": f"shop.co2: version 3 is the champion: {reason}"}]


def test_failure_is_told_with_its_reason(prefect_here, service):
    url, told = service

    @flow(on_failure=[tell_end])
    def fails(study, notify):
        raise ParameterError("horizon: 0 is too small")

    with pytest.raises(ParameterError):
        fails("studies/shop", [block(url)])
    ((text),) = (one["text"] for one in told)
    assert text.startswith("fails shop: all datasets: Failed: ")
    assert "horizon: 0 is too small" in text


def test_service_that_is_off_fails_no_run(prefect_here, caplog):
    name = block("http://127.0.0.1:9")

    @flow
    def tells():
        tell_champions([name], [promotion("promoted")])

    tells()
    assert f"{name} was not notified" in caplog.text


def test_blocks_that_notify_nobody_are_refused_by_name(prefect_here):
    Secret(value="s").save("quiet", overwrite=True)
    with pytest.raises(ParameterError, match="'secret/quiet' is a Secret, which cannot notify"):
        check_blocks(["secret/quiet"])
    for name in ("slack-webhook/none", "nothing", "no-such-type/x"):
        with pytest.raises(ParameterError, match=f"Prefect has no block '{name}'"):
            check_blocks([name])
