"""The page as a browser shows it, on phones and screens, in the light and in the dark."""

import json
import re
from itertools import product

import pytest
from chromium_page import CHROMIUM, CONTRASTS, chromium

from flows.report import words
from flows.report.answer import answer
from flows.stages.report import report
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import read_json
from rnn_core.study import read_study

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

VISIBLE = """
((words) => {
  const [element] = [...document.querySelectorAll("td, p")].filter(
    (candidate) => candidate.textContent.trim() === words
  );
  const box = element?.getBoundingClientRect();
  return Boolean(element?.checkVisibility({opacityProperty: true, visibilityProperty: true}))
    && box.width > 0 && box.left >= 0 && box.right <= innerWidth;
})
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A page of a browser of its own, which ends with the module."""
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture(scope="module")
def layout(build_study, every_case, tmp_path_factory):
    """The study with every way it can go wrong, reported."""
    layout = build_study(tmp_path_factory.mktemp("study"), every_case)
    report(layout, read_study(layout.folder))
    return layout


LOOKS = list(product((360, 1200), ("light", "dark")))


@pytest.mark.parametrize(("width", "colours"), LOOKS)
def test_decision_of_every_dataset_is_in_sight(browser, layout, every_case, width, colours):
    page = browser.open(layout.page, width, colours)
    metrics = read_json(layout.metrics)
    rows = page.value("[...document.querySelectorAll('.decisions tbody tr')].map(r => r.innerText)")
    assert len(rows) == len(every_case)
    for name, brief in metrics.items():
        comparison = read_comparison(layout.comparison(name))
        (row,) = [row for row in rows if re.match(rf"{name}\s", row)]
        found = answer(comparison)
        assert (brief["recommended"] or "no cell to recommend") in row
        assert ("(decided)" in row) == (brief["decision"] == "decided" and found.share is not None)
        assert all(line in row for line in (found.headline, *found.but, found.scores))
        own = comparison.registered_scores
        told = re.search(r"Registered: .*, ([-\d.e+]+) on the test set", row)
        assert (told is None) == (own is None)
        assert told is None or float(told[1]) == pytest.approx(own.test, rel=1e-3)
        told = page.value(
            f"document.querySelector('.decisions a[href=\"#{name}\"]')"
            ".closest('tr').lastElementChild.textContent"
        ).strip()
        share = found.share
        assert told == ("not known" if share is None else words.chance_of(share))
        assert page.value(f"{VISIBLE}({json.dumps(told)})"), told


@pytest.mark.parametrize(("width", "colours"), LOOKS)
def test_risk_is_a_bar_as_long_as_the_risk(browser, layout, width, colours):
    """And has the same in words, for readers who do not see it."""
    page = browser.open(layout.page, width, colours)
    bars = page.value(
        "[...document.querySelectorAll('.risk .bar')].map(b => [b.getAttribute('role'), "
        "b.getAttribute('aria-label'), b.firstElementChild.getBoundingClientRect().width / "
        "b.clientWidth])"
    )
    study = read_study(layout.folder)
    there = [name for name in study.datasets if layout.comparison(name).exists()]
    answers = {name: answer(read_comparison(layout.comparison(name))) for name in there}
    known = {name: one.share for name, one in answers.items() if one.share is not None}
    assert len(bars) == len(known) >= 8
    for (role, label, long), (name, share) in zip(bars, known.items(), strict=True):
        assert role == "img"
        assert label == f"risk on {name}: {words.chance_of(share)}"
        assert abs(long - share) < 0.02
    assert max(known.values()) > 0.1, "all bars are empty"


@pytest.mark.parametrize("width", [360, 1200])
def test_first_come_answers_then_cost_and_the_rest_is_folded(browser, layout, width):
    page = browser.open(layout.page, width)
    order = page.value(
        "['.decisions', '.first', 'section'].map(s => "
        "document.querySelector(s).getBoundingClientRect().top)"
    )
    assert order == sorted(order)
    shown = page.value(
        "[...document.querySelectorAll('svg, table, dl, pre')].filter(e => e.checkVisibility())"
        ".map(e => e.className.baseVal === undefined ? e.className : 'svg ' + "
        "(e.closest('.small') ? 'cost' : 'other'))"
    )
    assert shown[0] == "decisions"
    assert set(shown[1:]) == {"svg cost"}


@pytest.mark.parametrize(("width", "colours"), LOOKS)
def test_page_brings_no_trouble_and_asks_nobody(browser, layout, width, colours):
    page = browser.open(layout.page, width, colours)
    page.value("document.body.offsetHeight")
    assert not page.troubles()
    asked = {url for url in page.requests() if not url.startswith("data:,")}
    assert asked == {layout.page.as_uri()}
    assert page.value("document.title") == "Which cell to use: made_up", "markup was let in"


@pytest.mark.parametrize("details", ["false", "true"])
@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_screen(browser, layout, width, details):
    page = browser.open(layout.page, width)
    page.value(f"document.querySelectorAll('details').forEach(d => {{ d.open = {details} }})")
    assert page.value("document.scrollingElement.scrollWidth") <= width
    assert page.value("innerWidth") == width, "the page was zoomed out to fit"


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_all_text_can_be_told_from_what_is_behind_it(browser, layout, colours):
    page = browser.open(layout.page, 1200, colours)
    page.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    found = page.value(CONTRASTS)
    assert len(found) > 1000
    assert sum(text["isDrawn"] for text in found) > 300
    assert not [text for text in found if text["contrast"] < 4.5]


def test_dark_and_light_are_different(browser, layout):
    looks = {}
    for colours in ("light", "dark"):
        page = browser.open(layout.page, 1200, colours)
        looks[colours] = page.value(
            "['body', 'svg text'].map(s => getComputedStyle(document.querySelector(s)))"
            ".map((style, i) => i ? style.fill : style.backgroundColor)"
        )
    assert looks == {
        "light": ["rgb(255, 255, 255)", "rgb(31, 35, 40)"],
        "dark": ["rgb(20, 23, 26)", "rgb(230, 233, 236)"],
    }


def test_every_picture_says_what_it_shows(browser, layout):
    page = browser.open(layout.page)
    pictures = page.value(
        "[...document.querySelectorAll('svg')].map(s => "
        "[s.getAttribute('role'), s.getAttribute('aria-label'), "
        "s.closest('figure').querySelector('figcaption').textContent])"
    )
    assert len(pictures) > 20
    for role, label, caption in pictures:
        assert role == "img"
        assert label.endswith(caption)
        assert re.search(r"(gru|lstm|memoryless)-\d+ ", label), label


def test_text_of_the_page_stays_inside_its_pictures(browser, layout):
    page = browser.open(layout.page)
    page.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    cut = page.value(
        "[...document.querySelectorAll('svg text')].filter(t => {"
        "const [a, b] = [t.getBoundingClientRect(), t.closest('svg').getBoundingClientRect()];"
        "return a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || "
        "a.bottom > b.bottom + 1}).map(t => t.textContent)"
    )
    assert not cut
