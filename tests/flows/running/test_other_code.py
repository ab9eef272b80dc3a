"""A worker on another machine does what it would do as the study's own machine does it."""

from dataclasses import replace

import pytest
from usual_training import config_of

from flows.layout import Layout
from flows.running import elsewhere
from flows.running.elsewhere import check_code
from flows.stages.code import code_of_cell
from flows.trainings.identity import Work
from rnn_core.errors import StudyError

CODE = code_of_cell("forecasting", "gru")


def work_on(division):
    """A training as a study with the same code asks for it."""
    config = config_of(
        "forecasting",
        dataset="sales",
        data="d",
        environment={"code": CODE.training("gru", "cpu", division)},
        division=division,
    )
    evaluates = CODE.evaluation("gru", "cpu", division)
    return Work(layout=Layout(), config=config, evaluates=evaluates)


@pytest.mark.parametrize("division", ["prepared", "moved_back", "moved_back_refit", "refit"])
def test_the_same_code_is_accepted_on_every_division_of_the_data(division):
    check_code(work_on(division), trains=True)


@pytest.mark.parametrize(
    ("division", "part", "verb"),
    [
        ("prepared", "trains", "train"),
        ("prepared", "evaluates", "evaluate"),
        ("moved_back", "divides", "train"),
        ("moved_back", "together", "evaluate"),
    ],
)
def test_other_code_is_refused(monkeypatch, division, part, verb):
    other = {"gru": "other"} if part != "divides" else "other"
    here = replace(CODE, **{part: other})
    monkeypatch.setattr(elsewhere, "code_of_cell", lambda *_: here)
    with pytest.raises(StudyError, match=f"would {verb} gru with other code"):
        check_code(work_on(division), trains=True)
