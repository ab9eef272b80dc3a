"""`gatewise serve`: registered models asked over HTTP."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import uvicorn
from mlflow.exceptions import MlflowException

from flows.serving.app import Application
from flows.serving.guards import LOOPBACK, Rules
from flows.serving.version import Limits
from flows.system.environment import use_defaults
from flows.system.hidden import WithoutSecrets, cause_of
from flows.system.home import enter_home
from flows.system.ports import Shadow
from flows.system.servers import check_port
from rnn_core.errors import ParameterError, StudyError

TOKEN = "GATEWISE_SERVE_TOKEN"  # noqa: S105 - its name
"""Variable with the token, unless a file is named that holds it."""

SHORTEST = 16
"""Characters of a token."""

SWITCH_SECONDS = 0.0005
"""How long a thread may keep Python to itself; Python's own 5 ms would delay each answer."""

STOP_SECONDS = 35
"""How long answers may take to be finished when the server ends."""


def serve(
    names: Sequence[str],
    host: str,
    port: int,
    token_file: Path | None,
    refresh: float,
    shadow: Shadow,
) -> None:
    """Answer until Ctrl-C, and then finish what was asked.

    Raises:
        ParameterError: If there is no such model, or the token is missing or short.
        StudyError: If a model cannot be loaded that is named, or the registry does not answer.
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
    try:
        application.shelf.fill()
    except (MlflowException, OSError) as error:
        raise StudyError(f"the registry does not answer: {cause_of(error)}") from None
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
    """Who may ask.

    Raises:
        ParameterError: If others than this machine may ask, and need no token.
    """
    is_here = host in LOOPBACK
    if token is None and not is_here:
        raise ParameterError(
            f"on {host} others can ask too: give a token with --token-file, or in {TOKEN}"
        )
    return Rules(token, LOOPBACK if is_here else None, Limits().body)


def read_token(file: Path | None) -> str | None:
    """The token of a file or of the environment, if there is one.

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
        told = f"{SHORTEST} letters, digits or marks at least, without a blank"
        raise ParameterError(f"the token must be {told}; `openssl rand -hex 32` makes one")
    return token


def say(application: Application, host: str, port: int) -> None:
    """Tell where the page is, and which models answer."""
    place = f"[{host}]" if ":" in host else host
    lines = [f"Models  http://{place}:{port}"]
    for key, found in application.shelf.places.items():
        version = found.desk.version if found.desk else None
        told = f"version {version.number}, {version.cell}" if version else found.problem
        lines.append(f"  {key}: {told}")
    sys.stdout.write("\n".join([*lines, "Ctrl-C ends it, once what was asked is answered."]) + "\n")
    sys.stdout.flush()
