"""Say what is wrong with a Prefect server, and what to do; read what it returns in pages."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import TypeVar

import httpx

from flows.system.hidden import cause_of, without_user
from flows.system.pages import API
from flows.system.servers import ServerError

ANSWER_SECONDS = 10.0
"""Seconds that a server may take to say that it is healthy."""

LOGIN = (401, 403)

PAGE = 200
"""Most records that a server returns at once."""

T = TypeVar("T")


def every(ask: Callable[..., Sequence[T]]) -> Iterator[T]:
    """All records that a server has.

    Args:
        ask: Asks for at most `limit` of them, from the one at `offset` on.
    """
    for offset in count(0, PAGE):
        page = ask(limit=PAGE, offset=offset)
        yield from page
        if len(page) < PAGE:
            return


@contextmanager
def prefect_answers(api: str) -> Iterator[None]:
    """Check that a Prefect server answers, and turn its later errors into one line.

    Args:
        api: Address of its API.

    Raises:
        ServerError: If it does not answer, or refuses a request.
    """
    try:
        check_health(api)
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerError(f"Prefect at {without_user(api)} {refusal_of(error)}") from None


def check_health(api: str) -> None:
    """Check that the server at an address is one of Prefect.

    Prefect's own client asks, so that it sends the login, headers and certificate of the settings.

    Raises:
        ServerError: If it is another one, or the certificate cannot be read.
        HTTPError: If it does not answer, or with an error.
    """
    # It takes a second, and reads the environment.
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.settings import (  # noqa: PLC0415
        PREFECT_API_URL,
        PREFECT_CLIENT_MAX_RETRIES,
        temporary_settings,
    )

    with temporary_settings({PREFECT_API_URL: api, PREFECT_CLIENT_MAX_RETRIES: 0}):
        try:
            made = get_client(sync_client=True, httpx_settings={"timeout": ANSWER_SECONDS})
        except OSError as error:
            raise ServerError(
                f"Prefect's certificate cannot be used: {cause_of(error)}; check "
                "PREFECT_API_SSL_CERT_FILE"
            ) from None
        with made as client:
            answer = client.request("GET", "/health")
    if answer.text.strip() != "true":
        raise ServerError(
            f"at {without_user(api)} is no API of Prefect: it answered with another page; check "
            f"{API}, which ends with /api"
        )


def refusal_of(error: Exception) -> str:
    """Say what went wrong between us and the server, and what to do."""
    if not isinstance(error, httpx.HTTPStatusError):
        cause = cause_of(error) if str(error) else type(error).__name__
        return f"does not answer: {cause}; start it, or check {API}"
    status = error.response.status_code
    if status in LOGIN:
        return f"answered {status}, so it wants a login: set PREFECT_API_AUTH_STRING or _KEY"
    if error.response.is_server_error:
        return f"answered {status}; its log has the reason. Then try again"
    if error.response.is_client_error:
        return f"answered {status} to {error.request.url.path}; check {API}, and its version"
    return f"answered {status}, so it is elsewhere; check {API}"
