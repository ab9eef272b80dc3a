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


@pytest.mark.parametrize("dataset", TABLES)
def test_every_decision_is_that_of_the_comparison(dataset):
    file = REPOSITORY / f"studies/benchmark/comparisons/{dataset}.json"
    comparison = json.loads(file.read_text())
    row, decision = DECISIONS[dataset], comparison["decision"]
    assert row["use"] == decision["champion"]
    assert row["decision"] == decision["status"]
    assert row["because"] == decision["reason"]
    assert row["spread"] == f"{decision['difference_std']:.2g}"
    half, twice = (decision[f"{times}_margin"] or "abstains" for times in ("half", "twice"))
    assert row["half, twice the margin"] == f"{half}, {twice}"


@pytest.mark.parametrize("dataset", TABLES)
def test_every_number_is_that_of_the_comparison(dataset):
    file = REPOSITORY / f"studies/benchmark/comparisons/{dataset}.json"
    comparison = json.loads(file.read_text())
    rows = cells_of(TABLES[dataset])
    metric = f"test {comparison['metric']['name']}"
    assert set(rows) == {*comparison["candidates"], *comparison["baselines"]}
    for name, cell in comparison["candidates"].items():
        row = rows[name]
        assert number(row[metric]) == pytest.approx(cell["test"]["mean"], rel=1e-3)
        assert number(row["validation"]) == pytest.approx(cell["validation"]["mean"], rel=1e-3)
        for other, value in cell["others"].items():
            assert number(row[other]) == pytest.approx(value, rel=1e-3)
        assert int(row["parameters"].replace(",", "")) == cell["cost"]["parameters"]
        assert int(row["seeds"]) == len(cell["seeds"])
    for name, score in comparison["baselines"].items():
        assert number(rows[name][metric]) == pytest.approx(score, rel=1e-3)
    assert f"**{comparison['decision']['champion']}**" in TABLES[dataset]


def test_page_has_tables():
    assert TABLES
