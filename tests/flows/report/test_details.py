"""Collected results of a dataset; nothing is left out silently."""

import json
import shlex
from dataclasses import asdict

import pytest

from flows.report.details import Curve, collect, reproduce, what_is_missing
from flows.stages.report import report
from rnn_core.files import read_json
from rnn_core.study import read_study
from rnn_core.training.run_folder import METRICS, seed_folder


def details(layout, dataset):
    return collect(layout, read_study(layout.folder), dataset)


def test_curves_lie_where_training_writes_them(made_up):
    place = seed_folder(made_up.run("letters", "gru"), "8", 2) / METRICS
    assert made_up.curve("letters", "gru", "8", 2) == place


def test_curves_are_the_records_of_the_seeds(made_up):
    curves = details(made_up, "letters").curves
    assert set(curves) == {"gru-8", "lstm-8", "memoryless-8"}
    place = made_up.curve("letters", "gru", "8", 1)
    records = [json.loads(line) for line in place.read_text().splitlines()]
    assert curves["gru-8"][1] == Curve(
        step=[10, 20, 30, 40, 50, 60],
        validation=[record["validation_accuracy"] for record in records],
    )


def test_curve_of_a_diverged_seed_ends_before_it_was_no_number(made_up):
    assert details(made_up, "sounds").curves["lstm-8"][3].step == [10]


def test_what_is_not_there_is_named(made_up):
    made_up.curve("letters", "lstm", "8", 1).unlink()
    (made_up.evaluation("letters", "gru") / "8/diagnostics.json").unlink()
    assert details(made_up, "letters").missing == [
        "There are no learning curves of lstm-8 (seed 1).",
        "There are no diagnostics of gru-8.",
    ]
    curves = ", ".join(f"{name} (seed 0, 1, 2)" for name in ("gru-8", "lstm-8", "memoryless-8"))
    assert details(made_up, "bare").missing == [
        f"There are no learning curves of {curves}.",
        "There are no diagnostics of gru-8, lstm-8, memoryless-8.",
        "There are no examples of gru-8, lstm-8, memoryless-8.",
    ]
    assert details(made_up, "lost").missing == [
        "There are no examples of gru-8, lstm-8, memoryless-8."
    ]


def test_report_says_why_a_dataset_is_not_compared(made_up):
    study = read_study(made_up.folder)
    assert what_is_missing(made_up, study, "later") == "not trained: gru, lstm, memoryless"
    for cell in study.cells:
        made_up.run("later", cell).mkdir(parents=True)
    made_up.evaluation("later", "gru").mkdir(parents=True)
    assert what_is_missing(made_up, study, "later") == "not evaluated: lstm, memoryless"
    report(made_up, read_study(made_up.folder))
    assert "Not compared yet: not evaluated: lstm, memoryless." in made_up.page.read_text()


def test_commands_name_the_folder_of_the_study(made_up):
    found = details(made_up, "letters")
    assert found.reproduce[0].startswith("gatewise run  #")
    content = (made_up.folder / "params.yaml").read_text()
    (made_up.folder / "params.yaml").write_text(content.replace("root: .", "root: ../.."))
    where = f"{made_up.folder.parent.name}/study"
    run, only, dvc = details(made_up, "letters").reproduce
    assert run.startswith(f"gatewise run {where} ")
    assert f"gatewise run {where} --only 'compare@letters' " in only
    assert dvc.startswith(f"cd {where} && dvc repro ")
    assert "models:/made_up.letters@champion" in found.serve[-1]
    assert details(made_up, "lost").serve == [], "there is nothing to serve"


@pytest.mark.parametrize("dataset", ["letters", "prices", "lost"])
def test_details_are_in_a_file_for_each_dataset(made_up, dataset):
    report(made_up, read_study(made_up.folder))
    written = read_json(made_up.reports / f"details/{dataset}.json")
    assert written == json.loads(json.dumps(asdict(details(made_up, dataset))))
    assert written["comparison"] == read_json(made_up.comparison(dataset))


@pytest.mark.parametrize("folder", ["studies/my shop", "it's", "."])
def test_commands_that_make_results_again_name_the_folder_as_a_shell_reads_it(folder):
    run, alone, repro = (shlex.split(line, comments=True) for line in reproduce(folder, "tea"))
    named = [] if folder == "." else [folder]
    assert run == ["gatewise", "run", *named]
    assert alone == [*run, "--only", "compare@tea"]
    assert repro == [*(["cd", folder, "&&"] if named else []), "dvc", "repro"]
