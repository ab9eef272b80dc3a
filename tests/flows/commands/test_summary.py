"""The end of a run names things so that they can be copied, and says what was done."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from flows.commands.summary import (
    Row,
    closing_lines,
    compared,
    in_lines,
    markdown_table,
    summarise,
    terminal_table,
    version_of,
)
from flows.layout import Layout
from flows.tracking.promoted import Promotion
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import read_json, write_json
from rnn_core.study import read_study

REPOSITORY = Path(__file__).parents[3]
LAYOUT = Layout(REPOSITORY)
ROW = Row(
    dataset="free_spoken_digits_speakers",
    champion="rnn_tanh-113",
    decision="open: chance 81 % to be within the margin of the best, 80 % by the test set",
    baseline="The simple baseline nearest_centroid (0.825) is as good as rnn_tanh-113",
    risk="expected loss 0.48 margins, 0.5 by the test set",
    test_score="0.8297 ± 0.088 accuracy",
    ahead="0.0093 worse than memoryless-1947",
    cost="1,324,632 MACs",
    model="benchmark.free_spoken_digits_speakers v1",
    model_score="0.722",
)


def printed(entry, width):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(terminal_table([entry]))
    return captured.get()


def promotion(action, test_score):
    return Promotion(
        dataset="agreement",
        model="sample.agreement",
        version="4",
        action=action,
        reason="the challenger is worse",
        test_score=test_score,
    )


@pytest.mark.parametrize("width", [80, 120])
def test_names_are_not_folded(width):
    shown = printed(ROW, width)
    lines = shown.splitlines()
    assert len(lines) <= 10, shown
    for name in (ROW.dataset, ROW.champion, ROW.model, "memoryless-1947"):
        assert any(name in line for line in lines), shown


def test_dataset_without_a_champion_says_why():
    entry = Row(
        dataset="sums", champion="none", decision="most trainings of every candidate diverged"
    )
    assert printed(entry, 80).split() == ["sums", "none,", *entry.decision.split()]


def test_model_is_told_where_the_registry_was_asked():
    (entry,) = summarise(LAYOUT, ["agreement"], {})
    assert not [line for line in in_lines(entry) if line.startswith("model")]


@pytest.mark.parametrize("action", ["promoted", "unchanged", "kept"])
def test_score_beside_a_model_is_that_of_its_version(action):
    """It may be another than that of the champion, which may not have been promoted."""
    own = read_comparison(LAYOUT.comparison("agreement")).champion.seed.test
    (entry,) = summarise(LAYOUT, ["agreement"], {"agreement": promotion(action, 0.125)})
    (line,) = [line for line in in_lines(entry) if line.startswith("model")]
    assert line.startswith("model sample.agreement v4, test score 0.125")
    assert f"{own:.4g}" not in line
    assert ("the challenger is worse" in line) == (action == "kept")
    assert "0.125" in markdown_table([entry])


def test_champion_has_its_chance_and_expected_loss_by_both_sets(tmp_path):
    """To a tenth of a percent near certainty, from the comparison's file."""
    found = read_json(LAYOUT.comparison("reviews"))
    found["decision"] |= {"status": "decided", "why": "safe"}
    champion = found["candidates"][found["decision"]["champion"]]
    champion["validation"]["risk"] = {"chance": 0.98765, "expected_loss": 0.0321}
    champion["test"]["risk"] = {"chance": 0.6789, "expected_loss": 0.456}
    there = Layout(tmp_path)
    there.comparison("reviews").parent.mkdir()
    write_json(there.comparison("reviews"), found)
    (entry,) = summarise(there, ["reviews"], {})
    for told in (" ".join(in_lines(entry)), markdown_table([entry])):
        assert "chance 98.8 % to be within the margin of the best, 68 % by the test set" in told
        assert "expected loss 0.032 margins, 0.46 by the test set" in told


def test_version_without_a_score_of_this_metric_has_none():
    (entry,) = summarise(LAYOUT, ["agreement"], {"agreement": promotion("kept", None)})
    assert "test score" not in in_lines(entry)[-1]


def test_model_of_which_a_person_took_the_alias_is_called_so():
    taken = replace(promotion("kept", None), version=None)
    assert version_of(taken) == "sample.agreement without a champion"
    assert version_of(promotion("kept", None)) == "sample.agreement v4"


def test_only_what_a_run_compared_is_summed_up():
    plan = read_study(REPOSITORY)
    assert compared(plan, {"prepare@co2", "prepare@sums", "ingest@co2"}) == []
    assert compared(plan, {"compare@sums", "compare@agreement", "train@co2-gru"}) == [
        name for name in plan.datasets if name in {"sums", "agreement"}
    ]


def test_run_of_some_stages_ends_with_these_and_with_nothing_that_is_not_there():
    lines = closing_lines(LAYOUT, "sample", {"prepare@co2", "ingest@co2"}, {})
    assert len(lines) == 1
    assert "ingest@co2, prepare@co2" in lines[0]
    assert str(LAYOUT.page) not in lines[0]


def test_run_that_reported_and_registered_says_where():
    stages = {"compare@agreement", "report"}
    lines = closing_lines(LAYOUT, "sample", stages, {"agreement": promotion("promoted", 0.5)})
    assert any(line.startswith(f"Report: {LAYOUT.page}.") for line in lines)
    assert any("models:/sample.DATASET@champion" in line for line in lines)
