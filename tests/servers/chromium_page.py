"""A headless Chromium that is asked over its DevTools protocol."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from websockets.sync.client import connect

CHROMIUM = shutil.which("chromium")

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
  const SHOWN = {opacityProperty: true, visibilityProperty: true};
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const words = texts.currentNode.textContent.trim();
    if (!words || !element.checkVisibility(SHOWN) || !element.getClientRects().length) continue;
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


class Page:
    """A page of a browser that is asked over its DevTools protocol.

    Attributes:
        events: The browser's events since the page was opened.
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
        """Open a file or address as if on a screen of a width, in light or dark colours."""
        device = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", **device)
        media = [{"name": "prefers-color-scheme", "value": colours}]
        self.ask("Emulation.setEmulatedMedia", features=media)
        self.events.clear()
        address = path if isinstance(path, str) else path.as_uri()
        self.ask("Page.navigate", url=address)
        self.wait_for(f"document.readyState === 'complete' && location.href === '{address}'")
        return self

    def wait_for(self, expression):
        """Wait until an expression is true in the page, and return what it comes to."""
        deadline = time.monotonic() + 60
        while not (found := self.value(expression)):
            assert time.monotonic() < deadline, f"it never came: {expression}"
            time.sleep(0.01)
        return found

    def value(self, expression):
        """Value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def troubles(self):
        """Errors in the page's console."""
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


@contextmanager
def chromium(folder: Path, *more: str) -> Iterator[Page]:
    """A page of a browser of its own, which keeps its files in a folder, with more flags."""
    flags = [*more, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
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
