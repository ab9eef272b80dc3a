"""A web server of a test, on loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def answering_as(handler: type[BaseHTTPRequestHandler], **options: Any) -> Iterator[str]:
    """Answer requests, and log none; yields the address without a slash at its end.

    Args:
        handler: Says what the answers are.
        options: Further arguments for it.
    """

    class Silent(handler):  # type: ignore[misc, valid-type]  # a class that was handed over
        def log_message(self, *arguments: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, **options)) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(timeout=30)
