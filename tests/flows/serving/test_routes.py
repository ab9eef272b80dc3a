"""Models give the same answers over HTTP as by themselves."""

import base64
import json

import pandas as pd
import pytest

from flows.tracking.rows import rows_of
from rnn_core.tasks import REGISTRY

TOLD = ("model", "version", "digest", "cell")


def in_json(rows):
    return json.loads(json.dumps(rows))


@pytest.mark.parametrize("task", REGISTRY)
def test_rows_are_answered_as_the_model_answers_them(client, models, task):
    made = models[task]
    response = client.post(f"/models/{made.name}/predict", json={"rows": rows_of(made.example)})
    assert response.status_code == 200, response.text
    assert response.json()["rows"] == in_json(rows_of(made.answer))


@pytest.mark.parametrize("task", REGISTRY)
def test_each_answer_tells_who_gave_it(client, models, task):
    made = models[task]
    response = client.post(f"/models/{made.name}/predict", json={"rows": rows_of(made.example)})
    digest = client.get(f"/models/{made.name}").json()["evidence"]["digest"]
    told = {name: response.json()[name] for name in TOLD}
    assert told == {"model": made.name, "version": "1", "digest": digest, "cell": "gru"}
    assert len(digest) == 64


def table_file(made):
    rows = pd.DataFrame(rows_of(made.example))
    return rows.to_csv(index=False).encode()


FILES = {
    "speech_recognition": ("audio/wav", lambda made: made.example["wav"][0]),
    "speech_transcription": ("audio/wav", lambda made: made.example["wav"][0]),
    "forecasting": ("text/csv", table_file),
    "sentiment": ("text/csv", table_file),
    "translation": ("text/plain", lambda made: "\n".join(made.example["text"]).encode()),
    "text_generation": ("text/plain", lambda made: made.example["prompt"][0].encode()),
    "copy_memory": ("text/plain", lambda made: "\n".join(made.example["symbols"]).encode()),
}


@pytest.mark.parametrize("task", FILES)
def test_files_are_answered_as_they_are(client, models, task):
    made, (kind, content) = models[task], FILES[task]
    response = client.post(
        f"/models/{made.name}/predict", content=content(made), headers={"Content-Type": kind}
    )
    assert response.status_code == 200, response.text
    assert response.json()["rows"] == in_json(rows_of(made.answer))


def test_what_is_asked_of_an_answer_stands_in_the_body_or_in_the_address(client, models):
    made = models["speech_recognition"]
    content = made.example["wav"][0]
    wanted = made.task.AnswerParameters(top=2, unknown_below=0.25)
    answer = in_json(rows_of(made.task.answer(made.model, made.example, wanted)))
    assert "word_2" in answer[0]
    address = f"/models/{made.name}/predict"
    asked = {"top": 2, "unknown_below": 0.25}
    rows = [{"wav": base64.b64encode(content).decode()}]
    inside = client.post(address, json={"rows": rows, "parameters": asked})
    headers = {"Content-Type": "audio/wav"}
    outside = client.post(address, params=asked, content=content, headers=headers)
    assert inside.json()["rows"] == outside.json()["rows"] == answer


def test_many_rows_are_answered_in_their_order(client, models):
    made = models["sentiment"]
    texts = [f"a {word} film {i}" for i in range(100) for word in ("dull", "warm")]
    rows = client.post(f"/models/{made.name}/predict", json={"rows": [{"text": t} for t in texts]})
    table = pd.DataFrame({"text": texts})
    wanted = made.task.answer(made.model, table, made.task.AnswerParameters())
    assert rows.json()["rows"] == in_json(rows_of(wanted))


def test_models_tell_what_speaks_for_them(client, models):
    told = {model["name"]: model for model in client.get("/models").json()["models"]}
    assert set(told) == {made.name for made in models.values()}
    one = told["tiny.sentiment"]
    assert one == client.get("/models/tiny.sentiment").json()
    assert one["evidence"]["answer"] == "use gru-4 (the only candidate)"
    assert (one["task"], one["columns"], one["problem"]) == ("sentiment", ["text"], None)
    assert one["examples"]["given"] == in_json(rows_of(models["sentiment"].example))
    assert [m["name"] for m in told.values() if m["streams"]] == ["tiny.text_generation"]


def test_server_says_that_it_lives_and_is_ready(client):
    assert client.get("/health").json() == {"status": "alive"}
    assert client.get("/ready").json() == {"status": "ready", "models": len(REGISTRY)}


def test_numbers_for_prometheus_count_requests_of_known_models_alone(client):
    def count(status):
        label = f'model="tiny.translation",route="predict",status="{status}"'
        lines = client.get("/metrics").text.splitlines()
        found = [line for line in lines if line.startswith(f"gatewise_requests_total{{{label}}}")]
        return float(found[0].split()[-1]) if found else 0.0

    before = count(200), count(422)
    address = "/models/tiny.translation/predict"
    assert client.post(address, json={"rows": [{"text": "the dog sees the cat."}]}).is_success
    assert client.post(address, json={"rows": []}).status_code == 422
    client.post("/models/made_up/predict", json={"rows": []})
    assert (count(200), count(422)) == (before[0] + 1, before[1] + 1)
    text = client.get("/metrics").text
    assert "made_up" not in text
    assert 'gatewise_model{cell="gru",digest=' in text
    assert 'gatewise_batch_rows_count{model="tiny.translation"}' in text


def test_document_has_the_types_of_each_model(client, models):
    told = client.get("/openapi.json").json()
    schemas = told["components"]["schemas"]
    asked = told["paths"]["/models/tiny.forecasting/predict"]["post"]["requestBody"]["content"]
    assert set(asked) == {"application/json", "text/csv", "text/tab-separated-values"}
    name = asked["application/json"]["schema"]["$ref"].split("/")[-1]
    row = schemas[schemas[name]["properties"]["rows"]["items"]["$ref"].split("/")[-1]]
    assert list(row["properties"]) == ["date", "y", "x"]
    assert row["required"] == ["y", "x"]
    assert row["additionalProperties"] is False
    text = told["paths"]["/models/tiny.text_generation/predict"]["post"]["parameters"]
    known = {field["name"]: field["schema"] for field in text}
    assert known["num_tokens"]["type"] == "integer"
    assert known["temperature"]["default"] == 1.0
    assert "/models/tiny.text_generation/stream" in told["paths"]
    assert "/models/tiny.sentiment/stream" not in told["paths"]
    sentiment = told["paths"]["/models/tiny.sentiment/predict"]["post"]
    summary = "Answer rows with tiny.sentiment (task: sentiment, cell: gru)"
    assert sentiment["summary"] == summary
    answers = sentiment["responses"]
    assert {"200", "400", "413", "422", "429", "503", "504"} <= set(answers)
