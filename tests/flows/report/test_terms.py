"""A word of the report has one meaning, that of its glossary."""

import re
from dataclasses import replace

import pytest

from flows.report.advice import verdict
from flows.report.card import model_card
from flows.report.details import collect
from flows.report.glossary import GLOSSARY
from flows.stages.report import report
from rnn_core.comparison.outcome import read_comparison
from rnn_core.metric import Metric
from rnn_core.study import read_study

WORDS = re.compile(r'<dl class="facts">.*?</dl>', re.DOTALL)
CODE = re.compile(r"<(style|script|pre|code)\b.*?</\1>|```.*?```|`[^`]*`|\S+@\S+", re.DOTALL)


@pytest.fixture(scope="module")
def layout(build_study, every_case, tmp_path_factory):
    layout = build_study(tmp_path_factory.mktemp("study"), every_case)
    report(layout, read_study(layout.folder))
    return layout


def prose(text):
    """The text that a reader sees, without code and without the glossary."""
    return re.sub(r"<[^>]*>", " ", CODE.sub("", WORDS.sub("", text, count=1)))


def test_score_has_its_name_its_unit_and_which_way_is_better(layout):
    found = read_comparison(layout.comparison("sounds"))
    rate = Metric("error_rate", "edits per symbol", "lower")
    mean = found.recommended.result.test.mean
    named = "gru-8 has error rate {:.4g} on the test set (edits per symbol, lower is better)"
    assert named.format(mean) in verdict(replace(found, metric=rate))
    tokens = Metric("nats_per_token", "nats per token", "lower")
    named = "gru-8 has nats per token {:.4g} on the test set (lower is better)"
    assert named.format(mean) in verdict(replace(found, metric=tokens))


def test_champion_is_the_registered_model_and_nothing_else(layout, every_case):
    """The advice names a candidate; the user may have registered another model."""
    study = read_study(layout.folder)
    found = {name: layout.comparison(name) for name in every_case}
    compared = [name for name, file in found.items() if file.exists()]
    recommended = [
        name for name in compared if read_comparison(found[name]).recommended is not None
    ]
    cards = [model_card(collect(layout, study, name)) for name in recommended]
    texts = [prose(text) for text in (layout.page.read_text(), *cards)]
    assert len(texts) > 3
    assert "The ring marks the recommended one" in texts[0]
    said = [found for text in texts for found in re.findall(r".{,40}[Cc]hampion.{,40}", text)]
    assert said == []
    assert "registered" in GLOSSARY["champion"]
    assert [term for term, meaning in GLOSSARY.items() if "champion" in meaning] == []
