"""Another version takes over while requests are answered, or does not if it cannot be loaded."""

import asyncio
import json
import pickle
from pathlib import Path

import pytest
from asking import asking
from mlflow import MlflowClient
from registered import register

from flows.serving import shelf, version
from flows.tracking.promoted import ALIAS
from flows.tracking.rows import rows_of
from rnn_core.errors import ParameterError, StudyError
from rnn_core.training.run_folder import MODEL

NAME = "tiny.sentiment"
ADDRESS = f"/models/{NAME}/predict"


def answers_of(made):
    return json.loads(json.dumps(rows_of(made.answer)))


def weights_of(folder, number):
    """The files with the weights of a version."""
    version = MlflowClient().get_model_version(NAME, number)
    model = version.model_id or version.source.rsplit("/", 1)[-1]
    found = [f for f in Path(folder).rglob(MODEL) if model in f.parts]
    assert len(found) == 1
    return found[0]


def move(number):
    MlflowClient().set_registered_model_alias(NAME, ALIAS, number)


def test_version_takes_over_while_200_requests_are_in_flight(own_models, application):
    """Each is answered wholly by one of both, and none fails."""
    first, second = register("sentiment"), register("sentiment", seed=1)
    answers = {made.number: answers_of(made) for made in (first, second)}
    assert answers["1"] != answers["2"]
    move("1")
    asked = {"rows": rows_of(first.example)}
    with asking(application(NAME)) as client:
        switched = asyncio.Event()

        async def ask():
            found = []
            while not found or not switched.is_set():
                found.append(await client.client.post(ADDRESS, json=asked))
            return [*found, await client.client.post(ADDRESS, json=asked)]

        async def switch():
            await asyncio.sleep(0.2)
            move("2")
            await client.application.shelf.refresh()
            switched.set()

        *found, _ = client.together(*(ask() for _ in range(200)), switch())
        told = client.get(f"/models/{NAME}").json()
    assert (told["version"], told["problem"]) == ("2", None)
    responses = [response for each in found for response in each]
    assert {response.status_code for response in responses} == {200}
    bodies = [response.json() for response in responses]
    assert all(body["rows"] == answers[body["version"]] for body in bodies)
    assert {each[0].json()["version"] for each in found} == {"1"}
    assert {each[-1].json()["version"] for each in found} == {"2"}


def test_server_follows_the_alias_by_itself(own_models, application):
    register("sentiment")
    with asking(application(NAME, refresh=0.05)) as client:
        assert client.get(f"/models/{NAME}").json()["version"] == "1"
        register("sentiment", seed=1)

        async def until_it_has():
            async with asyncio.timeout(60):
                while True:
                    told = (await client.client.get(f"/models/{NAME}")).json()
                    if told["version"] == "2":
                        return
                    await asyncio.sleep(0.02)

        client.run(until_it_has())


