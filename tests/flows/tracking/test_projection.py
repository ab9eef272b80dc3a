"""MLflow as a projection of run folders, on copies of the finished tiny study."""

import json
import re
from ast import literal_eval
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from projecting import METRIC_NAMES, find, history, project, runs_of

from flows.commands import upkeep
from flows.report import words
from flows.report.answer import answer
from flows.stages.compare import compare
from flows.trainings.records import append, read_records
from rnn_core.comparison.candidates import read_scores, write_scores
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import write_json
from rnn_core.study import read_study
from rnn_core.training.run_folder import METRICS, MODEL, SUMMARY, seed_folder

LINEAGE = {
    "mlflow.parentRunId",
    "mlflow.source.git.commit",
    "prefect.flow_run_id",
    "gatewise.process",
    "gatewise.key",
}


def data_of(dataset):
    """All about the data of a run, with its folder as seen from that of the study."""
    source = json.loads(dataset.source)
    seen = {**source, "path": source["path"].partition("/tiny/")[2]}
    return dataset.to_dictionary() | {"source": seen}


def described(runs):
    """All that runs show, except for when and by whom it was made."""
    names = {run.info.run_id: run.info.run_name for run in runs}
    return {
        run.info.run_name: {
            "status": run.info.status,
            "parent": names.get(run.data.tags.get("mlflow.parentRunId")),
            "params": run.data.params,
            "tags": {k: v for k, v in run.data.tags.items() if k not in LINEAGE},
            "metrics": {name: history(run, name) for name in run.data.metrics},
            "data": [data_of(entry.dataset) for entry in run.inputs.dataset_inputs],
        }
        for run in runs
    }


def test_names_are_those_that_users_query(layout, database):
    for dataset, metric in METRIC_NAMES.items():
        project(layout, dataset)
        runs, comparison = runs_of(dataset), read_comparison(layout.comparison(dataset))
        for candidate, result in comparison.candidates.items():
            cell = result.cell
            run = find(runs, kind="cell", cell=cell, current="true")
            assert (
                run.data.tags["gatewise.recommended"]
                == str(candidate == comparison.recommended.name).lower()
            )
            assert run.data.params["task"] == comparison.task
            assert run.data.params["training.epochs"] == "2"
            assert "seed" not in run.data.params
            for split, name in (("test", "test"), ("validation", "best_validation")):
                assert run.data.metrics[f"{name}_{metric}"] == result.on(split).mean
                assert run.data.metrics[f"{name}_{metric}_std"] == result.on(split).std
                risk = result.on(split).risk
                assert run.data.metrics[f"{split}_chance_within_margin"] == risk.chance
                loss = run.data.metrics[f"{split}_expected_loss_in_margins"]
                assert loss == risk.expected_loss
            for seed in result.seeds:
                name = str(seed.seed)
                run = find(runs, kind="seed", cell=cell, seed=name, current="true")
                assert run.data.params["seed"] == name
                assert run.data.metrics[f"test_{metric}"] == seed.test
                assert run.data.metrics[f"best_validation_{metric}"] == seed.validation


def test_reference_network_is_shown_and_told_from_candidates(layout, database):
    project(layout, "opinions")
    runs, comparison = runs_of("opinions"), read_comparison(layout.comparison("opinions"))
    (network,) = comparison.references.values()
    for result in (comparison.recommended.result, network):
        tags = {"cell": result.cell, "current": "true"}
        run, seed = find(runs, kind="cell", **tags), find(runs, kind="seed", **tags)
        is_candidate = result is not network
        assert run.data.tags["gatewise.candidate"] == str(is_candidate).lower()
        assert run.data.tags["gatewise.recommended"] == str(is_candidate).lower()
        assert run.data.metrics["test_accuracy"] == result.test.mean
        assert run.data.metrics["multiply_accumulates"] == result.cost.multiply_accumulates
        assert seed.data.metrics["test_accuracy"] == result.seeds[0].test
    assert run.data.metrics["test_margins_worse"] == network.test.worse_by
    assert "test_chance_within_margin" not in run.data.metrics


QUERIES = {
    "in the pages": r"filter by\s+`(.*?)`",
    "in Python": r"filter_string=(.*?),\s+order_by",
}


