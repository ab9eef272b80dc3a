"""A user looks at a champion, and changes it: questions, refusals and notes."""

import json
import shutil
import socket
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from registered import register

from flows.commands.services import champion as command
from flows.layout import Layout
from flows.operations import champion
from flows.tracking import moved
from flows.tracking.alias import standing_of
from flows.tracking.moves import history_of
from flows.tracking.promoted import ALIAS, Promotion
from flows.tracking.shown import note_shown, read_shown, up_to_date
from rnn_core.errors import ParameterError, StudyError

NAME = "tiny.sentiment"

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def registry(database_in, tmp_path_factory):
    """A folder with a database of a model of three versions, and their files."""
    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        fill(folder, database_in, patch)
    return folder


def fill(folder, database_in, patch):
    import mlflow

    uri = database_in(folder)
    patch.chdir(folder)
    patch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    MlflowClient().create_experiment("here", artifact_location=f"{folder}/artifacts")
    patch.setenv("MLFLOW_EXPERIMENT_NAME", "here")
    for seed in range(3):
        register("sentiment", name=NAME, seed=seed, alias=False)
    mlflow.set_tracking_uri(None)


@pytest.fixture(autouse=True)
def versions(registry, database, monkeypatch):
    """The database of the test has these; their files stay where they are."""
    shutil.copy(registry / "mlflow.db", database.removeprefix("sqlite:///"))
    monkeypatch.setattr(champion, "registered_models", lambda: [NAME])
    return registry


def alias():
    return str(MlflowClient().get_model_version_by_alias(NAME, ALIAS).version)


def test_promoted_version_has_the_alias_and_all_that_is_known_of_it():
    champion.promote(NAME, "2", "  sounds\nbetter ")
    (move,) = history_of(MlflowClient(), NAME)
    assert alias() == "2"
    assert (move.number, move.version, move.before) == (1, "2", None)
    assert (move.because, move.by_hand) == ("sounds better", True)
    assert move.by.endswith(f"@{socket.gethostname()}")
    digest = MlflowClient().get_model_version(NAME, "2").tags["gatewise.digest"]
    assert move.evidence == {"cell": "gru", "decision": "decided", "digest": digest}


def test_page_of_the_model_says_which_version_answers_and_why():
    client = MlflowClient()
    for name, value in (
        ("hidden_size", "32"),
        ("num_layers", "2"),
        ("answer", "use gru-2x32 for now (not decided yet)\nrisk: 3 %"),
    ):
        client.set_model_version_tag(NAME, "1", f"gatewise.{name}", value)
    champion.promote(NAME, "2", "sounds better.")
    champion.promote(NAME, "1", "fewer complaints")
    text = client.get_registered_model(NAME).description
    assert text.startswith("**Version 1 answers: gru-2x32.**")
    assert "\n- use gru-2x32 for now (not decided yet)\n- risk: 3 %\n" in text
    assert "champion because: fewer complaints.\n" in text
    assert f"gatewise predict {NAME} FILE" in text
    champion.rollback(NAME, "2", "it was better.")
    text = client.get_registered_model(NAME).description
    assert text.startswith("**Version 2 answers.**")
    assert "champion because: it was better.\n" in text
    assert "risk" not in text


def test_description_that_users_wrote_stays():
    client = MlflowClient()
    champion.promote(NAME, "1", "x")
    client.update_registered_model(NAME, "Ask Anna before you use it.")
    champion.promote(NAME, "2", "y")
    assert client.get_registered_model(NAME).description == "Ask Anna before you use it."
    client.update_registered_model(NAME, "")
    champion.promote(NAME, "1", "z")
    assert client.get_registered_model(NAME).description.startswith("**Version 1 answers")


def test_score_of_any_metric_is_evidence_and_what_is_beside_it_is_not():
    client = MlflowClient()
    for name, value in (
        ("test_bits_per_character", "1.5"),
        ("test_bits_per_character_mean", "1.75"),
        ("test_bits_per_character_std", "0.25"),
        ("test_chance_within_margin", "0.9"),
        ("last_test_bits_per_character", "1.25"),
    ):
        client.set_model_version_tag(NAME, "1", f"gatewise.{name}", value)
    found = champion.promote(NAME, "1", "x")
    assert found.move.evidence.keys() == {"cell", "decision", "digest", "test_bits_per_character"}
    told = "\n".join(command.told(found))
    assert f"{NAME}: version 1, gru, test bits_per_character 1.5, decided\n" in told


