"""Networks without a recurrence in the report, and its explanation of every term of a decision."""

import re
from dataclasses import replace
from html import unescape

import pytest
from report_texts import texts

from flows.report import advice, recurrence, settling
from flows.report.glossary import GLOSSARY
from flows.running.summary import summarise
from flows.stages.report import report
from rnn_core.comparison.candidates import SeedResult
from rnn_core.comparison.ensembles import EnsembleResult, EnsembleScores
from rnn_core.comparison.networks import Beside, ReferenceResult
from rnn_core.comparison.outcome import Need, read_comparison, write_comparison
from rnn_core.comparison.race import HOPELESS, SAFE
from rnn_core.comparison.verdict import CONTRADICTED
from rnn_core.study import read_study
from rnn_core.training.run_folder import Cost


def network(test, validation=0.0, error=0.1, mean=0.5):
    """A reference network that is worse than the champion by `mean` margins."""
    stands = {"mean": mean, "std": None}
    return ReferenceResult(
        cell="tcn",
        hidden_size=9,
        sizes=("lstm-8",),
        deviations={"lstm-8": 0.01},
        cost=Cost(parameters=9, recurrent_parameters=0, multiply_accumulates=9),
        seeds=(SeedResult(seed=0, epochs=1, steps=1, validation=mean, test=mean),),
        validation=Beside(**stands | {"mean": validation}, worse_by=0.0, error=error),
        test=Beside(**stands, worse_by=test, error=error),
        others={},
    )


NETWORKS = [
    (
        -3.0,
        0.1,
        "A recurrence is not needed here: {}, which has none, is 3 ± 0.1 margins bet",
        2,
    ),
    (-0.4, 0.1, "A recurrence is not needed here: {}, which has none, is 0.4 ± 0.1 margins bet", 1),
    (0.0, 0.1, "A recurrence is not needed here: {}, which has none, is as good as gru-8 o", 1),
    (1.0, 0.1, "A recurrence is not needed here: {}, which has none, is 1 ± 0.1 margins worse", 1),
    (1 + 1e-14, 0.1, "A recurrence is not needed here: {}, which has none, is 1 ± 0.1 margins", 1),
    (1.1, 0.1, "A recurrence is probably needed here: {}, the best without one on the v", 0),
    (1.3, 0.1, "A recurrence is needed here: {}, the best without one on the validation", 0),
    (2.0, None, "A recurrence is probably needed here: {}, the best without one on the v", 0),
]
IN_TERMINAL = {
    0: "",
    1: "tcn-9, which has no recurrence (0.5), is as good as gru-8, within the margin",
    2: "tcn-9, which has no recurrence (0.5), is better than gru-8 by more than the margin",
}


@pytest.mark.parametrize(("worse_by", "error", "said", "how"), NETWORKS)
def test_whether_a_recurrence_is_needed_follows_from_the_best_network(
    made_up, worse_by, error, said, how
):
    """The best on the validation set, which another is on the test set."""
    comparison = read_comparison(made_up.comparison("sounds"))
    sign = 1 if comparison.metric.direction == "lower" else -1
    networks = {
        "linear-3": network(-9.0 if how == 0 else 9.0, validation=2.0 * sign),
        "tcn-9": network(worse_by, validation=1.0 * sign, error=error),
        "lost": network(None, validation=None, error=None, mean=None),
    }
    found = replace(comparison, references=networks)
    assert recurrence.needed(found).startswith(said.format("tcn-9"))
    assert recurrence.as_good(found) == IN_TERMINAL[how]
    rows = recurrence.table(found).rows
    assert [row[0] for row in rows] == ["tcn-9", "linear-3", "lost"]
    assert rows[0][4] == ("0 ± 0.1 margins apart" if error else "0 margins apart")
    write_comparison(made_up.comparison("sounds"), found)
    (block,) = summarise(made_up, "made_up", ["sounds"], {})
    assert (f"but: {IN_TERMINAL[how]}" in block.lines()) == bool(how)
    report(made_up, read_study(made_up.folder))
    assert said.format("tcn-9") in unescape(made_up.page.read_text())
    assert said.format("tcn-9") in (made_up.reports / "report.md").read_text()