@pytest.mark.parametrize("place", QUERIES)
def test_queries_of_the_guide_rank_candidates_alone(layout, database, place):
    """A network without a recurrence has scores as they have, and is none of them."""
    project(layout, "opinions")
    text = (Path(__file__).parents[3] / "docs/guides/mlflow.md").read_text()
    (query,) = re.findall(QUERIES[place], text, re.DOTALL)
    query = literal_eval(f"({query})") if place == "in Python" else query
    found = mlflow.search_runs(experiment_names=["tiny/opinions"], filter_string=query)
    names = {name.removesuffix(" (chosen)") for name in found["tags.mlflow.runName"]}
    assert names == set(read_comparison(layout.comparison("opinions")).candidates)


def test_pages_say_which_cell_how_sure_and_what_next(layout, database):
    project(layout, "opinions")
    comparison = read_comparison(layout.comparison("opinions"))
    experiment = MlflowClient().get_experiment_by_name("tiny/opinions")
    text = experiment.tags["mlflow.note.content"]
    recommended = answer(comparison)
    assert text.lower().startswith(recommended.headline.lower())
    assert f"(#/experiments/{experiment.experiment_id}/runs?" in text
    assert experiment.tags["gatewise.recommended"] == comparison.recommended.name
    assert recommended.risk in text
    assert "gatewise predict tiny.opinions FILE" in text
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    said = {
        run.info.run_name: run.data.tags["mlflow.note.content"]
        for run in runs_of("opinions")
        if run.data.tags["gatewise.kind"] == "cell"
    }
    (network,) = comparison.references
    first = f"{comparison.recommended.name} (chosen)"
    assert set(said) == {first, *comparison.results} - {comparison.recommended.name}
    assert said[first].lower().startswith(recommended.headline.lower())
    assert words.score(comparison.recommended.result.test.mean) in said[first]
    assert "no candidate" in said[network]


def test_page_says_anew_what_is_recommended(layout, database, monkeypatch):
    project(layout)
    before = read_comparison(layout.comparison("sales")).recommended.name
    let_diverge(layout, before.partition("-")[0], 0)
    let_diverge(layout, before.partition("-")[0], 1)
    project(layout)
    after = read_comparison(layout.comparison("sales")).recommended.name
    assert after != before
    text = MlflowClient().get_experiment_by_name("tiny/sales").tags["mlflow.note.content"]
    assert f"Use {after}" in text.partition("\n")[0]
    names = [run.info.run_name for run in runs_of("sales")]
    assert f"{after} (chosen)" in names
    assert f"{before} (earlier)" in names
    assert f"{before} (chosen)" not in names


def test_runs_and_words_of_users_stay_as_they_are(layout, database):
    project(layout)
    client, mine = MlflowClient(), "- we ship gru, see the wiki"
    experiment = client.get_experiment_by_name("tiny/sales").experiment_id
    client.set_experiment_tag(experiment, "mlflow.note.content", mine)
    own = client.create_run(experiment, run_name="a notebook (old)").info.run_id
    renamed = next(run for run in runs_of("sales") if run.info.run_name.startswith("gru-4"))
    client.update_run(renamed.info.run_id, name="gru-4 (with Anna)")
    project(layout)
    assert client.get_experiment(experiment).tags["mlflow.note.content"] == mine
    found = client.get_run(own)
    assert found.info.run_name == "a notebook (old)"
    assert found.info.status == "RUNNING"
    assert [tag for tag in found.data.tags if tag.startswith("gatewise.")] == []
    assert client.get_run(renamed.info.run_id).info.run_name.startswith("gru-4 (with Anna)")
    client.set_experiment_tag(experiment, "mlflow.note.content", "")
    project(layout)
    assert "se " in client.get_experiment(experiment).tags["mlflow.note.content"]


def test_seconds_of_a_cell_are_those_of_the_trainings_that_are_compared(layout, database):
    """The last of each seed; none of a refit, of an evaluation, or of another dataset."""
    (own,) = (
        one
        for one in read_records(layout)
        if (one.what, one.dataset, one.cell, one.seed) == ("train", "sales", "gru", 1)
    )
    for change in (
        {"seconds": 100.0, "seed": 0},
        {"seconds": 30.0, "seed": 0, "peak_megabytes": 9999},
        {"seconds": 500.0, "seed": 0, "division": "moved_back", "peak_megabytes": 99999},
        {"seconds": 500.0, "seed": 1, "division": "refit"},
        {"seconds": 500.0, "what": "evaluate"},
        {"seconds": 500.0, "dataset": "digits"},
    ):
        append(layout, replace(own, **change))
    project(layout)
    run = find(runs_of("sales"), kind="cell", cell="gru")
    assert run.data.metrics["train_seconds"] == pytest.approx(30.0 + own.seconds)
    assert run.data.metrics["train_peak_megabytes"] == 9999


