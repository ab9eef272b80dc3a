"""Networks without a recurrence from params.yaml to the report; the race knows nothing of them."""

import json
import shutil
from datetime import date, timedelta
from statistics import fmean, stdev

import numpy as np
import pytest
import yaml
from usual_study import USUAL

from flows.layout import Layout
from flows.report.timings import write_timings
from flows.stages.report import report
from flows.trainings.kept import configs_in
from flows.trainings.records import read_answers
from rnn_core.comparison.outcome import read_comparison
from rnn_core.errors import StudyError
from rnn_core.files import read_json, write_json
from rnn_core.sources.number_words import NumberWords
from rnn_core.study import read_study
from rnn_core.training.item_scores import read_items
from rnn_core.training.run_folder import read_config

SERIES = "date,y\n" + "".join(
    f"{date(2024, 1, 1) + timedelta(days=i)},{(i * 29 % 13) + i / 17:.3f}\n" for i in range(260)
)
NAMES = ("tcn", "linear", "transformer")
MARGIN = 0.3


def parameters(references, most=3):
    """Of a study that asks for some reference networks."""
    training = {"epochs": 2, "learning_rate": 0.01}
    return {
        **USUAL,
        "root": ".",
        "study": "beside",
        "seeds": {"first": min(most, 2), "most": most},
        "cells": ["gru", "rnn_tanh"],
        "sizes": [0.5, 1],
        "depths": [1, 2],
        "references": references,
        "datasets": {
            "sales": {
                "source": "sales.csv",
                "task": "forecasting",
                "margin": MARGIN,
                "data": {"targets": ["y"], "lookback": 13, "horizon": 2},
                "model": {"hidden_size": 6},
                "training": training,
            },
            "sums": {
                "source": "sums",
                "task": "translation",
                "cells": ["gru"],
                "sizes": ["equal"],
                "depths": [1],
                "seeds": {"first": 1, "most": 1},
                "data": {"source_file": "sums.en", "max_vocabulary": 60},
                "model": {"hidden_size": 4},
                "training": training,
            },
        },
    }


@pytest.fixture(scope="module")
def compared(tmp_path_factory, perform):
    """Makes a study up to its comparisons."""

    def make(references, names=("sales",), most=3):
        layout = Layout(tmp_path_factory.mktemp("study"))
        (layout.folder / "sales.csv").write_text(SERIES)
        (layout.folder / "sums").mkdir()
        NumberWords(num_sums=300, largest=20, seed=1).fetch(layout.folder / "sums")
        text = yaml.safe_dump(parameters(references, most))
        (layout.folder / "params.yaml").write_text(text)
        for name in names:
            perform(layout, name, "ingest", "prepare", "train", "evaluate", "compare")
        return layout

    return make


@pytest.fixture(scope="module")
def beside(compared):
    layout = compared(list(NAMES), ("sales", "sums"))
    report(layout, read_study(layout.folder))
    return layout


def counted(layout, what):
    """Lines of timings about something that was done."""
    lines = map(json.loads, layout.timings.read_text().splitlines())
    return sum(line.get("what") == what for line in lines)


def results(layout):
    return read_comparison(layout.comparison("sales"))


def test_each_is_trained_with_two_seeds_like_a_candidate(beside):
    """The same order of batches, optimiser and epochs, and the same wrapper."""
    run = next((beside.runs("sales") / "gru").glob("*/seed-0"))
    ours, _ = read_config(run)
    for name in NAMES:
        (size,) = (beside.runs("sales") / name).iterdir()
        assert {file.name for file in size.iterdir()} == {"rung.json", "seed-0", "seed-1"}
        config, cost = read_config(size / "seed-1")
        assert config.training == ours.training
        assert config.model == ours.model | {"hidden_size": int(size.name)}
        assert cost.recurrent_parameters == 0
    found = results(beside)
    assert {one.cell for one in found.references.values()} == set(NAMES)
    assert not found.candidates.keys() & found.references.keys()


def test_scores_are_those_of_its_items(beside):
    for one in results(beside).references.values():
        place = beside.evaluation("sales", one.cell) / str(one.hidden_size)
        for split in ("validation", "test"):
            items = [read_items(place / f"seed-{seed}.safetensors", split) for seed in (0, 1)]
            means = [np.average(each.values, weights=each.weights) for each in items]
            assert one.on(split).mean == pytest.approx(fmean(means), rel=1e-6)
            assert one.on(split).std == pytest.approx(stdev(means), rel=1e-4)


def test_with_as_many_seeds_it_is_worse_by_the_difference_of_means(compared):
    found = results(compared(["linear"], most=2))
    (one,) = found.references.values()
    for split in ("validation", "test"):
        apart = one.on(split).mean - found.recommended.result.on(split).mean
        assert one.on(split).worse_by == pytest.approx(apart / MARGIN, rel=1e-9)
        assert one.on(split).error > 0


