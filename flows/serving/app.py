"""The application: routes to the versions that answer now."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.staticfiles import StaticFiles
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import ASGIApp

from flows.serving.bodies import JSON, read_body, type_of, types_of
from flows.serving.desk import Desk
from flows.serving.failures import RefusedError
from flows.serving.guards import Guards, Rules, noted
from flows.serving.numbers import Numbers
from flows.serving.openapi import document
from flows.serving.shadows import Answered, Shadows
from flows.serving.shelf import Place, Shelf
from flows.serving.streaming import Stream
from flows.serving.version import Limits, Version
from flows.system.ports import Shadow

PAGE = Path(__file__).with_name("page")

FEW = 1 << 16
"""Most bytes of JSON that are read in the main thread."""


class Application:
    """Models, and the routes to them.

    Args:
        names: Models to serve; all registered ones if none is named.
        limits: Limits on requests.
        rules: Rules for requests.
        refresh: Seconds between two checks of the aliases.
        shadow: Whether challengers answer too: `answers` logs both answers, `inputs` also logs
            the inputs.
    """

    def __init__(
        self,
        names: Sequence[str],
        limits: Limits,
        rules: Rules,
        refresh: float,
        shadow: Shadow = "none",
    ) -> None:
        self.limits = limits
        self.rules = rules
        self.refresh = refresh
        self.numbers = Numbers()
        self.pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="answers")
        self.shelf = Shelf(names, limits, self.seat, self.numbers.switch, follows_all=not names)
        self.shadows: Shadows | None = None
        if shadow != "none":
            self.shadows = Shadows(limits, self.seat, with_inputs=shadow == "inputs")
        self.is_ending = False

    def seat(self, version: Version) -> Desk:
        """Make the desk of a version."""
        batches = self.numbers.batches.labels(version.name)
        return Desk(version, self.limits, self.pool, batches.observe)

    def asgi(self) -> ASGIApp:
        """The application with its guards."""
        app = FastAPI(
            title="Gatewise",
            description="Registered models, answered.",
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            lifespan=self.lifespan,
        )
        self.add_routes(app)
        app.add_exception_handler(RefusedError, refused)
        app.add_exception_handler(HTTPException, not_there)
        app.add_exception_handler(ClientDisconnect, broken_off)
        app.add_exception_handler(Exception, failed)
        return Guards(app, self.rules)

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Check the aliases as long as the server runs."""
        watch = asyncio.create_task(self.watch())
        yield
        self.is_ending = True
        if self.shadows is not None:
            await self.shadows.settled()
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        self.pool.shutdown(wait=False, cancel_futures=True)

    async def watch(self) -> None:
        """Let a version take over when an alias moves to it."""
        while True:
            await asyncio.sleep(self.refresh)
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - the current versions go on answering
                noted(error)

    async def look(self) -> None:
        """Check the aliases once."""
        await self.shelf.refresh()
        if self.shadows is not None:
            await self.shadows.refresh(self.shelf.places)

    def add_routes(self, app: FastAPI) -> None:
        """Add all routes to the application."""
        hidden: Any = {"include_in_schema": False}
        app.get("/", **hidden)(page("index.html"))
        app.get("/docs", **hidden)(page("docs.html"))
        app.mount("/page", StaticFiles(directory=PAGE), name="page")
        app.get("/health", summary="Check that the server is alive")(self.health)
        app.get("/ready", summary="Check that models can answer")(self.ready)
        app.get("/metrics", summary="Numbers for Prometheus")(self.metrics)
        app.get("/openapi.json", **hidden)(self.openapi(app))
        app.get("/models", summary="All models, with the evidence for them")(self.models)
        app.get("/models/{name}", summary="A model, with the evidence for it")(self.one_model)
        app.post("/models/{name}/predict", **hidden)(self.predict)
        app.post("/models/{name}/stream", **hidden)(self.stream)

    async def health(self) -> Response:
        """Return 200 while the server is alive."""
        return as_json({"status": "alive"})

    async def ready(self) -> Response:
        """Return 200 if models can answer, and 503 if not or while the server ends."""
        told = {"status": "ending" if self.is_ending else "ready", "models": len(self.desks())}
        return as_json(told, 503 if self.is_ending else 200)

    async def metrics(self) -> Response:
        """Numbers for Prometheus."""
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return Response(self.numbers.text(self.shelf), headers={"Content-Type": kind})

    def openapi(self, app: FastAPI) -> Any:
        """Make the route that returns the OpenAPI document."""

        async def answer() -> Response:
            plain = get_openapi(title=app.title, version="1", routes=app.routes)
            return as_json(document(plain, self.desks(), secured=self.rules.token is not None))

        return answer

    async def models(self) -> Response:
        """Describe all models."""
        return as_json({"models": [told_of(place) for place in self.shelf.places.values()]})

    async def one_model(self, name: str) -> Response:
        """Describe a model."""
        return as_json(told_of(self.place(name)))

    async def predict(self, name: str, request: Request) -> Response:
        """Answer rows of JSON, or a file."""
        desk, started = self.desk(name), time.perf_counter()
        body = await request.body()
        try:
            kind, query = request.headers.get("content-type", ""), query_of(request)
            arguments = (desk.version, self.limits, body, kind, query)
            is_small = type_of(kind) == JSON and len(body) <= FEW
            given = read_body(*arguments) if is_small else await self.in_thread(*arguments)
            rows = await desk.answer(given.table, given.parameters)
        except RefusedError as refusal:
            self.count(name, "predict", refusal.status, started)
            raise
        seconds = self.count(name, "predict", 200, started)
        if self.shadows is not None:
            asked = Answered(desk.version, given.table, given.parameters, rows, seconds)
            self.shadows.ask(name, asked)
        timing = {"Server-Timing": f"answer;dur={1000 * seconds:.3f}"}
        return as_json(desk.version.told | {"rows": rows}, headers=timing)

    async def in_thread(self, *arguments: Any) -> Any:
        """Read a large body or a file in a thread, so that other requests need not wait."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, read_body, *arguments)

    async def stream(self, name: str, request: Request) -> Response:
        """Stream a text piece by piece."""
        desk, started = self.desk(name), time.perf_counter()
        try:
            stream = await self.begin(desk, request)
        except RefusedError as refusal:
            self.count(name, "stream", refusal.status, started)
            raise
        self.count(name, "stream", 200, started)
        return StreamingResponse(stream.events(noted), media_type="text/event-stream")

    async def begin(self, desk: Desk, request: Request) -> Stream:
        """Begin to write a text.

        Raises:
            RefusedError: If the model does not write text, or the request is wrong.
        """
        version = desk.version
        if not version.streams:
            raise RefusedError(404, "this model does not write text; ask it at /predict")
        kind = request.headers.get("content-type", "")
        if type_of(kind) != JSON:
            raise RefusedError(415, f"the Content-Type must be {JSON}")
        query = query_of(request)
        given = read_body(version, self.limits, await request.body(), kind, query)
        if len(given.table) != 1:
            raise RefusedError(422, "a stream takes exactly one row")
        prompt = str(given.table[version.schema.columns[0]].iloc[0])
        stream = Stream(desk, prompt, given.parameters, self.pool)
        await stream.begin()
        return stream

    def count(self, name: str, route: str, status: int, started: float) -> float:
        """Count a request to a model, and return its time in seconds."""
        seconds = time.perf_counter() - started
        self.numbers.requests.labels(name, route, status).inc()
        self.numbers.seconds.labels(name, route).observe(seconds)
        return seconds

    def desks(self) -> dict[str, Desk]:
        """The desks of all models that could be loaded."""
        return {k: p.desk for k, p in self.shelf.places.items() if p.desk is not None}

    def place(self, name: str) -> Place:
        """Find a model.

        Raises:
            RefusedError: If there is no such model.
        """
        if name not in self.shelf.places:
            raise RefusedError(404, "there is no such model; /models names all")
        return self.shelf.places[name]

    def desk(self, name: str) -> Desk:
        """Find the desk of a model.

        Raises:
            RefusedError: If there is no such model, or it could not be loaded.
        """
        found = self.place(name).desk
        if found is None:
            raise RefusedError(503, "no version of this model could be loaded; /models says why")
        return found


def told_of(place: Place) -> dict[str, Any]:
    """The description of a model in JSON."""
    told: dict[str, Any] = {"name": place.asked.key, "problem": place.problem, "version": None}
    if place.desk is None:
        return told
    version = place.desk.version
    return (
        told
        | version.told
        | {
            "task": version.kind,
            "evidence": dict(version.evidence),
            "takes": [JSON, *types_of(version)],
            "streams": version.streams,
            "columns": list(version.schema.columns),
            "parameters": version.schema.parameters.model_json_schema().get("properties", {}),
            "examples": vars(version.examples) if version.examples else None,
        }
    )


def query_of(request: Request) -> dict[str, str]:
    """The query of an address.

    Raises:
        RefusedError: If it has a parameter twice.
    """
    pairs = request.query_params.multi_items()
    if len(dict(pairs)) < len(pairs):
        raise RefusedError(422, "the address has a parameter twice")
    return dict(pairs)


def as_json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(to_json(content), status, headers, media_type=JSON)


def page(name: str) -> Any:
    """Make the route that returns a page."""

    async def answer() -> FileResponse:
        return FileResponse(PAGE / name)

    return answer


async def refused(_request: Request, refusal: Exception) -> Response:
    """The response to a refused request."""
    assert isinstance(refusal, RefusedError)
    return as_json({"error": refusal.reason}, refusal.status, refusal.headers)


async def not_there(_request: Request, error: Exception) -> Response:
    """The response to a request without a route."""
    assert isinstance(error, HTTPException)
    reasons = {404: "there is nothing at this address", 405: "this address takes another method"}
    reason = reasons.get(error.status_code, "the request cannot be answered")
    return as_json({"error": reason}, error.status_code, dict(error.headers or {}))


async def broken_off(_request: Request, _error: Exception) -> Response:
    """The response to a request whose sender left before its end; only we see it."""
    return as_json({"error": "the request was broken off"}, 400)


async def failed(request: Request, error: Exception) -> Response:
    """The response to a request that caused an error here."""
    request.scope["noted"] = error
    return as_json({"error": noted(error)}, 500)