def test_history_outlives_the_versions_that_it_is_about():
    for number in ("1", "2", "3"):
        champion.promote(NAME, number, f"it is {number}")
    MlflowClient().delete_model_version(NAME, "2")
    moves = history_of(MlflowClient(), NAME)
    assert [(m.number, m.before, m.version) for m in moves] == [
        (1, None, "1"),
        (2, "1", "2"),
        (3, "2", "3"),
    ]
    assert [m.because for m in moves] == ["it is 1", "it is 2", "it is 3"]


def test_rollback_goes_to_the_last_champion_that_is_still_there():
    for number in ("1", "2", "3"):
        champion.promote(NAME, number, "x")
    MlflowClient().delete_model_version(NAME, "2")
    assert str(champion.rollback(NAME, None, "worse").version.version) == "1"
    assert str(champion.rollback(NAME, None, "after all").version.version) == "3"
    assert str(champion.rollback(NAME, "1", "no").version.version) == "1"


def test_rollback_without_a_champion_before_asks_for_a_version():
    champion.promote(NAME, "1", "x")
    with pytest.raises(ParameterError, match=r"name one by --to"):
        champion.rollback(NAME, None, "worse")
    assert alias() == "1"


@pytest.mark.parametrize("number", ["1", "2", "3"])
def test_choice_is_a_persons_also_of_the_version_that_gatewise_chose(number):
    """So that it takes something better to replace it."""
    client = MlflowClient()
    client.set_registered_model_tag(NAME, "gatewise.champion", "2")
    client.set_registered_model_alias(NAME, ALIAS, "1" if number != "1" else "3")
    champion.promote(NAME, number, "x")
    standing = standing_of(client, NAME)
    assert (str(standing.version.version), standing.by_hand) == (number, True)


@pytest.mark.parametrize(
    ("name", "number", "because", "told"),
    [
        ("tiny.sentimant", "1", "x", r"there is no model 'tiny.sentimant'; .*'tiny.sentiment'"),
        (NAME, "7", "x", "has no version 7"),
        (NAME, "1", " \n", "--because"),
    ],
)
def test_what_is_not_there_is_refused(name, number, because, told):
    with pytest.raises(ParameterError, match=told):
        champion.promote(name, number, because)
    assert history_of(MlflowClient(), NAME) == []


def test_champion_is_not_promoted_again():
    champion.promote(NAME, "1", "x")
    with pytest.raises(StudyError, match="is the champion already"):
        champion.promote(NAME, "1", "y")
    assert len(history_of(MlflowClient(), NAME)) == 1


@pytest.fixture
def files(versions, tmp_path, database):
    """The folder of the files of version 3, for this test alone."""
    client = MlflowClient()
    source = client.get_model_version(NAME, "3").source
    place = client.get_logged_model(source.rpartition("/")[2]).artifact_location
    folder = Path(place.removeprefix("file://"))
    kept = shutil.copytree(folder, tmp_path / "kept")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder)


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (shutil.rmtree, "its files are gone"),
        (
            lambda folder: flip(next(folder.rglob("run/model.safetensors"))),
            "changed since it was registered",
        ),
        (lambda folder: flip(next(folder.rglob("run/meta.json"))), "changed since"),
    ],
)
def test_version_whose_files_are_not_what_was_registered_stays_without_alias(files, spoil, told):
    champion.promote(NAME, "1", "x")
    spoil(files)
    with pytest.raises(StudyError, match=rf"alias was not moved: .*{told}"):
        champion.promote(NAME, "3", "y")
    assert alias() == "1"
    assert len(history_of(MlflowClient(), NAME)) == 1


def test_version_that_answers_otherwise_than_it_did_stays_without_alias(files):
    file = next(files.rglob("examples.json"))
    content = json.loads(file.read_text())
    for row in content["answer"]:
        for name, value in row.items():
            if isinstance(value, float):
                row[name] = 1 - value / 2
    file.write_text(json.dumps(content))
    with pytest.raises(StudyError, match="does not answer as it did"):
        champion.promote(NAME, "3", "y")
    assert history_of(MlflowClient(), NAME) == []


def aliases():
    return {k: str(v) for k, v in MlflowClient().get_registered_model(NAME).aliases.items()}


def test_challenger_answers_beside_the_champion_until_it_is_one():
    champion.promote(NAME, "1", "x")
    assert str(champion.shadow(NAME, "2").challenger.version) == "2"
    assert aliases() == {"champion": "1", "challenger": "2"}
    assert "version 2 is its challenger" in "\n".join(command.told(*champion.champions(NAME)))
    champion.promote(NAME, "3", "y")
    assert aliases() == {"champion": "3", "challenger": "2"}
    champion.promote(NAME, "2", "z")
    assert aliases() == {"champion": "2"}
    champion.shadow(NAME, "1")
    champion.shadow(NAME, None)
    champion.shadow(NAME, None)
    assert aliases() == {"champion": "2"}


