"""Answers to requests that cannot be served: the reason, and no part of the request."""

import base64
import io
import json
import wave

import numpy as np
import pytest
import soundfile

from flows.tracking.rows import rows_of

PLANTED = "Tr0ub4dor-and-3"
JSON = "application/json"
DAYS = [f"2024-01-{day:02}" for day in range(1, 9)]


def forecast(**changes):
    rows = [{"date": day, "y": 1.5 + i % 3, "x": i} for i, day in enumerate(DAYS)]
    rows[3] |= changes
    return json.dumps({"rows": rows}).encode()


def text(value, column="text", **parameters):
    return json.dumps({"rows": [{column: value}], "parameters": parameters}).encode()


def wav(content):
    return json.dumps({"rows": [{"wav": base64.b64encode(content).decode()}]}).encode()


# name: task, content type, body, status, what the reason says
WRONG = {
    "nothing": ("sentiment", JSON, b"", 400, "the body is empty"),
    "no JSON": ("sentiment", JSON, b'{"rows": ', 400, "the body is no JSON"),
    "no UTF-8": ("sentiment", JSON, b'{"rows": [{"text": "\xff"}]}', 400, "no JSON"),
    "half a surrogate": ("sentiment", JSON, b'{"rows": [{"text": "\\ud800"}]}', 400, "no JSON"),
    "too deep": ("sentiment", JSON, b"[" * 100_000, 400, "recursion limit"),
    "deep in a place": (
        "forecasting",
        JSON,
        b'{"rows": [{"y": ' + b"[" * 150 + b"]" * 150 + b', "x": 1}]}',
        422,
        "rows[0].y: it is a text, a number, true, false or null",
    ),
    "a list": ("sentiment", JSON, b"[]", 422, "the body"),
    "no rows": ("sentiment", JSON, b'{"rows": []}', 422, "rows: list should have at least"),
    "no key": ("sentiment", JSON, b"{}", 422, "rows: is required"),
    "another key": (
        "sentiment",
        JSON,
        text("fine", PLANTED),
        422,
        "a name that the model",
    ),
    "another parameter": ("sentiment", JSON, text("fine", **{PLANTED: 1}), 422, "parameters has a"),
    "a list as text": (
        "sentiment",
        JSON,
        text(["fine"]),
        422,
        "rows[0].text: it is a text",
    ),
    "an empty text": ("sentiment", JSON, text(""), 422, "row 1 has no text"),
    "a value twice": (
        "forecasting",
        JSON,
        forecast(x=4).replace(b'"x": 4', b'"x": 4, "y": 9'),
        422,
        "a name twice",
    ),
    "a parameter twice": (
        "sentiment",
        JSON,
        b'{"rows": [{"text": "fine"}], "parameters": {"all": true, "all": false}}',
        422,
        "a name twice",
    ),
    "NaN": ("forecasting", JSON, forecast(y=float("nan")), 422, "rows[3].y: a number is finite"),
    "infinity": ("forecasting", JSON, b'{"rows": [{"y": 1e999, "x": 1}]}', 422, "is finite"),
    "huge": ("forecasting", JSON, forecast(y=10**400), 422, "rows[3].y: a whole number is below"),
    "text as number": ("forecasting", JSON, forecast(y=PLANTED), 422, "'…' is not a number"),
    "no date": ("forecasting", JSON, forecast(date=PLANTED), 422, "is not a timestamp"),
    "too few rows": ("forecasting", JSON, b'{"rows": [{"y": 1, "x": 1}]}', 422, ""),
    "a file without a column": ("forecasting", "text/csv", b"a,b\n1,2\n", 422, "column"),
    "a file of one line": ("forecasting", "text/csv", PLANTED.encode(), 422, ""),
    "another alphabet": ("text_generation", JSON, text(f"{PLANTED}Ω", "prompt"), 422, "character"),
    "a wrong parameter": (
        "text_generation",
        JSON,
        text("line", "prompt", temperature=-1),
        422,
        "parameters: temperature must be at least 0",
    ),
    "too much to write": (
        "text_generation",
        JSON,
        text("line", "prompt", num_tokens=10**9),
        422,
        "parameters.num_tokens: must be less than or equal to",
    ),
    "a true number": (
        "text_generation",
        JSON,
        text("line", "prompt", seed=True),
        422,
        "whole number",
    ),
    "another language": ("translation", JSON, text("Привет мир"), 422, "row 1, column 'text'"),
    "no base64": ("speech_recognition", JSON, b'{"rows": [{"wav": "!"}]}', 422, "not base64"),
    "no recording": ("speech_recognition", "audio/wav", PLANTED.encode(), 422, "the recording"),
    "no recording in JSON": ("speech_recognition", JSON, wav(PLANTED.encode()), 422, "recording"),
    "cut off": ("speech_transcription", "audio/wav", b"RIFF\0\0\0\0WAVEfmt ", 422, "recording"),
    "other symbols": ("copy_memory", JSON, text("abz", "symbols"), 422, "row 1"),
    "no type": ("sentiment", "", b"fine", 415, "the Content-Type must be one of"),
    "another type": ("sentiment", "image/png", b"fine", 415, "application/json, text/csv"),
    "a form": ("sentiment", "application/x-www-form-urlencoded", b"text=fine", 415, "one of"),
    "sound for texts": ("sentiment", "audio/wav", b"RIFF", 415, "the Content-Type must be one of"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_request_is_told_why_and_nothing_of_what_it_said(client, case):
    task, kind, body, status, said = WRONG[case]
    headers = {"Content-Type": kind} if kind else {}
    response = client.post(f"/models/tiny.{task}/predict", content=body, headers=headers)
    assert (response.status_code, list(response.json())) == (status, ["error"]), response.text
    reason = response.json()["error"]
    assert said in reason
    for part in (PLANTED, "Troub", "Traceback", "/tmp", ".py"):
        assert part not in response.text
    assert len(reason) <= 1000


@pytest.mark.parametrize("task", ["sentiment", "forecasting", "speech_recognition"])
def test_good_request_is_answered_as_before_after_all_that(client, models, task):
    made = models[task]
    asked = {"rows": rows_of(made.example)}
    before = client.post(f"/models/{made.name}/predict", json=asked).content
    for other, kind, body, status, _ in WRONG.values():
        if other == task:
            headers = {"Content-Type": kind} if kind else {}
            found = client.post(f"/models/{made.name}/predict", content=body, headers=headers)
            assert found.status_code == status
    assert client.post(f"/models/{made.name}/predict", json=asked).content == before


def test_what_is_asked_beside_json_stands_in_its_body(client):
    asked = {"params": {"all": "true"}, "json": {"rows": [{"text": "fine"}]}}
    response = client.post("/models/tiny.sentiment/predict", **asked)
    assert (response.status_code, response.json()["error"]) == (
        422,
        "with JSON, put parameters into the body",
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (f"?{PLANTED}=1", "the address has a name that the model does not know"),
        ("?all=perhaps", "all: must be true or false"),
        ("?all=true&all=false", "the address has a parameter twice"),
        ("?unknown_below=nan", "finite"),
        ("?unknown_below=7", "unknown_below must be in [0, 1]"),
    ],
)
def test_wrong_parameter_in_the_address_is_told(client, query, said):
    headers = {"Content-Type": "text/plain"}
    response = client.post(f"/models/tiny.sentiment/predict{query}", content="x", headers=headers)
    assert response.status_code == 422
    assert said in response.json()["error"]
    assert PLANTED not in response.text


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/page/../app.py", 404),
        ("GET", "/page/%2e%2e/app.py", 404),
        ("GET", "/models/made.up", 404),
        ("POST", "/models/made.up/predict", 404),
        ("POST", "/models/tiny.sentiment/stream", 404),
        ("GET", "/models/tiny.sentiment/predict", 405),
        ("DELETE", "/models/tiny.sentiment", 405),
    ],
)
def test_what_is_not_there_is_told_in_json(client, method, address, status):
    response = client.request(method, address)
    assert response.status_code == status
    assert list(response.json()) == ["error"]


