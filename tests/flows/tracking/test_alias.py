"""The last move of the alias is attributed correctly, wherever it was cut off."""

import pytest
from mlflow import MlflowClient

from flows.tracking.alias import asked_of, move_alias, move_by_hand, standing_of
from flows.tracking.moves import history_of
from flows.tracking.promoted import ALIAS
from rnn_core.errors import ParameterError, StudyError

NAME = "shop.sales"

pytestmark = pytest.mark.usefixtures("database")


class CutOffError(BaseException):
    """The process ends."""


@pytest.fixture
def client():
    """Of a registry with a model of three versions."""
    found = MlflowClient()
    found.create_registered_model(NAME)
    for _ in range(3):
        found.create_model_version(NAME, "file:///nothing")
    return found


def move(client, number):
    move_alias(client, client.get_model_version(NAME, number), standing_of(client, NAME), "why")


def state(client):
    """The version that a challenger finds, and whether someone moved the alias."""
    standing = standing_of(client, NAME)
    number = str(standing.version.version) if standing.version else None
    return number, standing.has_alias, standing.by_hand


def cut_off_at(monkeypatch, call):
    """End the process at the call of this number that would write."""
    count = iter(range(100))
    for name in ("set_registered_model_tag", "set_registered_model_alias"):
        original = getattr(MlflowClient, name)

        def write(self, *arguments, original=original):
            if next(count) == call:
                raise CutOffError
            return original(self, *arguments)

        monkeypatch.setattr(MlflowClient, name, write)


def test_alias_that_was_never_set_is_nobodys(client):
    assert state(client) == (None, False, False)
    assert not standing_of(client, NAME).is_first
    assert standing_of(client, "shop.stock").is_first


def test_alias_that_gatewise_moved_is_not_a_persons(client):
    for number in ("1", "3", "2"):
        move(client, number)
        assert state(client) == (number, True, False)


def test_alias_that_was_set_before_gatewise_set_it_is_a_persons(client):
    client.set_registered_model_alias(NAME, ALIAS, "2")
    assert state(client) == ("2", True, True)


def test_alias_that_a_person_moved_is_a_persons_until_gatewise_moves_it(client):
    move(client, "3")
    client.set_registered_model_alias(NAME, ALIAS, "1")
    assert state(client) == ("1", True, True)
    move(client, "2")
    assert state(client) == ("2", True, False)


def test_alias_that_a_person_took_is_a_persons_decision(client):
    move(client, "3")
    client.delete_registered_model_alias(NAME, ALIAS)
    assert state(client) == ("3", False, True)
    client.delete_model_version(NAME, "3")
    assert state(client) == (None, False, True)


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("call", [0, 1, 2])
def test_cut_off_move_is_not_taken_for_a_persons_nor_hides_one(client, monkeypatch, call, by_hand):
    move(client, "1")
    if by_hand:
        client.set_registered_model_alias(NAME, ALIAS, "2")
    with monkeypatch.context() as patch:
        cut_off_at(patch, call)
        with pytest.raises(CutOffError):
            move(client, "3")
    moved = call == 2
    assert state(client) == ("3" if moved else "21"[not by_hand], True, by_hand and not moved)


@pytest.mark.parametrize("call", [0, 1, 2])
def test_cut_off_first_move_is_not_a_persons(client, monkeypatch, call):
    with monkeypatch.context() as patch:
        cut_off_at(patch, call)
        with pytest.raises(CutOffError):
            move(client, "1")
    assert state(client)[2] is False


@pytest.mark.parametrize("rival", ["2", None])
@pytest.mark.parametrize("moved", [move_alias, move_by_hand])
@pytest.mark.parametrize("late", [False, True])
def test_move_of_another_machine_meanwhile_is_told(client, monkeypatch, moved, rival, late):
    """It has no lock in common with this one, so that both may have been called the champion."""
    move(client, "1")

    def other():
        if rival:
            write(client, NAME, ALIAS, rival)
        else:
            client.delete_registered_model_alias(NAME, ALIAS)

    def then_other(self, *arguments):
        write(self, *arguments)
        other()

    standing, write = standing_of(client, NAME), MlflowClient.set_registered_model_alias
    if late:
        monkeypatch.setattr(MlflowClient, "set_registered_model_alias", then_other)
    else:
        other()
    told = "moved to version 2 meanwhile" if rival else "moved away meanwhile"
    with pytest.raises(StudyError, match=told):
        moved(client, client.get_model_version(NAME, "3"), standing, "why")
    assert state(client)[1:] == (rival is not None, True)
    assert [found.version for found in history_of(client, NAME)] == ["1"]


@pytest.mark.parametrize(
    ("said", "key", "address"),
    [
        ("shop.sales", None, "models:/shop.sales@champion"),
        ("shop.sales@3", None, "models:/shop.sales/3"),
        ("shop.sales@challenger", None, "models:/shop.sales@challenger"),
        ("shop.sales@next-week", None, "models:/shop.sales@next-week"),
        ("models:/shop.sales/3", "shop.sales@3", "models:/shop.sales/3"),
        ("models:/shop.sales@best", "shop.sales@best", "models:/shop.sales@best"),
    ],
)
def test_person_names_a_version_or_gives_its_address(said, key, address):
    asked = asked_of(said)
    assert asked.address == address
    assert asked.key == (key or said)
    assert asked_of(asked.key).address == address


@pytest.mark.parametrize("said", ["runs:/0123/model", "models:/m-0123", "models:/a/b/3", "a/3"])
def test_other_addresses_name_no_version(said):
    with pytest.raises(ParameterError, match="is no model; write study"):
        asked_of(said)


def test_standing_of_a_model_with_an_apostrophe_is_read(client):
    """Champions could not be changed: MLflow refused the question."""
    client.create_registered_model("ada's")
    assert standing_of(client, "ada's").is_first
    client.create_model_version("ada's", "file:///nothing")
    assert not standing_of(client, "ada's").is_first