def test_what_cannot_answer_or_is_the_champion_is_no_challenger(files):
    champion.promote(NAME, "1", "x")
    with pytest.raises(StudyError, match="is the champion itself"):
        champion.shadow(NAME, "1")
    with pytest.raises(ParameterError, match="has no version 9"):
        champion.shadow(NAME, "9")
    shutil.rmtree(files)
    with pytest.raises(StudyError, match="its files are gone"):
        champion.shadow(NAME, "3")
    assert aliases() == {"champion": "1"}


def test_champion_is_shown_with_its_reason_and_a_move_of_others_as_what_it_is(capsys, monkeypatch):
    monkeypatch.setattr(command, "_begin", lambda: None)
    command.promote(NAME, 2, "a reason")
    command.show(None)
    told = capsys.readouterr().out
    assert told.count(f"{NAME}: version 2, gru, decided\n") == 2
    assert told.count(f"@{socket.gethostname()}: a reason [gru, decided, digest ") == 2
    MlflowClient().set_registered_model_alias(NAME, ALIAS, "1")
    command.history(NAME)
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"version 1 now: {command.MOVED_ELSEWHERE}"
    assert second.startswith("1. ")
    assert "to version 2 by" in second


def test_moves_that_a_user_has_overwritten_are_left_out(capsys, monkeypatch):
    monkeypatch.setattr(command, "_begin", lambda: None)
    champion.promote(NAME, "2", "sounds better")
    client = MlflowClient()
    whole = asdict(history_of(client, NAME)[0]) | {"number": 7}
    others = {"evidence": 3, "version": 2, "before": [], "time": None, "by": {}, "because": 1}
    odd = [json.dumps(whole | {name: value}) for name, value in others.items()]
    for place, text in enumerate(("no JSON", "[1]", '{"number": 7}', "", *odd)):
        client.set_registered_model_tag(NAME, f"gatewise.move.00000{place + 2}.aa", text)
    client.set_registered_model_tag(NAME, "gatewise.champion", "seven 1")
    assert [move.version for move in history_of(client, NAME)] == ["2"]
    command.history(NAME)
    assert "sounds better" in capsys.readouterr().out
    client.delete_registered_model_alias(NAME, ALIAS)
    assert standing_of(client, NAME).version.version == 1
    assert champion.promote(NAME, "3", "louder").moves[-1].number == 2


PROMOTED = Promotion(
    dataset="sentiment",
    model=NAME,
    version="2",
    action="promoted",
    reason="it is the first",
    test_score=0.5,
)


@pytest.mark.parametrize("version", ["1", "3", None])
def test_move_in_mlflow_is_seen_without_it(tmp_path, database, version):
    """`status` named the version of the last run until the next one."""
    layout, client = Layout(tmp_path), MlflowClient()
    champion.promote(NAME, "2", "it was better")
    note_shown(layout, {"sentiment": PROMOTED})
    assert read_shown(layout) == {"sentiment": PROMOTED}
    if version:
        client.set_registered_model_alias(NAME, ALIAS, version)
    else:
        client.delete_registered_model_alias(NAME, ALIAS)
    (found,) = read_shown(layout).values()
    assert (found.version, found.action, found.test_score) == (version, "kept", None)
    assert up_to_date(layout, promoted=True) == {"sentiment"}, "such a move makes nothing due"
    file = Path(database.removeprefix("sqlite:///"))
    file.write_bytes(b"no database")
    assert read_shown(layout) == {"sentiment": PROMOTED}, "nothing later is known"


def test_move_on_a_server_after_the_last_run_is_noted(tmp_path, monkeypatch):
    """`status` named the version of the last run, whatever `champion rollback` had done."""
    monkeypatch.setattr(moved, "registry_file", lambda: None)
    promoted, layout = PROMOTED, Layout(tmp_path)
    champion.promote(NAME, "2", "it was better")
    note_shown(layout, {"sentiment": promoted})
    assert read_shown(layout) == {"sentiment": promoted}
    champion.promote(NAME, "1", "fewer complaints")
    (found,) = read_shown(layout).values()
    assert (found.version, found.action, found.test_score) == ("1", "kept", None)
    assert found.reason == "the alias was moved to it after the last run"
    champion.rollback(NAME, None, "it was better")
    assert read_shown(layout) == {"sentiment": promoted}
    champion.promote(NAME, "1", "once more")
    seen = replace(promoted, version="3", action="kept", reason="someone moved the alias in MLflow")
    note_shown(layout, {"sentiment": seen})
    assert read_shown(layout) == {"sentiment": seen}, "the next run knows better"
