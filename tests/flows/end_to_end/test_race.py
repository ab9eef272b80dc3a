"""Further random seeds are trained where the race asks for them, and nowhere else."""

from collections import Counter

import pytest

from flows.layout import Layout
from rnn_core.comparison.outcome import read_comparison
from rnn_core.comparison.race import HOPELESS, SAFE
from rnn_core.files import read_json_lines

CELLS = ("memoryless", "rnn_tanh", "gru")


@pytest.mark.thorough
def test_hopeless_candidate_gets_no_more_seeds_and_the_others_do(new_study, served, tiny):
    """Sales repeat every 11 days, which a cell without memory cannot know."""
    sales = tiny["datasets"]["sales"] | {"margin": 0.005}
    sales["training"] = {"epochs": 8, "learning_rate": 0.03}
    tiny |= {"cells": list(CELLS), "datasets": {"sales": sales}}
    study = new_study(tiny | {"seeds": {"first": 3, "most": 4}})
    study.environment.update(served)
    parameters = (study.folder / "params.yaml").read_bytes()
    output = study.run("gatewise", "run")

    layout = Layout(study.folder)
    comparison = read_comparison(layout.comparison("sales"))
    assert comparison.effort.looks == (3, 4)
    trained = Counter(r["cell"] for r in read_json_lines(layout.timings) if r["what"] == "train")
    assert trained == {"memoryless": 3, "rnn_tanh": 4, "gru": 4}, "and none was trained twice"
    for result in comparison.candidates.values():
        assert [seed.seed for seed in result.seeds] == list(range(trained[result.cell]))
        assert (result.validation.risk.chance < HOPELESS) == (result.cell == "memoryless")
    chances = [result.validation.risk.chance for result in comparison.candidates.values()]
    assert comparison.decision.status == ("decided" if max(chances) >= SAFE else "open")
    assert "11 trainings" in " ".join(output.split())
    assert (study.folder / "params.yaml").read_bytes() == parameters
    again = " ".join(study.run("gatewise", "run").split())
    assert ": 0 trainings, 0 stages run, 7 up to date." in again