def test_where_nobody_asked_for_networks_nothing_is_said_of_them(made_up):
    comparison = read_comparison(made_up.comparison("sounds"))
    assert recurrence.needed(comparison) == recurrence.as_good(comparison) == ""
    assert recurrence.table(comparison) is None
    report(made_up, read_study(made_up.folder))
    assert "Without a recurrence" not in made_up.page.read_text()


def test_networks_without_a_champion_stand_below_a_sentence(made_up):
    """As where every candidate diverged."""
    place = made_up.comparison("lost")
    comparison = read_comparison(place)
    assert comparison.recommended is None
    networks = {"tcn-9": network(None, error=None)}
    write_comparison(place, replace(comparison, references=networks))
    report(made_up, read_study(made_up.folder))
    said = "Whether a recurrence is needed is not known: no candidate has a score."
    page, text = made_up.page.read_text(), (made_up.reports / "report.md").read_text()
    assert f"<summary>{recurrence.TITLE}</summary>\n<p>{said}</p>" in page
    assert not re.search(r"<p>\s*</p>", page)
    assert f"### {recurrence.TITLE} on lost\n\n{said}\n\n| network |" in text


def with_networks(layout):
    """Comparisons with every outcome of networks."""
    comparison = read_comparison(layout.comparison("sounds"))
    for worse_by, error, *_ in NETWORKS:
        yield replace(comparison, references={"tcn-9": network(worse_by, error=error)})
    yield replace(comparison, references=None)
    yield replace(comparison, references={"tcn-9": network(None, None, None, None)})
    chosen = replace(comparison.decision, recommended="memoryless-8")
    yield replace(comparison, decision=chosen, references={"tcn-9": network(0.0)})


def what_may_be_said(layout):
    """All that the report says of a dataset in sentences."""
    for name in read_study(layout.folder).datasets:
        if layout.comparison(name).exists():
            comparison = read_comparison(layout.comparison(name))
            yield advice.verdict(comparison)
            yield from advice.evidence(comparison)
            yield advice.because(comparison)
    for comparison in with_networks(layout):
        yield recurrence.needed(comparison)
        yield recurrence.as_good(comparison)
    close = read_comparison(layout.comparison("close"))
    few = replace(close.evidence["validation"], clusters=4, telling=3, smallest=0.5)
    yield from advice.cautions(replace(close, evidence={"validation": few}))
    scores = EnsembleScores(
        cell="lstm", hidden_size=8, seeds=(0, 1, 2), validation=0.8, test=0.8, others={}
    )
    for registered in (True, False):
        ensemble = EnsembleResult(
            scores=scores, better_by=0.1, p_value=0.01, trainings=2, registered=registered
        )
        yield advice.together(replace(close, ensemble=ensemble))
    needs = [None, Need(seeds=9, items=4.0, least=2.0, most=None)]
    for need in needs:
        yield settling.needed(replace(close, decision=replace(close.decision, need=need)))


PLAIN = """
    here kind known left whether
    a about above after an and apart are as at be below better between both but by can close cheaper
    chose decide differ disagree else end even every few for good half harder hardly has have higher
    is it its just like lower magnitude may more most needed no not now of on one only open or order
    other others probably recommended same sets settle since so some spent stayed stretches take
    taken takes than that the them they these this three time times to together too took two twice
    costs run use vary voices was were where which with would
"""


UNLIKELY = "even 32 times the random seeds and the items would hardly settle it"
SEEDS_ALONE = "even 32 times the random seeds would hardly settle it"


