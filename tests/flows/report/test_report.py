"""Sentences of the report in every case, and the size of its page."""

import math
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import get_args

import pytest
from report_texts import of_dataset, texts

from flows.report import advice, words
from flows.report.card import model_card
from flows.report.details import collect
from flows.running.summary import summarise
from flows.stages.report import report
from rnn_core.comparison.outcome import Why, read_comparison
from rnn_core.comparison.verdict import CONTRADICTED
from rnn_core.files import digest_of, read_json
from rnn_core.study import read_study

MOST_BYTES_OF_A_DATASET = 1_500_000 // 16


def test_every_case_has_a_stated_outcome(made_up):
    page, markdown = texts(made_up)
    stated = {
        "prices": "**The simple baseline linear (0.1) is better than every candidate; for now use "
        "gru-16: one random seed does not tell how much of a score is chance.**",
        "sounds": "4 of 5 seeds; seed 3 diverged at epoch 2",
        "phrases": "and it takes 98 % to decide.** memoryless-8 has accuracy 0.5 on the test "
        "set (higher is better), the same as gru-8.",
        "one_left": "**Use gru-8: at least half of the trainings of every other candidate "
        "diverged.**",
        "lost": "**No cell can be recommended: at least half of the trainings of every candidate "
        "diverged.**",
        "one_lost": "0 of 3 seeds; seed 0 diverged at epoch 4, seed 1 diverged at epoch 4, seed 2 "
        "diverged at epoch 4",
        "bare": "**Use gru-8: the chance that",
        "close": "**For now use lstm-8: the chance that it is within the margin (0.02) of the best "
        "candidate is 77 %, and it takes 98 % to decide.**",
        "lone": "**Use gru-8, the only candidate.**",
    }
    for dataset, told in stated.items():
        assert told in of_dataset(markdown, dataset)
        assert told.replace("**", "") in page
    assert "Not compared yet: later." in markdown


def in_percent(chance):
    """A chance as a report shows it: to 1 %, near none and certainty to 0.1 %."""
    if 0.001 <= chance <= 0.999:
        return f"{100 * chance:.{0 if 0.05 <= chance <= 0.95 else 1}f} %"
    return "below 0.1 %" if chance < 0.5 else "above 99.9 %"


def risks_of(candidate):
    """The cells of a table about the risk of a candidate, from the comparison's file."""
    risks = [candidate[split]["risk"] for split in ("validation", "test")]
    if None in risks:
        return [""] * 4
    losses = [f"{risk['expected_loss']:.2g}" for risk in risks]
    return [*(in_percent(risk["chance"]) for risk in risks), *losses]


def rows_of(text):
    """The rows of the tables in a text as lists of cells."""
    return [
        [c.strip(" *") for c in line.split("|")[1:-1]] for line in text.splitlines() if "|" in line
    ]


def columns(rows, name):
    """Risk of a candidate in the first of the tables."""
    titles = next(row for row in rows if row[0] == "candidate")
    row = next(row for row in rows if row[0] == name)
    shown = dict(zip(titles, row, strict=True))
    return [shown[title] for title in ("chance", "chance on test", *EXPECTED)]


EXPECTED = ("expected loss", "expected loss on test")


def test_risk_of_every_candidate_is_in_every_form(made_up, every_case):
    report(made_up, read_study(made_up.folder))
    markdown, metrics = (made_up.reports / "report.md").read_text(), read_json(made_up.metrics)
    page = re.sub(r"\s*</t[dh]>\s*", "|", made_up.page.read_text())
    page = re.sub(r"<tr[^>]*>", "\n|", page)
    page = re.sub(r"<[^>]*>", "", page)
    decided = set()
    for dataset in filter(every_case.get, every_case):
        found = read_json(made_up.comparison(dataset))
        decided.add(found["decision"]["why"])
        section = page.partition(f"Candidates on {dataset},")[2]
        forms = [rows_of(of_dataset(markdown, dataset)), rows_of(section)]
        if found["decision"]["recommended"]:
            card = model_card(collect(made_up, read_study(made_up.folder), dataset))
            forms.append(rows_of(card))
            comparison = read_comparison(made_up.comparison(dataset))
            (block,) = summarise(made_up, "made_up", [dataset], {})
            assert set(advice.chances(comparison)) <= set(block.lines(verbose=True))
            with_risk = [c for c in found["candidates"].values() if c["validation"]["risk"]]
            assert len(list(advice.chances(comparison))) == len(with_risk)
        for name, candidate in found["candidates"].items():
            assert all(columns(rows, name) == risks_of(candidate) for rows in forms), name
            brief = metrics[dataset]["candidates"][name]
            for split in ("validation", "test"):
                assert brief[split] == candidate[split]["risk"]
    assert decided == set(get_args(Why)), "a case is missing"


