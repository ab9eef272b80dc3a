"""The end of a run names things so that they can be copied, and says what was done."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from flows.layout import Layout
from flows.running.summary import (
    closing_lines,
    compared,
    markdown_table,
    show,
    shown,
    summarise,
    with_failures,
)
from flows.tracking.promoted import Promotion
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import read_json, write_json
from rnn_core.study import read_study

REPOSITORY = Path(__file__).parents[3]
LAYOUT = Layout(REPOSITORY)
NAMES = ("agreement", "co2", "sums")
PROMOTED = Promotion(
    dataset="agreement",
    model="sample.agreement",
    version="4",
    action="promoted",
    reason="the challenger is worse",
    test_score=0.125,
)


def blocks(names=NAMES, promotion=PROMOTED, folder=Path()):
    """Blocks of the sample study; the same became of the champion of each dataset."""
    promotions = {} if promotion is None else dict.fromkeys(names, promotion)
    return summarise(LAYOUT, "sample", names, promotions, folder)


def text_of(found, width=None, *, verbose=False):
    return shown(found, width, verbose=verbose).plain


def block_of(promotion, *, verbose=False):
    return text_of(blocks(["agreement"], promotion), verbose=verbose)


def made(tmp_path, dataset, change):
    """The only block of a study whose comparison is changed."""
    found = read_json(LAYOUT.comparison(dataset))
    change(found)
    there = Layout(tmp_path)
    there.comparison(dataset).parent.mkdir()
    write_json(there.comparison(dataset), found)
    return text_of(summarise(there, "sample", [dataset], {dataset: PROMOTED}), verbose=True)


def test_block_says_what_to_use_how_good_how_sure_and_what_to_type(tmp_path):
    """Against numbers that are put into the comparison's file."""

    def change(found):
        found["decision"] |= {"status": "decided", "why": "safe", "runner_up": "gru-32"}
        own, second = (found["candidates"][name] for name in ("lstm-32", "gru-32"))
        found["decision"]["recommended"] = "lstm-32"
        own["test"]["mean"], second["test"]["mean"] = 0.004125, 0.005375
        own["validation"]["risk"] = {"chance": 0.98765, "expected_loss": 0.0321}
        found["baselines"], found["margin"] = {"linear": 0.0075, "mean": 1.5}, 0.00025

    lines = [line.strip() for line in made(tmp_path, "co2", change).splitlines()]
    scores = "0.004125; runner-up gru-32 0.005375; best simple baseline linear 0.0075"
    assert lines[:3] == [
        "co2  use lstm-32 (decided)",
        f"mse on the test set (lower is better): {scores}",
        "risk: 1.2 % that another candidate is better by more than the margin (0.00025)",
    ]
    assert lines[-1] == "try it: gatewise predict sample.co2 FILE"


def test_candidate_that_alone_trained_is_used_without_a_risk(tmp_path):
    def change(found):
        found["decision"] |= {"status": "decided", "why": "only_left", "runner_up": None}

    told = made(tmp_path, "co2", change)
    only = "at least half of the trainings of every other candidate diverged"
    assert (
        f"co2  use {read_comparison(LAYOUT.comparison('co2')).recommended.name} ({only})\n" in told
    )
    assert "to decide: if the others matter, set a lower training.learning_rate" in told
    assert "risk" not in told
    assert "better by more than the margin" not in told


def test_comparison_that_cannot_be_read_hides_no_other(tmp_path):
    """As one of an older version, which has no reason why it is open."""
    there, names = Layout(tmp_path), ["sums", "co2"]
    for name in names:
        found = read_json(LAYOUT.comparison(name))
        if name == "sums":
            del found["decision"]["why"]
        there.comparison(name).parent.mkdir(exist_ok=True)
        write_json(there.comparison(name), found)
    there.comparison("reviews").mkdir()
    told = text_of(summarise(there, "sample", [*names, "reviews"], {}, Path("my study")))
    assert "reviews.json" in told
    assert "sums.json is not of the form that is read here: decision.why is missing" in told
    assert "compare again: gatewise run 'my study'" in told
    assert "co2      use " in told


@pytest.mark.parametrize("name", NAMES)
def test_risk_is_what_is_left_of_the_chance_by_the_validation_set(name):
    found = read_json(LAYOUT.comparison(name))
    chosen = found["candidates"][found["decision"]["recommended"]]
    (block,) = blocks([name])
    assert block.answer.share == pytest.approx(1 - chosen["validation"]["risk"]["chance"])


def test_text_is_asked_for_with_a_prompt():
    assert block_of(PROMOTED).endswith(
        "try it: gatewise generate sample.agreement --prompt 'TEXT'\n"
    )


def test_block_says_whose_each_test_score_is():
    """The registered model has its own, and not the mean of its candidate."""
    own = read_comparison(LAYOUT.comparison("agreement"))
    told = block_of(PROMOTED, verbose=True)
    (line,) = [one for one in told.splitlines() if "0.125" in one]
    several = f"the mean of {len(own.members)} models"
    which = several if own.members else f"random seed {own.registered_seeds[0]} alone"
    assert line.strip() == f"registered: version 4, {which}: 0.125 on the test set"
    mean = own.recommended.result.test
    assert f"mean test score of {own.recommended.name}: {mean.mean:.4g}, with a standard " in told
    assert (
        f"deviation of {mean.std:.2g} over {len(own.recommended.result.seeds)} random seeds" in told
    )
    assert "±" not in block_of(PROMOTED)
    assert "MACs" not in told


