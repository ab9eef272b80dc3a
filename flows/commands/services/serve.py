"""`gatewise serve`: answer over HTTP with registered models."""

import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import uvicorn

from flows.serving.app import Application
from flows.serving.guards import LOOPBACK, Rules
from flows.serving.version import Limits
from flows.system.environment import use_defaults
from flows.system.hidden import WithoutSecrets
from flows.system.home import enter_home
from flows.system.ports import Shadow
from flows.system.servers import check_port
from flows.tracking.projection import reachable
from rnn_core.errors import ParameterError

TOKEN = "GATEWISE_SERVE_TOKEN"  # noqa: S105 - the name of a variable
"""Variable with the token, unless a file with it is named."""

SHORTEST = 16
"""Fewest characters of a token."""

SWITCH_SECONDS = 0.0005
"""Seconds that a thread may hold Python's lock; the default of 5 ms would delay each answer."""

STOP_SECONDS = 35
"""Seconds that running requests may take to finish when the server ends."""


def serve(
    names: Sequence[str],
    host: str,
    port: int,
    token_file: Path | None,
    refresh: float,
    shadow: Shadow,
) -> None:
    """Answer until Ctrl-C, and then finish the running requests.

    Raises:
        ParameterError: If there is no such model, or the token is missing or short.
        StudyError: If a named model cannot be loaded.
        TrackingError: If MLflow does not answer.
        ServerError: If the port is taken.
    """
    use_defaults()
    rules = rules_for(host, read_token(token_file))
    enter_home(Path())
    if host in LOOPBACK:
        check_port(port, "--port")
    handler = logging.StreamHandler()
    handler.setFormatter(WithoutSecrets("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    torch.set_num_threads(1)  # answers of several models share the processors
    sys.setswitchinterval(SWITCH_SECONDS)
    application = Application(names, Limits(), rules, refresh, shadow)
    with reachable():
        application.shelf.fill()
    say(application, host, port)
    uvicorn.run(
        application.asgi(),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def rules_for(host: str, token: str | None) -> Rules:
    """The rules for requests.

    Raises:
        ParameterError: If there is no such host, or others could send requests without a token.
    """
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        raise ParameterError(
            f"--host {host!r} is no address; name one of this machine, such as 127.0.0.1"
        ) from None
    is_here = host in LOOPBACK
    if token is None and not is_here:
        raise ParameterError(
            f"on {host} others can ask too: give a token with --token-file, or in {TOKEN}"
        )
    limits = Limits()
    return Rules(token, LOOPBACK if is_here else None, limits.body, limits.seconds)


def read_token(file: Path | None) -> str | None:
    """Read the token from a file or the environment; None if there is none.

    Raises:
        ParameterError: If it cannot be read, or is too short to be one.
    """
    token = os.environ.get(TOKEN) or None
    if file is not None:
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ParameterError(f"--token-file: {file} cannot be read: {error}") from None
    if token is None:
        return None
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        told = f"at least {SHORTEST} letters, digits or punctuation marks, without spaces"
        raise ParameterError(f"the token must be {told}; `openssl rand -hex 32` makes one")
    return token


def say(application: Application, host: str, port: int) -> None:
    """Print the address of the page, and the models that answer."""
    place = f"[{host}]" if ":" in host else host
    lines = [f"Models  http://{place}:{port}"]
    for key, found in application.shelf.places.items():
        version = found.desk.version if found.desk else None
        told = f"version {version.number}, {version.cell}" if version else found.problem
        lines.append(f"  {key}: {told}")
    sys.stdout.write("\n".join([*lines, "Ctrl-C ends it, after running requests."]) + "\n")
    sys.stdout.flush()
