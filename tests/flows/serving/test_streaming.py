"""Text that is sent as it is written."""

import asyncio
import json
import re

import pytest
from asking import asking

from flows.serving import streaming
from flows.serving.version import Limits
from rnn_core.layers import recurrent

ADDRESS = "/models/tiny.text_generation/stream"


def asked(prompt="line", **parameters):
    return {"rows": [{"prompt": prompt}], "parameters": parameters}


def events(text):
    found = re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)
    assert "".join(f"event: {k}\ndata: {d}\n\n" for k, d in found) == text
    return [(kind, json.loads(data)) for kind, data in found]


def written(response):
    return "".join(data["text"] for kind, data in events(response.text) if kind == "piece")


def test_pieces_are_those_of_the_whole_answer(client, models):
    made = models["text_generation"]
    parameters = {"num_tokens": 300, "seed": 7, "temperature": 0.5}
    response = client.post(ADDRESS, json=asked(**parameters))
    assert response.headers["Content-Type"].startswith("text/event-stream")
    wanted = made.task.AnswerParameters(**parameters)
    assert "line" + written(response) == made.task.generate(made.model, "line", wanted)
    kind, end = events(response.text)[-1]
    assert (kind, end["pieces"], end["version"], end["cell"]) == ("end", 300, "1", "gru")
    whole = client.post(ADDRESS.replace("stream", "predict"), json=asked(**parameters))
    assert whole.json()["rows"] == [{"text": "line" + written(response)}]


def test_tokens_are_read_by_the_kernel_of_a_single_step(client, monkeypatch):
    found, original = [], recurrent.step_alone

    def spy(*arguments):
        result = original(*arguments)
        found.append(result is not None)
        return result

    monkeypatch.setattr(recurrent, "step_alone", spy)
    client.post(ADDRESS, json=asked(num_tokens=50))
    assert found == [True] * 49, "the prompt gives the first token"


def test_wrong_prompt_is_refused_before_anything_is_sent(client):
    response = client.post(ADDRESS, json=asked("no such letter: Ω"))
    assert (response.status_code, list(response.json())) == (422, ["error"])
    assert "such" not in response.json()["error"]
    assert client.post(ADDRESS, json=asked()).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [({"rows": [{"prompt": "a"}] * 2}, 422), ({"rows": []}, 422), (asked(num_tokens=0), 422)],
)
def test_wrong_request_is_refused(client, body, status):
    response = client.post(ADDRESS, json=body)
    assert (response.status_code, list(response.json())) == (status, ["error"])


def test_stream_is_asked_in_json(client):
    for kind, status in (
        ("text/plain", 415),
        ("application/json-seq", 415),
        ("Application/JSON; charset=utf-8", 200),
    ):
        response = client.post(ADDRESS, json=asked(), headers={"Content-Type": kind})
        assert response.status_code == status, kind
    beside = client.post(ADDRESS, json=asked(), params={"num_tokens": 9})
    assert (beside.status_code, "into the body" in beside.json()["error"]) == (422, True)


@pytest.fixture
def slow(monkeypatch):
    """Each piece is awaited."""
    monkeypatch.setattr(streaming, "TAKE_SECONDS", 0.0)


def test_text_that_takes_too_long_is_stopped_and_says_so(models, application, slow):
    made = application("tiny.text_generation", limits=Limits(seconds=0.05))
    with asking(made) as client:
        found = events(client.post(ADDRESS, json=asked(num_tokens=10_000)).text)
    assert found[-1] == ("error", {"error": "it was stopped after 0.05 s"})
    assert found[0][0] == "piece"


def test_only_so_many_texts_are_written_at_a_time(models, application, slow):
    made = application("tiny.text_generation", limits=Limits(streams=2))
    with asking(made) as client:
        work = [client.client.post(ADDRESS, json=asked(num_tokens=500)) for _ in range(5)]
        found = client.together(*work)
        assert sorted(response.status_code for response in found) == [200, 200, 429, 429, 429]
        assert client.post(ADDRESS, json=asked()).status_code == 200, "there is room again"


def test_text_that_nobody_reads_any_more_is_not_written_on(models, application, slow):
    made = application("tiny.text_generation")
    with asking(made) as client:
        desk = made.shelf.places["tiny.text_generation"].desk

        async def leave():
            parameters = desk.version.task.AnswerParameters(num_tokens=10_000)
            stream = streaming.Stream(desk, "line", parameters, made.pool)
            await stream.begin()
            assert desk.streams == 1
            told = stream.events(str)
            await anext(told)
            await told.aclose()

        client.run(leave())
        assert desk.streams == 0


def test_error_in_the_middle_of_a_text_is_told_by_its_number(client, models, monkeypatch, caplog):
    original = streaming.gather

    def broken(pieces, seconds):
        if seconds:
            raise RuntimeError("the planted word")
        return original(pieces, seconds)

    monkeypatch.setattr(streaming, "gather", broken)
    response = client.post(ADDRESS, json=asked(num_tokens=500))
    (kind, told) = events(response.text)[-1]
    assert kind == "error"
    number = re.fullmatch(r"something went wrong here; .* as error (\w+)", told["error"])[1]
    assert any(number in record.getMessage() for record in caplog.records)
    monkeypatch.undo()
    assert client.post(ADDRESS, json=asked()).status_code == 200


def test_many_texts_do_not_disturb_one_another(client, models):
    made = models["text_generation"]

    async def write(seed):
        await asyncio.sleep(0.01 * (seed // 3))
        for _ in range(100):
            found = await client.client.post(ADDRESS, json=asked(num_tokens=60, seed=seed))
            if found.status_code == 200:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("it found no room")

    found = client.together(*map(write, range(12)))
    for seed, response in enumerate(found):
        wanted = made.task.AnswerParameters(num_tokens=60, seed=seed)
        assert "line" + written(response) == made.task.generate(made.model, "line", wanted)
