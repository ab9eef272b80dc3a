"""The page as a browser shows it, on phones and screens, in the light and in the dark."""

import json
import re
import shutil
import subprocess
import time
from itertools import product

import httpx
import pytest
from websockets.sync.client import connect

from flows.report import advice
from flows.stages.report import report
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import read_json
from rnn_core.study import read_study

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

CONTRASTS = """
(() => {
  const parts = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    return numbers.length > 3 ? numbers : [...numbers.slice(0, 3), 1];
  };
  const over = (top, below) =>
    [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const background = (element) => {
    if (!element) return [255, 255, 255, 1];
    const own = getComputedStyle(element).backgroundColor;
    if (!/^rgba?\\(/.test(own)) throw new Error(`cannot read ${own}`);
    return over(parts(own), background(element.parentElement));
  };
  const opacity = (element) =>
    element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1;
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const words = texts.currentNode.textContent.trim();
    if (!words || !element.checkVisibility() || !element.getClientRects().length) continue;
    const isDrawn = element instanceof SVGElement;
    const style = getComputedStyle(element);
    const colour = parts(isDrawn ? style.fill : style.color);
    colour[3] *= opacity(element);
    const below = background(element);
    const [one, other] = [luminance(over(colour, below)), luminance(below)];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    found.push({words, contrast, isDrawn});
  }
  return found;
})()
"""

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


class Page:
    """A page of a browser that is asked over its DevTools protocol.

    Attributes:
        events: What the browser told of since the page was opened.
    """

    def __init__(self, socket):
        self.socket = socket
        self.events = []
        self.number = 0
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method, **parameters):
        """The answer to a command."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=60))
            if message.get("id") == self.number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def open(self, path, width=1200, colours="light"):
        """Open a file as if on a screen of a width, in light or dark colours."""
        device = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", **device)
        media = [{"name": "prefers-color-scheme", "value": colours}]
        self.ask("Emulation.setEmulatedMedia", features=media)
        self.events.clear()
        self.ask("Page.navigate", url=path.as_uri())
        deadline = time.monotonic() + 60
        ready = f"document.readyState === 'complete' && location.href === '{path.as_uri()}'"
        while not self.value(ready):
            assert time.monotonic() < deadline, "the page did not load"
        return self

    def value(self, expression):
        """What an expression comes to in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def troubles(self):
        """What stands in the console in red."""
        return [event for event in self.events if is_trouble(event["method"], event["params"])]

    def requests(self):
        """Addresses that the page asked for."""
        sent = [e for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return {event["params"]["request"]["url"] for event in sent}


def is_trouble(method, told):
    if method == "Log.entryAdded":
        return told["entry"]["level"] == "error"
    wrong = method == "Runtime.consoleAPICalled" and told["type"] in {"error", "assert"}
    return wrong or method == "Runtime.exceptionThrown"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A page of a browser of its own, which ends with the module."""
    folder = tmp_path_factory.mktemp("chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    process = subprocess.Popen(
        [CHROMIUM, *flags, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = wait_for_port(folder / "DevToolsActivePort", process)
        targets = httpx.get(f"http://127.0.0.1:{port}/json/list").json()
        (address,) = [t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page"]
        with connect(address, max_size=None) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for_port(file, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "chromium ended"
        if file.exists() and (lines := file.read_text().split()):
            return lines[0]
        time.sleep(0.1)
    raise AssertionError("chromium did not open its port")


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
        (row,) = [row for row in rows if re.match(rf"{name}\s", row)]
        assert (brief["champion"] or "No cell can be recommended") in row
        assert brief["decision"] in row
        sentence = page.value(
            f"document.querySelector('.decisions a[href=\"#{name}\"]')"
            ".closest('tr').lastElementChild.textContent"
        )
        assert sentence == advice.sentence(read_comparison(layout.comparison(name)))
        assert page.value(f"{VISIBLE}({json.dumps(sentence)})"), sentence


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
    cut = page.value(
        "[...document.querySelectorAll('svg text')].filter(t => {"
        "const [a, b] = [t.getBoundingClientRect(), t.closest('svg').getBoundingClientRect()];"
        "return a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || "
        "a.bottom > b.bottom + 1}).map(t => t.textContent)"
    )
    assert not cut
