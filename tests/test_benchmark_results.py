"""docs/results.md shows the committed results of the benchmark study, number by number."""

import json
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs/results.md").read_text()
TABLES = dict(re.findall(r"<!-- (\w+) -->\n((?:\|.*\n)+)", PAGE))


def cells_of(table):
    lines = [line.strip("| \n").split("|") for line in table.splitlines()]
    titles, _, *rows = [[cell.strip() for cell in line] for line in lines]
    return {row[0].strip("*"): dict(zip(titles, row, strict=False)) for row in rows}


def number(text):
    return float(text.split(" ± ")[0].replace(",", ""))


DECISIONS = cells_of(TABLES.pop("decisions"))
RENEWED = cells_of(TABLES.pop("renewed"))
SUMMARY = cells_of(TABLES.pop("summary"))


def read(dataset):
    return json.loads((REPOSITORY / f"studies/benchmark/comparisons/{dataset}.json").read_text())


def chance(share):
    if share > 0.999:
        return "above 99.9 %"
    return "below 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def test_every_dataset_is_of_one_of_both_rules():
    raced = {dataset for dataset in TABLES if "effort" in read(dataset)}
    assert RENEWED.keys() == raced
    assert DECISIONS.keys() == TABLES.keys() - raced


@pytest.mark.parametrize("dataset", RENEWED)
def test_every_result_of_the_rule_in_use_is_that_of_the_comparison(dataset):
    comparison, row = read(dataset), list(RENEWED[dataset].values())
    decision, metric = comparison["decision"], comparison["metric"]
    champion = comparison["candidates"][decision["recommended"]]
    risks = [champion[split]["risk"] for split in ("validation", "test")]
    best = max if metric["direction"] == "higher" else min
    networks = {n: network["test"]["mean"] for n, network in comparison["references"].items()}
    seeds = {seed["seed"]: seed["test"] for seed in champion["seeds"]}
    effort = comparison["effort"]
    assert row[1:3] == [decision["recommended"], decision["status"]]
    assert row[3] == ", ".join(chance(risk["chance"]) for risk in risks)
    assert row[4] == ", ".join(f"{risk['expected_loss']:.2g}" for risk in risks)
    ensemble = comparison["ensemble"]
    assert not (ensemble and ensemble["registered"])
    assert row[5] == f"{seeds[decision['registered_seed']]:.4g}"
    assert row[6] == (f"{ensemble['scores']['test']:.4g}" if ensemble else "none")
    for place, scores in ((7, comparison["baselines"]), (8, networks)):
        name = best(scores, key=scores.get)
        assert row[place] == f"{name} {scores[name]:.4g}"
    assert row[9] == f"{effort['trainings']} of {effort['at_equal_seeds']}"


@pytest.mark.parametrize("dataset", DECISIONS)
def test_every_decision_is_that_of_the_comparison(dataset):
    comparison = read(dataset)
    row, decision = DECISIONS[dataset], comparison["decision"]
    assert row["use"] == decision["recommended"]
    assert row["decision"] == decision["status"]
    # The committed comparisons are older than the word that the page uses.
    assert row["because"] == decision["reason"].replace("test side", "test set")
    assert row["spread"] == f"{decision['difference_std']:.2g}"
    half, twice = (decision[f"{times}_margin"] or "abstains" for times in ("half", "twice"))
    assert row["half, twice the margin"] == f"{half}, {twice}"


@pytest.mark.parametrize("dataset", TABLES)
def test_every_number_is_that_of_the_comparison(dataset):
    comparison = read(dataset)
    rows = cells_of(TABLES[dataset])
    metric = f"test {comparison['metric']['name']}"
    networks = comparison.get("references", {})
    assert set(rows) == {*comparison["candidates"], *comparison["baselines"], *networks}
    for name, cell in {**comparison["candidates"], **networks}.items():
        row = rows[name]
        for split in ("validation", "test"):
            if "risk" in cell[split]:
                assert row[f"chance, {split}"] == chance(cell[split]["risk"]["chance"])
        assert number(row[metric]) == pytest.approx(cell["test"]["mean"], rel=1e-3)
        assert number(row["validation"]) == pytest.approx(cell["validation"]["mean"], rel=1e-3)
        for other, value in cell["others"].items():
            assert number(row[other]) == pytest.approx(value, rel=1e-3)
        assert int(row["parameters"].replace(",", "")) == cell["cost"]["parameters"]
        assert int(row["seeds"]) == len(cell["seeds"])
    for name, score in comparison["baselines"].items():
        assert number(rows[name][metric]) == pytest.approx(score, rel=1e-3)
    assert f"**{comparison['decision']['recommended']}**" in TABLES[dataset]


@pytest.mark.parametrize("dataset", SUMMARY)
def test_summary_has_the_size_of_each_cell_that_is_best_on_validation(dataset):
    comparison, row = read(dataset), SUMMARY[dataset]
    sign = 1 if comparison["metric"]["direction"] == "lower" else -1
    best = {}
    for candidate in sorted(
        comparison["candidates"].values(), key=lambda one: -sign * one["validation"]["mean"]
    ):
        best[candidate["cell"]] = candidate["test"]["mean"]
    cells = [title.strip("`") for title in row if title.startswith("`")]
    told = {cell: row[f"`{cell}`"] for cell in cells if row[f"`{cell}`"]}
    assert told.keys() == best.keys()
    for cell, text in told.items():
        digits = len(text.strip("*").partition(".")[2])
        assert text.strip("*") == f"{best[cell]:.{digits}f}"
    bold = [cell for cell, text in told.items() if text.startswith("**")]
    assert bold == [min(best, key=lambda cell: sign * best[cell])]
    score, name = re.fullmatch(r"([\d.]+) \((\w+)\)", row["best simple baseline"]).groups()
    baselines = comparison["baselines"]
    assert name == min(baselines, key=lambda one: sign * baselines[one])
    digits = len(score.partition(".")[2])
    assert float(score) == pytest.approx(baselines[name], abs=0.6 / 10**digits)


def test_summary_has_every_dataset():
    assert SUMMARY.keys() == TABLES.keys() | RENEWED.keys()


def test_page_has_tables():
    assert TABLES
