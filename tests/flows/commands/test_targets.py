"""What options of a terminal stand for: --target in each task that has one, those of forecasts."""

from pathlib import Path

import pytest

from flows.commands import new, predict
from flows.commands.main import app
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
        ("sentiment", ["a", "b"], "--target: sentiment has one target, and you gave 2"),
        (
            "translation",
            ["a"],
            "--target is an option of forecasting and sentiment, not of tr",
        ),
    ],
)
def test_targets_that_a_task_does_not_have_are_refused(task, targets, message):
    with pytest.raises(ParameterError, match=message):
        target_setting(task, targets)


def test_options_of_forecasts_reach_the_commands(monkeypatch):
    """As they are written in a terminal."""
    seen = []
    monkeypatch.setattr(new, "new_study", lambda *_, **asked: seen.append(asked) or [])
    monkeypatch.setattr(predict, "predict", lambda *asked: seen.append(asked))
    monkeypatch.setattr(predict, "backtest", lambda *asked: seen.append(asked))
    for line in (
        "new study --task forecasting --data t.csv --future holiday,price --future promo",
        "predict study.t t.csv --horizon 48",
        "backtest study.t t.csv --start 2024-05-01 --stride 2 --horizon 48 --output b.csv",
        "backtest study.t t.csv",
    ):
        app(line.split(), standalone_mode=False)
    assert seen[0]["future"] == ["holiday,price", "promo"]
    table = Path("t.csv")
    assert seen[1:] == [
        ("study.t", table, [], None, 48),
        ("study.t", table, "2024-05-01", 2, 48, Path("b.csv")),
        ("study.t", table, None, 0, 0, None),
    ]