def test_registered_version_without_a_score_of_this_metric_has_none():
    told = block_of(replace(PROMOTED, test_score=None))
    (line,) = [one for one in told.splitlines() if "registered: version 4, " in one]
    assert not line.endswith("test set")


@pytest.mark.parametrize(
    ("promotion", "said", "typed"),
    [
        (None, "", "not registered yet; to register it: gatewise run\n"),
        (
            replace(PROMOTED, action="kept"),
            "version 4 stays, since the challenger is worse; it has 0.125 on the test set\n",
            "try it: gatewise generate sample.agreement --prompt 'TEXT'\n",
        ),
        (
            replace(PROMOTED, action="kept", version=None),
            "registered: the model has no champion, since someone removed the alias\n",
            "gatewise champion promote sample.agreement VERSION --because 'REASON'\n",
        ),
        (replace(PROMOTED, action="unchanged"), "registered: version 4, ", "--prompt 'TEXT'\n"),
    ],
    ids=["not registered", "kept", "alias removed", "unchanged"],
)
def test_block_says_what_became_of_the_registered_model(promotion, said, typed):
    told = block_of(promotion)
    assert said in told
    assert told.endswith(typed)
    assert bool(said) == ("registered: " in told)


def test_commands_name_the_study_as_it_was_typed():
    (block,) = blocks(["co2"], None, Path("my studies/shop"))
    assert text_of([block]).endswith("gatewise run 'my studies/shop'\n")


def test_dataset_without_a_champion_says_why_and_what_to_do(tmp_path):
    def change(found):
        found["decision"] = {**found["decision"], "status": "open", "why": "all_diverged"}
        found["decision"] |= {"recommended": None, "registered_seed": None, "runner_up": None}

    told = made(tmp_path, "sums", change)
    assert (
        "no cell to recommend (at least half of the trainings of every candidate diverged)" in told
    )
    assert "to decide: set a lower training.learning_rate" in told
    assert "gatewise run" in told


@pytest.mark.parametrize("width", [30, 60, 80, 120])
def test_lines_fit_the_terminal_and_names_and_commands_are_whole(width):
    told = text_of(blocks(), width)
    commands = [line for line in told.splitlines() if "gatewise " in line]
    assert all(len(line) <= width for line in told.splitlines() if line not in commands), told
    for name in ("lstm-64", "gatewise predict sample.co2 FILE", "n_gram"):
        assert any(name in line for line in told.splitlines()), told


def test_names_of_any_length_share_a_column_or_have_a_line_of_their_own():
    long = "free_spoken_digits_speakers"
    found = [
        replace(block, dataset=name)
        for block, name in zip(blocks(), ("a", "co2", long), strict=True)
    ]
    wide = text_of(found, 120).splitlines()
    assert {line.index("use ") for line in wide if "use lstm" in line} == {len(long) + 2}
    narrow = text_of(found, 60).splitlines()
    assert {"a", "co2", long} <= set(narrow)
    assert {line.index("use ") for line in narrow if "use lstm" in line} == {2}


def test_lines_are_broken_on_a_terminal_alone():
    printed = {}
    for is_terminal in (True, False):
        console = Console(width=60, force_terminal=is_terminal, color_system=None)
        with console.capture() as captured:
            show(console, blocks())
        printed[is_terminal] = captured.get()
    wide = {
        is_terminal: any(len(line) > 60 for line in text.splitlines() if "gatewise" not in line)
        for is_terminal, text in printed.items()
    }
    assert wide == {True: False, False: True}


def test_nothing_compared_is_said_so():
    console = Console()
    with console.capture() as captured:
        show(console, [])
    assert captured.get().startswith("Nothing has been compared yet.")


def test_what_failed_stands_beside_what_did_not():
    failures = {
        "promote@co2": "disk full\nmore",
        "train@digits": "out of memory",
        "evaluate@digits": "later",
        "report": "no font",
    }
    found = with_failures(blocks(["co2", "sums"]), failures, Path("shop"))
    told = text_of(found)
    assert [one.dataset for one in found] == ["co2", "sums", "digits"]
    assert "failed at promote@co2: disk full\n" in told
    assert "digits  failed at train@digits: out of memory\n" in told
    assert told.endswith("fix it, then: gatewise run shop\n")
    assert "later" not in told


def test_table_for_prefect_has_the_answer_of_each_dataset():
    head, _, *rows = markdown_table(blocks()).splitlines()
    assert head == "| dataset | answer | score | risk | registered |"
    assert [row.split(" | ")[0] for row in rows] == [f"| {name}" for name in NAMES]
    assert all(" | version " in row for row in rows)
    assert markdown_table(blocks(["co2"], None)).endswith(" | no |")


def test_only_what_a_run_compared_is_summed_up():
    plan = read_study(REPOSITORY)
    assert compared(plan, {"prepare@co2", "prepare@sums", "ingest@co2"}) == []
    assert compared(plan, {"compare@sums", "compare@agreement", "train@co2-gru"}) == [
        name for name in plan.datasets if name in {"sums", "agreement"}
    ]


def test_run_of_some_stages_ends_with_these_and_with_nothing_that_is_not_there():
    lines = closing_lines(LAYOUT, {"prepare@co2", "ingest@co2"}, [])
    assert lines == ["Up to date now: ingest@co2, prepare@co2."]


def test_run_that_reported_says_where_as_it_was_typed():
    lines = closing_lines(Layout(Path("shop")), {"compare@co2", "report"}, blocks(["co2"]))
    assert lines[0] == "Report: shop/reports/index.html"
    assert "Details: gatewise status shop --verbose" in lines