def first_sentences(layout):
    """The first sentence about each dataset: in the report, in a card, and in a terminal."""
    study = read_study(layout.folder)
    for dataset in study.datasets:
        if layout.comparison(dataset).exists():
            comparison = read_comparison(layout.comparison(dataset))
            if comparison.recommended is not None:
                card = model_card(collect(layout, study, dataset))
                bold = re.search(r"\*\*(.*?)\*\*", card)[1]
                assert advice.verdict(comparison).startswith(bold)
                (block,) = summarise(layout, "made_up", [dataset], {})
                yield comparison, bold, " ".join(block.lines()[:2])


def test_what_speaks_against_a_choice_comes_first(made_up):
    """A test set that contradicts, and a simple baseline that is as good."""
    contradicted, rivalled = 0, 0
    for comparison, sentence, in_terminal in first_sentences(made_up):
        champion = comparison.recommended.result.test
        baselines = comparison.baselines.values()
        sign = 1 if comparison.metric.direction == "lower" else -1
        best = min((sign * score for score in baselines), default=math.inf)
        rivals = best <= sign * champion.mean + comparison.margin
        contradicts = champion.risk is not None and champion.risk.chance < CONTRADICTED
        for text in (sentence, in_terminal):
            assert bool(re.search("simple baseline .* is (as good|better)", text)) == rivals, text
            assert ("test set contradicts" in text) == contradicts, text
        contradicted, rivalled = contradicted + contradicts, rivalled + rivals
    assert contradicted >= 1
    assert rivalled >= 2


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (0.95, "is better than every candidate"),
        (0.6, "is better than gru-8 by more than the margin"),
        (0.51, "is as good as gru-8, within the margin"),
        (0.49, "is as good as gru-8, within the margin"),
        (0.47, ""),
    ],
)
def test_baseline_is_said_to_be_as_good_as_it_is(made_up, score, said):
    """The champion has 0.5 on the test set, another candidate 0.7, and the margin is 0.02."""
    comparison = read_comparison(made_up.comparison("turned"))
    rivalled = replace(comparison, baselines={"worst": 0.1, "simple": score})
    told = f"the simple baseline simple ({score}) {said}"
    assert advice.as_good(rivalled) == (told if said else "")


@pytest.mark.parametrize("score", [0.88, 0.92])
def test_baseline_that_is_a_margin_apart_is_within_the_margin(made_up, score):
    """0.9 - 0.88 is a little more than 0.02, as computers have it, and so is 0.92 - 0.9."""
    comparison = read_comparison(made_up.comparison("turned"))
    means, margin = {"memoryless-8": 0.5, "gru-8": 0.9, "lstm-8": 0.95}, comparison.margin
    assert abs(score - means["gru-8"]) > margin
    candidates = {
        name: replace(one, test=replace(one.test, mean=means[name]))
        for name, one in comparison.candidates.items()
    }
    found = replace(comparison, candidates=candidates, baselines={"simple": score})
    assert advice.as_good(found) == (
        f"the simple baseline simple ({score}) is as good as gru-8, within the margin"
    )
    equal = replace(found, baselines={"simple": 0.95 + 1e-16 * (score > 0.9)})
    assert "better than gru-8 by more than the margin" in advice.as_good(equal)


def test_candidate_that_was_left_out_is_named(made_up):
    """Its one score is better, but most of its trainings failed; no chance covers it."""
    lost = read_comparison(made_up.comparison("one_lost"))
    told = "lstm-8 is left out, since at least half of its trainings diverged."
    assert told in advice.evidence(lost)
    both = {**lost.candidates, "mgu-8": lost.candidates["lstm-8"]}
    assert advice.left_out(replace(lost, candidates=both)) == (
        "lstm-8 and mgu-8 are left out, since at least half of the trainings of each diverged."
    )
    for name in ("one_left", "close", "prices"):
        assert advice.left_out(read_comparison(made_up.comparison(name))) == ""