def tamper(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


class Planted:
    """Object that runs a program when it is unpickled."""

    def __reduce__(self):
        return (Path.touch, (Path("it-was-run"),))


def plant(file):
    file.write_bytes(pickle.dumps(Planted()))


@pytest.mark.parametrize("change", [tamper, plant, Path.unlink])
def test_version_whose_files_were_changed_does_not_take_over(own_models, application, change):
    made = register("sentiment")
    asked = {"rows": rows_of(made.example)}
    with asking(application(NAME)) as client:
        before = client.post(ADDRESS, json=asked).content
        register("sentiment", seed=1)
        change(weights_of(own_models, "2"))
        client.run(client.application.shelf.refresh())
        told = client.get(f"/models/{NAME}").json()
        assert told["version"] == "1"
        assert told["problem"].startswith(f"{NAME} version 2 is not served: its files")
        assert told["problem"].endswith("; version 1 goes on answering")
        assert client.post(ADDRESS, json=asked).content == before
        move("1")
        client.run(client.application.shelf.refresh())
        assert client.get(f"/models/{NAME}").json()["problem"] is None
    assert not list(own_models.rglob("it-was-run"))


@pytest.mark.parametrize("change", [tamper, plant])
def test_server_does_not_start_on_files_that_were_changed(own_models, application, change):
    register("sentiment")
    change(weights_of(own_models, "1"))
    with pytest.raises(StudyError, match=f"{NAME} version 1 is not served: its files have been"):
        application(NAME)
    assert not list(own_models.rglob("it-was-run"))


def test_server_of_all_models_starts_without_one_that_cannot_be_loaded(own_models, application):
    register("sentiment")
    register("copy_memory")
    tamper(weights_of(own_models, "1"))
    with asking(application()) as client:
        told = {model["name"]: model for model in client.get("/models").json()["models"]}
        assert told["tiny.copy_memory"]["version"] == "1"
        assert "its files have been changed" in told[NAME]["problem"]
        response = client.post(ADDRESS, json={"rows": [{"text": "a"}]})
        assert (response.status_code, list(response.json())) == (503, ["error"])


def test_version_that_answers_otherwise_than_it_did_does_not_take_over(own_models, application):
    register("sentiment")
    register("sentiment", seed=1)
    examples = [f for f in own_models.rglob("examples.json") if "artifacts" in f.parts]
    for file in examples:
        content = json.loads(file.read_text())
        content["answer"][0]["confidence"] += 0.01
        file.write_text(json.dumps(content))
    with pytest.raises(StudyError, match="it does not answer as it did when it was registered"):
        application(NAME)


def test_model_that_is_not_there_is_told(own_models, application):
    register("sentiment")
    with pytest.raises(ParameterError, match=r"no model 'tiny\.made_up'; registered: tiny\.sent"):
        application("tiny.made_up")
    with pytest.raises(ParameterError, match=r"tiny\.sentiment has no version 7"):
        application(f"{NAME}@7")
    with pytest.raises(ParameterError, match="is no model; write study"):
        application("runs:/abc/model")


def test_version_that_was_named_stays_beside_the_champion(own_models, application):
    register("sentiment")
    with asking(application(NAME, f"{NAME}@1")) as client:
        register("sentiment", seed=1)
        client.run(client.application.shelf.refresh())
        told = [(m["name"], m["version"]) for m in client.get("/models").json()["models"]]
        assert told == [(NAME, "2"), (f"{NAME}@1", "1")]
        body = {"rows": [{"text": "a fine film"}]}
        both = [client.post(f"/models/{n}/predict", json=body).json() for n, _ in told]
        assert [answer["version"] for answer in both] == ["2", "1"]
        assert "/models/tiny.sentiment@1/predict" in client.get("/openapi.json").json()["paths"]


def test_model_that_is_registered_later_is_served_too(own_models, application):
    with asking(application()) as client:
        assert client.get("/ready").json() == {"status": "ready", "models": 0}
        register("copy_memory")
        client.run(client.application.shelf.refresh())
        assert client.get("/models/tiny.copy_memory").json()["version"] == "1"


def test_registry_that_does_not_answer_changes_nothing(own_models, application, monkeypatch):
    register("sentiment")
    with asking(application(NAME)) as client:

        def gone(*_):
            raise OSError("the disk is gone")

        monkeypatch.setattr(shelf.Asked, "find", gone)
        client.run(client.application.shelf.refresh())
        response = client.post(ADDRESS, json={"rows": [{"text": "a fine film"}]})
        assert response.status_code == 200


def test_version_that_could_not_be_loaded_is_left_alone_for_a_while(
    own_models, application, monkeypatch
):
    register("sentiment")
    with asking(application(NAME)) as client:
        register("sentiment", seed=1)
        file = weights_of(own_models, "2")
        content = file.read_bytes()
        tamper(file)
        client.run(client.application.shelf.refresh())
        file.write_bytes(content)
        client.run(client.application.shelf.refresh())
        assert client.get(f"/models/{NAME}").json()["version"] == "1"
        monkeypatch.setattr(shelf, "AGAIN_SECONDS", 0.0)
        client.run(client.application.shelf.refresh())
        assert client.get(f"/models/{NAME}").json()["version"] == "2"


def test_model_whose_files_cannot_be_fetched_holds_up_no_other(
    own_models, application, monkeypatch
):
    register("copy_memory")
    register("sentiment")
    original = version.download

    def out_of_reach(found, folder):
        if found.name == "tiny.copy_memory":
            raise OSError("the store does not answer")
        return original(found, folder)

    monkeypatch.setattr(version, "download", out_of_reach)
    with asking(application()) as client:
        assert client.get(f"/models/{NAME}").json()["version"] == "1"
        register("sentiment", seed=1)
        client.run(client.application.shelf.refresh())
        assert client.get(f"/models/{NAME}").json()["version"] == "2"
        problem = client.get("/models/tiny.copy_memory").json()["problem"]
    assert "it cannot be loaded: OSError: the store does not answer" in problem


def test_model_of_another_program_is_left_out(own_models, application):
    client = MlflowClient()
    client.create_registered_model("theirs @ 1")
    client.create_model_version("theirs @ 1", (own_models / "nothing").as_uri())
    client.set_registered_model_alias("theirs @ 1", ALIAS, "1")
    register("sentiment")
    with asking(application()) as asked:
        told = {model["name"]: model for model in asked.get("/models").json()["models"]}
    assert told[NAME]["version"] == "1"
    assert told["theirs @ 1"]["version"] is None
    assert told["theirs @ 1"]["problem"]