def test_with_one_seed_it_has_one_and_no_error(compared):
    (one,) = results(compared(["linear"], most=1)).references.values()
    assert [seed.seed for seed in one.seeds] == [0]
    assert one.test.worse_by is not None
    assert one.test.error is None


def test_race_and_recommendation_are_those_without_them(beside, compared):
    alone = compared(None)
    parts = [
        read_json(layout.comparison("sales")) | {"references": None} for layout in (beside, alone)
    ]
    assert parts[0] == parts[1]
    assert results(alone).references == {}
    assert counted(beside, "train") == counted(alone, "train") + 2 * len(NAMES) + 1


def test_task_whose_model_cannot_be_made_around_them_is_left_out_and_says_so(beside):
    assert read_comparison(beside.comparison("sums")).references is None
    there = {path.name for path in beside.runs("sums").iterdir()}
    assert not there & set(NAMES)
    told = "Networks without a recurrence are left out: no model of this kind can be made around"
    assert told in beside.page.read_text()
    assert told in (beside.reports / "report.md").read_text()


def test_they_are_kept_taken_from_the_store_and_adopted_like_others(beside, perform, tmp_path):
    layout = Layout(shutil.copytree(beside.folder, tmp_path / "study"))
    before = {config.identity for config in configs_in(layout.runs("sales"))}
    assert sum(config.cell in NAMES for config in configs_in(layout.runs("sales"))) == 6
    trained = counted(layout, "train")
    shutil.rmtree(layout.store)
    perform(layout, "sales", "train")
    assert counted(layout, "train") == trained
    shutil.rmtree(layout.runs("sales"))
    perform(layout, "sales", "train")
    assert counted(layout, "train") == trained
    assert {config.identity for config in configs_in(layout.runs("sales"))} == before


def test_one_that_params_yaml_names_no_more_is_left_over(beside, perform, tmp_path):
    layout = Layout(shutil.copytree(beside.folder, tmp_path / "study"))
    text = yaml.safe_dump(parameters(["linear", "transformer"]))
    (layout.folder / "params.yaml").write_text(text)
    with pytest.raises(StudyError, match=r"has tcn, which params\.yaml does not name"):
        perform(layout, "sales", "compare")
    perform(layout, "sales", "train", "evaluate", "compare")
    assert {one.cell for one in results(layout).references.values()} == {"linear", "transformer"}


def test_comparison_that_recommends_one_is_refused(beside, tmp_path):
    """So that none can be registered, which is done to what the comparison recommends."""
    content = read_json(beside.comparison("sales"))
    content["decision"]["recommended"] = next(iter(content["references"]))
    write_json(tmp_path / "sales.json", content)
    with pytest.raises(StudyError, match="is no candidate of it"):
        read_comparison(tmp_path / "sales.json")


def test_report_and_metrics_tell_how_they_stand(beside):
    told = read_json(beside.metrics)["sales"]["references"]
    page, markdown = beside.page.read_text(), (beside.reports / "report.md").read_text()
    assert "### Without a recurrence on sales" in markdown
    for name, one in results(beside).references.items():
        assert told[name]["mean"] == one.test.mean
        assert told[name]["test_margins_worse"] == one.test.worse_by
        way = "worse" if one.test.worse_by > 0 else "better"
        apart = f"{abs(one.test.worse_by):.2g} ± {one.test.error:.2g} margins {way}"
        score = f"{one.test.mean:.4g} ± {one.test.std:.2g}"
        assert f"| {name} | {score} |" in markdown
        assert f'<th scope="row">{name}</th><td>{score}</td>' in page
        assert apart in markdown
        assert apart in page


def test_what_answers_take_is_on_the_page_of_timings_and_in_no_result(beside):
    study = read_study(beside.folder)
    write_timings(beside, study)
    page = beside.timings_page.read_text().partition("<h2>sums</h2>")[0]
    answers = {one.candidate: one for one in read_answers(beside) if one.dataset == "sales"}
    names = results(beside).results
    assert names.keys() == answers.keys()
    for name, one in names.items():
        counted = f"<td>{one.cost.parameters:,}</td><td>{one.cost.multiply_accumulates:,}</td>"
        took = f"<td>{answers[name].median_ms:,.3g}</td><td>{answers[name].p95_ms:,.3g}</td>"
        (row,) = (line for line in page.splitlines() if f">{name}</th>" in line)
        assert counted + took in row
        assert 0 < answers[name].median_ms <= answers[name].p95_ms
    before = {f: f.read_bytes() for f in beside.reports.rglob("*") if f.is_file()}
    beside.timings.rename(beside.timings.with_suffix(".aside"))
    report(beside, study)
    beside.timings.with_suffix(".aside").rename(beside.timings)
    assert {f: f.read_bytes() for f in beside.reports.rglob("*") if f.is_file()} == before
