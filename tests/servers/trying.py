"""A user who tries models on the page of a server."""

import json
import socket
import threading
from contextlib import contextmanager

import uvicorn

from flows.serving.guards import LOOPBACK


@contextmanager
def listening(application):
    """An application that listens on loopback; its address."""
    with socket.socket() as found:
        found.bind((LOOPBACK[0], 0))
        settings = uvicorn.Config(application.asgi(), log_config=None, lifespan="on")
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, args=([found],))
        thread.start()
        try:
            yield f"http://{LOOPBACK[0]}:{found.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=30)


class Trying:
    """A user who tries models on the page."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address

    def open(self, model, width=1200, colours="light"):
        self.browser.open(f"{self.address}/", width, colours)
        self.browser.wait_for("!document.querySelector('main').hidden")
        self.choose("first", model)
        return self

    def choose(self, which, model):
        self.browser.value(
            f"{{const e = document.getElementById('{which}'); e.value = {json.dumps(model)};"
            "e.dispatchEvent(new Event('change')); e.value}"
        )
        return self

    def click(self, selector):
        self.browser.value(f"document.querySelector('{selector}').click()")
        return self

    def type(self, text):
        self.browser.value("document.querySelector('#text').focus()")
        self.browser.ask("Input.insertText", text=text)
        return self

    def set(self, name, value):
        self.browser.value(f"document.querySelector('[name={name}]').value = {json.dumps(value)}")
        return self

    def ask(self):
        return self.click("#question .main")

    def upload(self, file):
        root = self.browser.ask("DOM.getDocument")["root"]["nodeId"]
        found = self.browser.ask("DOM.querySelector", nodeId=root, selector="#file")
        self.browser.ask("DOM.setFileInputFiles", nodeId=found["nodeId"], files=[str(file)])
        return self

    def answer(self, place=0):
        """The text of an answer, once it is there."""
        area = f"document.querySelectorAll('.answer')[{place}]"
        self.browser.wait_for(
            f"{area}.querySelector('.output').childElementCount && !{area}.ariaBusy"
            f" && !{area}.querySelector('.writing') && !{area}.innerText.includes('Waiting')"
        )
        return self.browser.value(f"{area}.innerText")

    def wrong(self):
        """Text of the error."""
        shown = "[...document.querySelectorAll('.wrong')].filter(e => e.checkVisibility())"
        self.browser.wait_for(f"{shown}.length")
        return self.browser.value(f"{shown}.map(e => e.textContent).join('\\n')")
