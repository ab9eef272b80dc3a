"""Results by class: how well each is found, and where a classifier has learned nothing."""

import re
from dataclasses import replace

import pytest

from flows.report import advice, tables
from flows.report.details import collect
from flows.report.markdown import section
from flows.report.page import more
from flows.running.summary import shown, summarise
from flows.tracking.logged import metrics_of_result, metrics_of_seed
from rnn_core.comparison.outcome import read_comparison
from rnn_core.study import read_study

RARE = {"gru": {"complaint": 0.25, "praise": 1.0}, "lstm": {"complaint": 0.5, "praise": 0.75}}


@pytest.fixture
def found(made_up):
    """A comparison whose candidates have recalls; gru is the champion."""
    comparison = read_comparison(made_up.comparison("one_lost"))
    assert comparison.recommended.result.cell == "gru"
    candidates = {
        name: replace(one, recalls=RARE.get(one.cell, {}))
        for name, one in comparison.candidates.items()
    }
    return replace(comparison, candidates=candidates)


def test_worst_found_class_of_the_champion_comes_first(found):
    grid = tables.recalls(found)
    assert grid.titles == [
        "class",
        *(f"recall of {name}" for name in ("gru-8", "memoryless-8", "lstm-8")),
    ]
    assert grid.rows == [["complaint", "0.25", "", "0.5"], ["praise", "1", "", "0.75"]]
    assert "| complaint | 0.25 |  | 0.5 |" in section("reviews", found)


def test_page_has_them_and_what_has_no_classes_has_no_such_table(made_up, found):
    details = collect(made_up, read_study(made_up.folder), "one_lost")
    title = "How well each class is found on the test set"
    assert title not in dict(more(details))
    assert dict(more(replace(details, comparison=found)))[title] == tables.recalls(found)
    assert tables.recalls(details.comparison) is None


def test_of_many_classes_the_worst_are_shown_and_the_others_counted(found):
    recalls = {f"class {i}": i / 100 for i in reversed(range(77))}
    candidates = {name: replace(one, recalls=recalls) for name, one in found.candidates.items()}
    rows = tables.recalls(replace(found, candidates=candidates)).rows
    assert [row[0] for row in rows] == [*(f"class {i}" for i in range(20)), "and 57 more"]


def test_mlflow_gets_them_under_names_that_it_takes(found):
    result = replace(found.recommended.result, recalls={"praise": 1.0, "1/2 *": 0.5, "很好": 0.25})
    names = {"test_recall_of_praise": 1.0, "test_recall_of_1u002f2 u002a": 0.5}
    names |= {"test_recall_of_很好": 0.25}
    assert names.items() <= metrics_of_result(result, "accuracy").items()
    seed = replace(result.seeds[0], recalls=result.recalls)
    assert names.items() <= metrics_of_seed(seed, "accuracy").items()


def test_long_labels_stay_apart_and_short_enough_for_mlflow(found):
    labels = {"a" * 300 + end: 0.5 for end in "xyz"}
    told = metrics_of_result(replace(found.recommended.result, recalls=labels), "accuracy")
    own = [name for name in told if name.startswith("test_recall")]
    assert len(own) == 3
    assert all(len(name) <= 250 and re.fullmatch(r"[/\w.\- :]+", name) for name in own)


def test_mean_recall_is_over_the_seeds_that_tested_the_class(found):
    from rnn_core.comparison.candidates import Candidate

    one = found.recommended.result
    each = [{"a": 0.5, "b": 1.0}, {"a": 1.0}, {"a": 0.0, "b": 0.5}]
    seeds = [replace(one.seeds[0], seed=i, recalls=recalls) for i, recalls in enumerate(each)]
    lost = replace(seeds[0], seed=3, test=None, validation=None, recalls={})
    candidate = Candidate(
        cell="gru",
        hidden_size=8,
        sizes=("8",),
        deviations={},
        device="cpu",
        data="d",
        metric=found.metric,
        cost=one.cost,
        seeds=(*seeds, lost),
    )
    assert candidate.mean_recalls() == {"a": 0.5, "b": 0.75}


def test_that_the_most_frequent_class_does_as_well_is_told_first(build_study, every_case, tmp_path):
    """94 of 100 texts have one class, and no cell finds more than that."""
    frequent = replace(
        every_case["bare"],
        scores={"memoryless": 0.93, "gru": 0.93},
        noise=0.0,
        baselines={"most_frequent": 0.93, "naive_bayes": 0.9},
    )
    layout = build_study(tmp_path / "rare", {"complaints": frequent})
    told = "the simple baseline most_frequent (0.93) is as good as"
    comparison = read_comparison(layout.comparison("complaints"))
    assert advice.sentence(comparison).lower().startswith(told)
    block = shown(summarise(layout, "rare", ["complaints"], {}), None).plain
    assert told in block.splitlines()[1]
