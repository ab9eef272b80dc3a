"""Checks that every request passes first, and headers that every response gets."""

import asyncio
import hmac
import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic_core import to_json
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.serving.failures import RefusedError

log = logging.getLogger("gatewise.serving")

OPEN = ("/", "/health", "/ready", "/docs")
"""Pages that need no token, since they show nothing of a model."""

OPEN_FOLDER = "/page/"

LOOPBACK = ("127.0.0.1", "localhost", "::1")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
    "data:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Rules:
    """Rules for requests.

    Attributes:
        token: The token that requests must send; None: no token is needed.
        hosts: Names in the Host header that are accepted; None: any.
        body: Most bytes of a request.
        seconds: Most seconds until its body is there.
    """

    token: str | None
    hosts: Collection[str] | None
    body: int
    seconds: float


class Guards:
    """The application with its guards.

    Pages of other sites in a browser cannot send requests, also by a host name that points here
    (DNS rebinding). Errors are logged with a number, and the response has only the number.
    """

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self.app = app
        self.rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False
        if scope["method"] == "HEAD":  # answered as GET; uvicorn leaves out the body
            scope = {**scope, "method": "GET"}

        async def out(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            headers = Headers(scope=scope)
            check_origin(headers, self.rules.hosts)
            check_token(scope["path"], headers, self.rules.token)
            check_length(headers, self.rules.body)
            check_encoding(headers)
            await self.app(scope, limited(receive, self.rules), out)
        except RefusedError as refusal:
            if not begun:
                await refuse(refusal, out)
        except Exception as error:  # noqa: BLE001 - logged with a number
            if not begun:
                await refuse(RefusedError(500, noted(error)), out)
            elif scope.get("noted") is not error:
                noted(error)


def noted(error: Exception) -> str:
    """Log an error with a number, and return a reason that names the number."""
    number = secrets.token_hex(4)
    log.error("error %s", number, exc_info=error)
    return f"something went wrong here; the log has it as error {number}"


async def refuse(refusal: RefusedError, send: Send) -> None:
    """Send the response to a refused request."""
    body = to_json({"error": refusal.reason})
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    raw = [(k.lower().encode(), v.encode()) for k, v in (headers | refusal.headers).items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def check_origin(headers: Headers, hosts: Collection[str] | None) -> None:
    """Check that a request comes from no other site, and names this server correctly.

    Raises:
        RefusedError: If it does not.
    """
    host = headers.get("host", "")
    if len(headers.getlist("host")) > 1:
        raise RefusedError(400, "the request has several Host headers; send one")
    if hosts is not None and host_of(host) not in hosts:
        raise RefusedError(403, "this is not the server's name; use the address that it printed")
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != host:
        raise RefusedError(403, "pages of other sites may not send requests")


def host_of(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def check_token(path: str, headers: Headers, token: str | None) -> None:
    """Check the token of a request.

    Raises:
        RefusedError: If it is missing or wrong.
    """
    if token is None or path in OPEN or path.startswith(OPEN_FOLDER):
        return
    scheme, _, given = headers.get("authorization", "").partition(" ")
    right = hmac.compare_digest(given.strip().encode("latin-1", "replace"), token.encode())
    if scheme.lower() != "bearer" or not right:
        told = {"WWW-Authenticate": "Bearer"}
        raise RefusedError(401, "send the token as `Authorization: Bearer TOKEN`", told)


def check_encoding(headers: Headers) -> None:
    """Check that a body is not compressed: it might be far larger than its length says.

    Raises:
        RefusedError: If it is.
    """
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        told = {"Accept-Encoding": "identity"}
        raise RefusedError(415, "send the body as it is, without a Content-Encoding", told)


def check_length(headers: Headers, most: int) -> None:
    """Check the declared length of a body, before any of it is read.

    Raises:
        RefusedError: If it is too long, or not a number.
    """
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise RefusedError(400, "the Content-Length is not a number")
    if len(length) > 18 or int(length) > most:
        raise too_long(most)


def too_long(most: int) -> RefusedError:
    """The refusal of a body that is too long."""
    return RefusedError(413, f"the body is longer than {most} bytes", {"Connection": "close"})


def limited(receive: Receive, rules: Rules) -> Receive:
    """Make a receiver of a body that stops when the body becomes too long, or does not come."""
    count, end = 0, asyncio.get_running_loop().time() + rules.seconds
    complete = False

    async def inner() -> Message:
        nonlocal count, complete
        try:
            # what comes after the body is the end of the connection, whenever that is
            async with asyncio.timeout_at(None if complete else end):
                message = await receive()
        except TimeoutError:
            reason = f"the body was not complete after {rules.seconds:g} s"
            raise RefusedError(408, reason, {"Connection": "close"}) from None
        if message["type"] == "http.request":
            count += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if count > rules.body:
                raise too_long(rules.body)
        return message

    return inner