def test_wrong_row_among_good_ones_is_named(client):
    """The number is that of the request, whatever was answered beside it."""
    rows = [{"text": "a fine film"} for _ in range(150)]
    rows[140] = {"text": " "}
    response = client.post("/models/tiny.sentiment/predict", json={"rows": rows})
    assert (response.status_code, response.json()["error"]) == (
        422,
        "the input, row 141 has no text",
    )


def test_short_file_may_not_hold_hours_of_silence(client):
    """Flac packs silence a thousandfold, and all of it would lie in memory."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", 8000, 8, format="FLAC", subtype="PCM_16") as file:
        for _ in range(40):
            file.write(np.zeros((100_000, 8), np.int16))
    assert len(buffer.getvalue()) < 300_000
    headers = {"Content-Type": "audio/flac"}
    address = "/models/tiny.speech_recognition/predict"
    response = client.post(address, content=buffer.getvalue(), headers=headers)
    assert response.status_code == 413
    assert "the recording has more than" in response.json()["error"]


def test_recording_of_another_rate_and_kind_is_answered(client):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        noise = np.random.default_rng(1).integers(-9000, 9000, 44_100, np.int16)
        file.writeframes(noise.tobytes())
    headers = {"Content-Type": "audio/x-wav"}
    address = "/models/tiny.speech_recognition/predict"
    response = client.post(address, content=buffer.getvalue(), headers=headers)
    assert response.status_code == 200
    assert list(response.json()["rows"][0]) == ["word", "probability"]
