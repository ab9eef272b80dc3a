"""Seeds that a run adds until the rule decides."""

from flows.layout import Layout
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import read_json_lines


def test_run_adds_seeds_until_it_is_decided_and_trains_only_those(new_study, served, tiny):
    """The margin is set below what two seeds can tell, and above what a few more can."""
    tiny |= {"cells": ["rnn_tanh", "lstm"], "datasets": {"text": tiny["datasets"]["text"]}}
    study = new_study(tiny)
    study.environment.update(served)
    study.run("dvc", "repro", "--quiet", "compare@text")
    layout = Layout(study.folder)
    found = read_comparison(layout.comparison("text")).candidates.values()
    most = min(one.validation.standing.at_most for one in found)
    tiny["datasets"]["text"]["margin"] = 0.6 * most
    study.write_parameters(study.parameters() | {"datasets": tiny["datasets"]})
    file = study.folder / "params.yaml"
    file.write_text("# What we sell.\n" + file.read_text())
    output = study.run("gatewise", "run", "--until-decided", "--max-seeds", "4")

    seeds = study.parameters()["datasets"]["text"]["seeds"]
    assert f"+    seeds: {seeds}" in output
    assert 2 < len(seeds) <= 4
    assert file.read_text().startswith("# What we sell.\n")
    comparison = read_comparison(layout.comparison("text"))
    assert comparison.decision.status == "decided" or len(seeds) == 4
    for candidate in comparison.candidates.values():
        assert [seed.seed for seed in candidate.seeds] == seeds
    trained = [r["seed"] for r in read_json_lines(layout.timings) if r["what"] == "train"]
    assert sorted(trained) == sorted([*seeds, *seeds]), "none was trained twice"