def test_one_training_is_not_called_several(made_up):
    lone = read_comparison(made_up.comparison("lone"))
    effort = replace(lone.effort, trainings=1, looks=(1,), most=1, at_equal_seeds=1)
    assert advice.effort(replace(lone, effort=effort)) == (
        "It took 1 training, with a look after 1 random seed."
    )
    seeds = lone.candidates["gru-8"].seeds[:1]
    assert words.outcome(replace(lone.candidates["gru-8"], seeds=seeds)) == "1 of 1 seed"


def test_size_says_how_far_weights_are_from_their_budget():
    found = SimpleNamespace(sizes=("0.25", "equal"), deviations={"0.25": -0.0123}, num_layers=1)
    assert words.size(found) == "0.25 (-1.2%), equal"
    assert words.size(replaced(found, num_layers=3)) == "0.25 (-1.2%), equal, 3 layers"


def replaced(found, **changes):
    return SimpleNamespace(**vars(found) | changes)


def test_units_are_those_of_each_layer():
    found = SimpleNamespace(hidden_size=1200, num_layers=1)
    assert words.units(found) == "1,200 units"
    assert words.units(replaced(found, num_layers=2)) == "2 layers of 1,200 units"


def test_page_says_which_figures_lack_a_candidate(made_up):
    page, _ = texts(made_up)
    assert "Without a score, since every seed diverged: lstm-8." in page
    assert "Lines end where a training diverged: lstm-8 (4 of 5 seeds; seed 3 diverged" in page
    assert "Not compared: lstm-8 (4 of 5 seeds; seed 3 diverged at epoch 2)." in page
    assert "gru-8 falls to 0.016 of it at lag 39" in page
    assert "lstm-8 was not measured, since its training diverged" in page
    assert "memoryless-8 has none beyond lag 0" in page
    assert "not drawn: gru-8, lstm-16, memoryless-8." in page


def test_markup_in_the_data_is_text(made_up):
    report(made_up, read_study(made_up.folder))
    page = made_up.page.read_text()
    assert "<script" not in page
    assert "&lt;script&gt;document.title" in page
    assert "<b>bold" not in page
    assert "price in $ of tea &lt;i&gt;$&lt;/i&gt;" in page


def test_numbers_have_four_digits_and_counts_have_commas(made_up):
    page, markdown = texts(made_up)
    mean = read_json(made_up.metrics)["prices"]["candidates"]["gru-16"]["mean"]
    assert f"gru-16 has mse {mean:.4g} on the test set" in page
    for text in (page, markdown):
        assert "39,488" in text
        assert "12,345" in text, "steps of tuning"
        assert "learning_rate = 0.001235" in text


def test_report_of_nothing_is_a_report(made_up, build_study, tmp_path):
    layout = build_study(tmp_path / "none", {"later": None, "bare": None}, ("gru",))
    page, markdown = texts(layout)
    assert "Not compared yet: bare, later." in markdown
    assert page.count("Not compared yet: not trained:") == 2
    assert read_json(layout.metrics) == {}


@pytest.mark.usefixtures("draw_anew")
def test_page_is_light(build_study, every_case, tmp_path):
    """A dataset of each kind: 12 candidates, 5 seeds, 200 epochs, and the largest examples."""
    kinds = [every_case[name] for name in ("letters", "prices", "sounds", "phrases")]
    cells = ["gru", "lstm", "mgu", "gru_reset_after", "lstm_layernorm", "lstm_peephole"]
    scores = {cell: 0.5 + 0.05 * i for i, cell in enumerate(cells)}
    large = {"scores": scores, "sizes": (64, 128), "seeds": 5, "epochs": 200, "diverged": {}}
    datasets = {
        f"dataset_{i}": type(kind)(**(vars(kind) | large | {"noise": 0.01}))
        for i, kind in enumerate(kinds)
    }
    layout = build_study(tmp_path / "large", datasets)
    report(layout, read_study(layout.folder))
    assert layout.page.read_text().count("<svg") >= 4 * len(kinds)
    assert layout.page.stat().st_size < MOST_BYTES_OF_A_DATASET * len(kinds)


@pytest.mark.usefixtures("draw_anew")
def test_report_is_the_same_bytes_each_time(made_up, build_study, every_case, tmp_path):
    report(made_up, read_study(made_up.folder))
    elsewhere = build_study(tmp_path / "elsewhere", every_case)
    report(elsewhere, read_study(elsewhere.folder))
    assert digest_of(elsewhere.reports) == digest_of(made_up.reports)
    compared = sum(data is not None for data in every_case.values())
    assert len(list(made_up.reports.rglob("*.*"))) == 4 + 3 * compared
