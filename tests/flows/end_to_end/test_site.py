"""The documentation as it is built, and as a browser shows it."""

import os
import re
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler
from itertools import product
from pathlib import Path

import pytest
from chromium_page import CHROMIUM, CONTRASTS, chromium
from silent_http import answering_as

from flows.commands.main import app
from rnn_core.cells import REGISTRY

REPOSITORY = Path(__file__).parents[3]
PAGES = ("index", "api", "cli", "compiler", "concepts/decision", "guides/data", "results")
LOOKS = list(product((360, 1200), ("light", "dark")))
ASSET = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=\"?(https?:[^\s\">]+)")
OVER_THE_EDGE = """
[...document.querySelectorAll('text')].filter((text) => {
  const {x, y, width, height} = text.getBBox();
  const boxes = [...document.querySelectorAll('g rect')].map((box) => box.getBBox()).filter((box) =>
    box.y < y && y + height < box.y + box.height && box.x < x + width && x < box.x + box.width);
  return boxes.some((box) => x < box.x + 5 || x + width > box.x + box.width - 5);
}).map((text) => text.textContent)
"""
"""Texts of a drawing that leave or touch the box that they are in."""
WIDE = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Where the site is built, without a warning."""
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(place)],
        cwd=REPOSITORY,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return place


@pytest.fixture(scope="module")
def address(site):
    with answering_as(SimpleHTTPRequestHandler, directory=site) as found:
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


def pages_of(site):
    return {str(file.relative_to(site)): file.read_text() for file in site.rglob("*.html")}


def test_no_page_loads_anything_from_the_network(site):
    pages = pages_of(site)
    assert len(pages) > 25
    assert [(name, found) for name, page in pages.items() for found in ASSET.findall(page)] == []
    styles = "".join(file.read_text() for file in site.rglob("*.css"))
    assert re.findall(r"url\(['\"]?https?:|@import", styles) == []


def test_every_picture_has_a_text(site):
    pictures = [
        found for page in pages_of(site).values() for found in re.findall("<img[^>]*>", page)
    ]
    assert len(pictures) >= 2
    assert all(re.search(r'alt="[^"]{20,}"', picture) for picture in pictures)


def test_texts_of_the_drawing_fit_into_their_boxes(browser):
    browser.open(REPOSITORY / "docs/images/how-it-works.svg")
    assert browser.value("document.querySelectorAll('text').length") == 18
    assert browser.value(OVER_THE_EDGE) == []


def test_pages_that_are_made_have_every_cell_and_command(site):
    cells, commands = ((site / f"{name}.html").read_text() for name in ("cells", "cli"))
    assert all(f'<h2 id="{cell}">' in cells for cell in REGISTRY)
    names = [one.name or one.callback.__name__ for one in app.registered_commands]
    assert all(f"gatewise {name.replace('_', '-')}</code>" in commands for name in names)


def test_compiler_page_follows_the_cell_to_its_code(site):
    text = re.sub(r"<[^>]+>", "", (site / "compiler.html").read_text())
    order = ["class RNNTanh", "v2 = tanh(v1)", "saved 0", "tanh_(v0_0)", "tl.load"]
    places = [text.find(part) for part in order]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("page", PAGES)
def test_page_can_be_read_on_any_screen(browser, address, page):
    for width, colours in LOOKS:
        browser.open(f"{address}/{page}.html", width, colours)
        scheme = browser.wait_for("document.body.getAttribute('data-md-color-scheme')")
        assert scheme == {"light": "default", "dark": "slate"}[colours]
        seen = browser.value(CONTRASTS)
        low = [text for text in seen if not text["isDrawn"] and text["contrast"] < 4.5]
        assert len(seen) > 100
        assert not low, (width, colours, low[:10])
        assert not browser.value(WIDE), (width, colours)
        assert browser.troubles() == []
        assert all(asked.startswith(("http://127.0.0.1", "data:")) for asked in browser.requests())


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("served", [True, False])
def test_search_finds_a_page(browser, site, address, served, width):
    """From a server, and from the file system, as `make docs` says."""
    browser.open(f"{address if served else site.as_uri()}/index.html", width)
    field = "document.querySelector('input.md-search__input')"
    browser.value("document.querySelector('label[for=__search].md-header__button').click()")
    browser.wait_for(f"{field}.checkVisibility({{visibilityProperty: true}})")
    browser.value(
        f"{{const e = {field}; e.focus();"
        "e.value = 'successive halving'; e.dispatchEvent(new Event('input', {bubbles: true}));"
        "e.dispatchEvent(new KeyboardEvent('keyup', {bubbles: true})); 1}"
    )
    found = "[...document.querySelectorAll('.md-search-result__link')].map((e) => e.href).join()"
    assert "guides/tuning.html" in browser.wait_for(found)
    assert browser.troubles() == []