def test_projecting_again_changes_nothing(layout, database):
    first = project(layout)
    before = {run.info.run_id: run.to_dictionary() for run in runs_of("sales")}
    histories = described(runs_of("sales"))
    assert project(layout) == first
    assert {run.info.run_id: run.to_dictionary() for run in runs_of("sales")} == before
    assert described(runs_of("sales")) == histories


def test_sync_rebuilds_what_the_flow_showed(layout, finished, database, capsys):
    upkeep.sync(layout.folder)
    output = capsys.readouterr().out
    for name in METRIC_NAMES:
        assert f"{name}: MLflow shows it" in output
        rebuilt = described(runs_of(name))
        mlflow.set_tracking_uri(f"sqlite:///{finished}.db")
        shown = described(runs_of(name))
        mlflow.set_tracking_uri(database)
        assert len(shown) == 6
        assert rebuilt == shown


def test_other_results_make_earlier_runs_not_current(layout, database):
    project(layout)
    before = {run.info.run_id for run in runs_of("sales")}
    file = seed_folder(layout.run("sales", "gru"), "4", 1) / METRICS
    original = file.read_text()
    file.write_text(original + original.splitlines()[-1] + "\n")
    project(layout)
    runs = runs_of("sales")
    new = [run for run in runs if run.info.run_id not in before]
    chosen = {"true": " (chosen)", "false": ""}
    cell = find(runs, kind="cell", cell="gru", current="true")
    ending = chosen[cell.data.tags["gatewise.recommended"]]
    assert sorted(run.info.run_name for run in new) == [f"gru-4{ending}", "gru-4 seed 1"]
    past = [run for run in runs if run.data.tags["gatewise.current"] == "false"]
    names = sorted(run.info.run_name for run in past)
    assert names == ["gru-4 (earlier)", "gru-4 seed 1 (earlier)"]
    assert all(run.info.run_id in before for run in past)
    kept = find(runs, kind="seed", cell="gru", seed="0")
    assert kept.data.tags["mlflow.parentRunId"] == cell.info.run_id
    file.write_text(original)
    project(layout)
    again = [run for run in runs_of("sales") if run.data.tags["gatewise.current"] == "true"]
    assert {run.info.run_id for run in again} == before
    assert not [run.info.run_name for run in again if "earlier" in run.info.run_name]


def let_diverge(layout, cell, seed):
    """Make a seed one whose training diverged, and compare again."""
    folder = seed_folder(layout.run("sales", cell), "4", seed)
    (folder / MODEL).unlink()
    write_json(folder / SUMMARY, {"status": "diverged", "epochs": 2, "steps": 12})
    place = layout.evaluation("sales", cell) / "4"
    scores = read_scores(place)
    seeds = list(scores.seeds)
    seeds[seed] = replace(seeds[seed], validation=None, test=None)
    write_scores(place, replace(scores, seeds=tuple(seeds)))
    compare(layout, read_study(layout.folder), "sales")


def test_diverged_seed_is_shown_as_one(layout, database):
    let_diverge(layout, "gru", 1)
    champion = project(layout)
    runs = runs_of("sales")
    diverged = find(runs, kind="seed", cell="gru", seed="1")
    assert "test_mse" not in diverged.data.metrics
    assert [step for step, _ in history(diverged)] == [1, 2]
    assert "diverged" in diverged.data.tags.values()
    healthy = find(runs, kind="seed", cell="gru", seed="0")
    assert "diverged" not in healthy.data.tags.values()
    cell = find(runs, kind="cell", cell="gru")
    assert cell.data.metrics["test_mse"] == healthy.data.metrics["test_mse"]
    assert "test_mse_std" not in cell.data.metrics
    assert cell.data.tags["gatewise.recommended"] == "false"
    assert len(champion) == 2


def test_study_without_a_champion_is_shown(layout, database):
    for cell in ("gru", "memoryless"):
        for seed in (0, 1):
            let_diverge(layout, cell, seed)
    assert project(layout) == {}
    runs = runs_of("sales")
    assert len(runs) == 6
    assert {run.data.tags.get("gatewise.recommended") for run in runs} == {"false", None}
