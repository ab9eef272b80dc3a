"""What --target names, in each task that has one."""

import pytest

from flows.commands.new import target_setting
from rnn_core.errors import ParameterError


@pytest.mark.parametrize(
    ("task", "targets", "expected"),
    [
        ("forecasting", ["a", "b"], {"targets": ["a", "b"]}),
        ("sentiment", ["a"], {"label": "a"}),
        ("translation", [], {}),
    ],
)
def test_targets_are_the_parameter_that_a_task_has_for_them(task, targets, expected):
    assert target_setting(task, targets) == expected


@pytest.mark.parametrize(
    ("task", "targets", "message"),
    [
        ("sentiment", ["a", "b"], "--target: sentiment has one, and 2 are named"),
        ("translation", ["a"], "--target is of forecasting and sentiment; translation has none"),
    ],
)
def test_targets_that_a_task_does_not_have_are_refused(task, targets, message):
    with pytest.raises(ParameterError, match=message):
        target_setting(task, targets)
