"""Seeds that are added to params.yaml until the rule decides."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from flows.commands.more_seeds import add_seeds, with_seeds
from flows.layout import Layout
from rnn_core.comparison.outcome import Need, read_comparison, write_comparison

REPOSITORY = Path(__file__).parents[3]
STUDIES = [REPOSITORY, REPOSITORY / "studies/benchmark", REPOSITORY / "studies/warnings"]

PARAMETERS = """# A study of one's own.
root: .
study: mine
seeds: [0, 1]  # of every cell
cells: [gru, lstm]
sizes: [equal]
tuning: null

datasets:
  sales:
    source: sales.csv
    task: forecasting
    data: {targets: [y], lookback: 4, horizon: 2}   # weeks
    model: {}
    training:
      learning_rate: 1e-3
  visits:
    source: sales.csv
    task: forecasting
    seeds: [3, 0]      # of its own
    data: {targets: [y], lookback: 4, horizon: 2}
    model: {}
    training: {}
"""


@pytest.fixture
def layout(tmp_path):
    (tmp_path / "params.yaml").write_text(PARAMETERS)
    (tmp_path / "sales.csv").touch()
    (tmp_path / "comparisons").mkdir()
    return Layout(tmp_path)


def needs(layout, **seeds):
    """Have the comparisons of datasets ask for some number of seeds."""
    some = read_comparison(REPOSITORY / "comparisons/co2.json")
    for name, number in seeds.items():
        need = None if number == "nothing" else Need(seeds=number, items=None)
        decision = replace(some.decision, need=need)
        write_comparison(layout.comparison(name), replace(some, decision=decision))


def seeds_of(layout):
    content = yaml.safe_load((layout.folder / "params.yaml").read_text())
    return {name: section.get("seeds") for name, section in content["datasets"].items()}


def test_dataset_gets_the_seeds_that_it_needs_and_no_other_line_changes(layout):
    needs(layout, sales=4, visits="nothing")
    change = add_seeds(layout, ["sales", "visits"], 10)
    expected = PARAMETERS.splitlines(keepends=True)
    expected.insert(12, "    seeds: [0, 1, 2, 3]\n")
    assert (layout.folder / "params.yaml").read_text() == "".join(expected)
    assert [line for line in change.splitlines() if line[0] in "+-"][2:] == [
        "+    seeds: [0, 1, 2, 3]"
    ]


def test_seeds_of_its_own_stay_first_and_keep_their_comment(layout):
    needs(layout, sales="nothing", visits=5)
    add_seeds(layout, ["sales", "visits"], 10)
    text = (layout.folder / "params.yaml").read_text()
    assert text == PARAMETERS.replace("[3, 0]", "[3, 0, 1, 2, 4]")


LISTS = [
    ("[0, 1]", "[0, 1, 2]"),
    ("[0, 1]  # ours", "[0, 1, 2]  # ours"),
    ("\n    - 0\n    - 1  # the last\n", "\n    - 0\n    - 1\n    - 2  # the last\n"),
    ("[0,\n            1]", "[0,\n            1, 2]"),
    ("*ours", "[0, 1, 2]"),
]


@pytest.mark.parametrize(("before", "after"), LISTS)
def test_list_may_have_any_form(before, after):
    text = "a: &ours [0, 1]\ndatasets:\n  x:\n    seeds: {}\n    task: t"
    assert with_seeds(text.format(before), {"x": [0, 1, 2]}) == text.format(after)


def test_file_may_end_without_a_newline():
    assert with_seeds("datasets:\n  x:\n    task: t", {"x": [5]}).endswith("t\n    seeds: [5]")


@pytest.mark.parametrize(
    ("needed", "most", "expected"),
    [(7, 4, [0, 1, 2, 3]), (2, 10, [0, 1, 2]), (9, 2, None), (None, 10, None)],
)
def test_number_of_seeds_is_that_of_need_within_limits(layout, needed, most, expected):
    """At least one more, at most what is allowed, and none where none would do."""
    needs(layout, sales=needed, visits="nothing")
    assert bool(add_seeds(layout, ["sales", "visits"], most)) == (expected is not None)
    assert seeds_of(layout)["sales"] == expected


def test_dataset_that_is_not_asked_for_is_left_alone(layout):
    needs(layout, sales=4, visits=4)
    add_seeds(layout, ["sales"], 10)
    assert seeds_of(layout) == {"sales": [0, 1, 2, 3], "visits": [3, 0]}


@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.name)
def test_no_other_byte_of_our_own_studies_changes(folder):
    text = (folder / "params.yaml").read_text()
    for name, section in yaml.safe_load(text)["datasets"].items():
        after = with_seeds(text, {name: [*section.get("seeds", []), 97, 98]}).splitlines()
        before = text.splitlines()
        (added,) = Counter(after) - Counter(before)
        assert added.startswith("    seeds: [")
        place = after.index(added)
        own = "seeds" in section
        assert after[:place] + after[place + 1 :] == before[:place] + before[place + own :]