@pytest.mark.parametrize(
    ("clusters", "need", "said"),
    [
        (40, None, UNLIKELY),
        (None, None, SEEDS_ALONE),
        (40, (4.0, 2.0, None), "may take between 2 and more than 1,000 times what was spent"),
        (None, (1.0, 1.5, None), "may take between 1.5 and more than 32 times what was spent"),
        (40, (2.0, 2.0, 2.0), "may take 2 times what was spent"),
    ],
)
def test_what_would_settle_it_names_what_was_tried(made_up, clusters, need, said):
    """Seeds with items of their own have no more items than there are seeds."""
    close = read_comparison(made_up.comparison("close"))
    seen = replace(close.evidence["validation"], clusters=clusters)
    names = ("items", "least", "most")
    need = need and Need(seeds=9, **dict(zip(names, need, strict=True)))
    decision = replace(close.decision, need=need)
    text = settling.needed(replace(close, decision=decision, evidence={"validation": seen}))
    assert said in text


@pytest.mark.parametrize(("smallest", "said"), [(0.001, True), (None, False)])
def test_items_are_not_said_to_be_alike_for_a_candidate_that_was_left_alone(
    made_up, smallest, said
):
    close = read_comparison(made_up.comparison("close"))
    alike = replace(close.evidence["validation"], clusters=40, telling=0, smallest=smallest)
    found = advice.cautions(replace(close, evidence={"validation": alike}))
    told = "The candidates that stayed to the end differ on only 0 of 1,500 validation items"
    assert [text.startswith(told) for text in found] == [True] * said


@pytest.mark.parametrize(
    ("clusters", "items", "said"),
    [
        (1, 1, "The validation set has only 1 item:"),
        (3, 3, "The validation set has only 3 items:"),
        (3, 80, "The validation set has only 3 groups of items that vary independently (voices,"),
        (1, 80, "All validation items belong to one group (a voice, a stretch of a series). They"),
    ],
)
def test_few_items_are_not_called_groups_where_each_is_one(made_up, clusters, items, said):
    close = read_comparison(made_up.comparison("close"))
    few = replace(close.evidence["validation"], clusters=clusters, telling=20, smallest=0.0)
    sizes = close.items | {"validation": items}
    (found,) = advice.cautions(replace(close, evidence={"validation": few}, items=sizes))
    assert found.startswith(said)
    assert ("voice" in found) == (items == 80)


TERMS = {
    *("candidate", "training", "random seed", "item", "validation set", "test set", "margin"),
    *("chance", "expected loss", "decided", "open", "look", "ensemble", "simple baseline"),
}
"""Words that are not everyday words, or mean more here."""


def test_every_term_of_a_decision_is_explained_on_the_page(made_up):
    _, markdown = texts(made_up)
    page = unescape(made_up.page.read_text())
    terms = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page.split("<section")[0])
    assert dict(terms) == GLOSSARY
    assert all(f"- *{term}*: {meaning}" in markdown for term, meaning in terms)
    explained = set(re.findall("[a-z]+", " ".join(map(" ".join, terms)).lower()))
    known = {*explained, *(f"{word}s" for word in explained), *PLAIN.split()}
    names = r"\w+-(?:\d+x)?\d+|\bbaseline \w+|[\d.]+ (?:accuracy|mse)|(?:accuracy|mse) [\d.]+"
    assert set(", ".join(term for term, _ in terms).split(", ")) >= TERMS
    for text in what_may_be_said(made_up):
        words = re.findall("[a-z]+", re.sub(names, "", text).lower())
        assert set(words) <= known, text


def test_numbers_of_the_explanations_are_those_of_the_race(made_up):
    _, markdown = texts(made_up)
    explained = dict(re.findall(r"^- \*(.*?)\*: (.*)$", markdown, re.MULTILINE))
    percent = {what: re.findall(r"[\d.]+ %", text) for what, text in explained.items()}
    shown = [f"{100 * share:g} %" for share in (SAFE, CONTRADICTED, HOPELESS)]
    assert percent["decided, open"] == shown[:2]
    assert percent["look"] == shown[2:]
    assert shown[0] == advice.NEEDED
