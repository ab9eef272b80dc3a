"""Asks an application that runs in this process, in a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from flows.serving.app import Application

BASE = "http://localhost:8000"


class Asking:
    """Sends requests to an application and waits for the answers."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(application.asgi(), raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run some work in the application's thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=120)

    def get(self, address: str, **options: Any) -> httpx.Response:
        return self.run(self.client.get(address, **options))

    def post(self, address: str, **options: Any) -> httpx.Response:
        return self.run(self.client.post(address, **options))

    def request(self, method: str, address: str, **options: Any) -> httpx.Response:
        return self.run(self.client.request(method, address, **options))

    def together(self, *work: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run several pieces of work at the same time."""

        async def all_of_it() -> list[Any]:
            return await asyncio.gather(*work)

        return self.run(all_of_it())


@contextmanager
def asking(application: Application) -> Iterator[Asking]:
    """Asks an application that lives as long as this."""
    found = Asking(application)
    thread = threading.Thread(target=found.loop.run_forever)
    thread.start()
    life = application.lifespan(None)
    try:
        found.run(life.__aenter__())
        yield found
        found.run(found.client.aclose())
        found.run(life.__aexit__(None, None, None))
    finally:
        found.loop.call_soon_threadsafe(found.loop.stop)
        thread.join(timeout=30)
        found.loop.close()
