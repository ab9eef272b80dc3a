"""Odd requests: an answer, or a reason; never an internal error, a trace, or another answer later.

Five hundred of them here; `make fuzz-serve` tries 20,000.
"""

import json
import os

import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from odd_requests import JSON, Request, files_of, odd
from schemathesis import GenerationMode

from flows.tracking.rows import rows_of
from rnn_core.tasks import REGISTRY

ALL = int(os.environ.get("GATEWISE_FUZZ_SERVE", "500"))
EACH = settings(
    max_examples=max(ALL // (3 * len(REGISTRY)), 1),
    deadline=None,
    derandomize="GATEWISE_FUZZ_SERVE" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
)
ENOUGH = 5000
"""Requests that are enough to see whether memory grows."""

KNOWN = {200, 400, 413, 415, 422}
FORBIDDEN = ("Traceback", 'File "', ".py", "rnn_core", "site-packages", "/tmp", "pydantic")


class Model:
    """A model that is asked, and its good answer."""

    def __init__(self, client, made):
        self.client, self.address = client, f"/models/{made.name}/predict"
        self.rows = rows_of(made.example)
        self.good = {"rows": self.rows, "parameters": {}}
        self.before = self.answer()
        self.count = 0

    def answer(self):
        response = self.client.post(self.address, json=self.good)
        assert response.status_code == 200
        return response.content

    def check(self, request: Request):
        """Ask, and look at what comes back; from time to time at a good answer too."""
        headers = {"Content-Type": request.kind.encode()} if request.kind else {}
        options = {"content": request.body, "headers": headers, "params": request.query}
        response = self.client.post(self.address, **options)
        assert response.status_code in KNOWN, response.text
        content = response.json()
        if response.status_code == 200:
            assert list(content) == ["model", "version", "digest", "cell", "rows"]
            assert content["rows"]
            json.dumps(content, allow_nan=False)
        else:
            assert list(content) == ["error"]
            assert 0 < len(content["error"]) <= 1000
            assert not [word for word in FORBIDDEN if word in content["error"]]
        self.count += 1
        if self.count % 10 == 0:
            assert self.answer() == self.before


@pytest.fixture(params=REGISTRY)
def model(request, client, models):
    return Model(client, models[request.param])


def test_odd_requests_are_answered_or_refused(model):
    @EACH
    @given(odd(model.good, files_of(model.rows)))
    def check(request):
        model.check(request)

    check()
    assert model.answer() == model.before


# The server runs in this process: it may draw a random number while a request is generated.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")
@pytest.mark.parametrize("mode", GenerationMode)
def test_requests_that_the_document_leads_to_are_answered_or_refused(model, mode):
    document = model.client.get("/openapi.json").json()
    operation = schemathesis.openapi.from_dict(document)[model.address]["POST"]

    @EACH
    @given(operation.as_strategy(generation_mode=mode))
    def check(case):
        model.check(of_case(case))

    check()


def of_case(case):
    """A request of schemathesis as it is sent."""
    body, kind = case.body, case.media_type or ""
    if isinstance(body, str) and kind != JSON:
        body = body.encode(errors="surrogatepass")
    elif not isinstance(body, bytes):
        is_set = type(body).__name__ != "NotSet"
        body = json.dumps(body, default=str).encode() if is_set else b""
    query = case.query if isinstance(case.query, dict) else {}
    return Request(body, kind, {str(k): str(v) for k, v in query.items()})


@pytest.mark.skipif(ALL < ENOUGH, reason="memory is watched by make fuzz-serve")
def test_memory_does_not_grow(client, models):
    process = psutil.Process()
    asked = [Model(client, made) for made in models.values()]

    @settings(EACH, max_examples=ALL // (10 * len(REGISTRY)))
    @given(odd(asked[0].good, files_of(asked[0].rows)))
    def check(request):
        for model in asked:
            model.check(request)

    check()
    before = process.memory_info().rss
    check()
    assert process.memory_info().rss < 1.1 * before
