"""Promotion where the alias was moved or taken by hand, or a version deleted."""

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from promoting import NAME, champion, move_by_hand, promote_sales, renew, restore_from, spoil

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def rolled_back(finished, layout):
    """A study with two versions, where someone chose the worse one."""
    spoil(layout)
    promote_sales(layout)
    restore_from(finished, layout)
    promote_sales(layout)
    move_by_hand("1")
    return layout


def test_version_that_a_person_replaced_stays_replaced(rolled_back):
    for _ in range(2):
        found = promote_sales(rolled_back)
        assert (found.action, found.version, champion()) == ("kept", "1", "1")
        assert found.reason == (
            "the alias was moved by hand to version 1 from version 2, which the challenger is"
        )
    spoiled = float(MlflowClient().get_model_version(NAME, "1").tags["gatewise.test_mse"])
    assert found.test_score == spoiled


def test_choice_of_a_person_stays_until_something_better_comes(finished, rolled_back):
    spoil(rolled_back, 0.5)
    spoil(rolled_back, 1e-6)
    found = promote_sales(rolled_back)
    assert (found.action, champion()) == ("kept", "1")
    assert found.reason.startswith(
        "the challenger is not better beyond chance than version 1, to which the alias was moved "
        "by hand, (paired test over 58 test items"
    )
    restore_from(finished, rolled_back)
    spoil(rolled_back, 1e-6)
    found = promote_sales(rolled_back)
    assert (found.action, champion()) == ("promoted", "3")
    assert "it is better than version 1, to which the alias was moved by hand" in found.reason
    assert promote_sales(rolled_back).action == "unchanged"


def test_choice_of_a_person_stays_where_nothing_can_be_tested(rolled_back, perform):
    renew(rolled_back, perform, horizon=4)
    found = promote_sales(rolled_back)
    assert (found.action, champion()) == ("kept", "1")
    assert found.reason.endswith("moved by hand, since it predicts 3 rows of y")


def test_version_of_which_a_person_took_the_alias_does_not_get_it_back(finished, layout):
    promote_sales(layout)
    MlflowClient().delete_registered_model_alias(NAME, "champion")
    found = promote_sales(layout)
    assert (found.action, found.version, found.test_score) == ("kept", None, None)
    assert found.reason == ("the alias was taken by hand from version 1, which the challenger is")
    spoil(layout)
    assert promote_sales(layout).action == "kept"
    with pytest.raises(MlflowException):
        champion()


def test_better_challenger_gets_the_alias_that_a_person_took(finished, layout):
    spoil(layout)
    promote_sales(layout)
    MlflowClient().delete_registered_model_alias(NAME, "champion")
    restore_from(finished, layout)
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert "better than version 1, from which the alias was taken by hand" in found.reason


def test_challenger_after_a_version_that_was_deleted_is_not_called_the_first(layout):
    promote_sales(layout)
    MlflowClient().delete_model_version(NAME, "1")
    found = promote_sales(layout)
    assert (found.action, found.reason) == (
        "promoted",
        "the champion before it, version 1, was deleted",
    )


def test_challenger_beside_versions_that_nobody_chose_is_not_called_the_first(layout):
    client = MlflowClient()
    client.create_registered_model(NAME)
    client.create_model_version(NAME, "file:///nothing")
    found = promote_sales(layout)
    assert (found.action, champion()) == ("promoted", "2")
    assert found.reason == "none of the versions before it was made the champion"
