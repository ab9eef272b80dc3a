"""Say what is wrong with MLflow, and what to do."""

import os
import re
import shlex
from collections.abc import Mapping
from http.client import FORBIDDEN, INTERNAL_SERVER_ERROR, UNAUTHORIZED, responses

from mlflow.exceptions import MlflowException
from requests import RequestException
from sqlalchemy.exc import SQLAlchemyError

from flows.system.environment import TRACKING
from flows.system.hidden import cause_of, without_secrets, without_user
from flows.system.os_errors import with_cure

FAILURES = (MlflowException, OSError, SQLAlchemyError, ModuleNotFoundError)
"""Errors that MLflow raises if its server, database or files cannot be used."""

MOST_CHARACTERS = 300
"""Most characters of a cause."""

STATUS = re.compile(r"failed with error code (\d{3})|too many (\d{3}) error responses")
"""Matches the status of an answer in a message of MLflow."""

CAUSED = re.compile(r"\(Caused by \w+\((.*)\)\)")
"""Matches the cause that urllib3 puts at the end of a long message."""

OBJECT = re.compile(r"<[\w.]+ object at 0x[0-9a-f]+>: |\w+\([^()]*\): ")
"""Matches the connection that urllib3 names before the cause."""

DELETED = re.compile(r"experiment (\w+) must be in the 'active' state")
"""Matches MLflow's message about a deleted experiment."""

OTHER_SCHEMA = "out-of-date database schema"
"""Part of MLflow's message about a database that an older or a newer MLflow made."""

LOST = "restore it from a backup, or move it away and run the studies again, which makes a new one"

OF_SQLITE: Mapping[str, str] = {
    "SQLITE_BUSY": "another process is writing to it; try again when that has ended",
    "SQLITE_CANTOPEN": "see that it is a file, and that you may read it",
    "SQLITE_CORRUPT": LOST,
    "SQLITE_ERROR": LOST,  # MLflow's questions are right, so a table or a column is missing
    "SQLITE_FULL": "free some space",
    "SQLITE_NOTADB": LOST,
    "SQLITE_READONLY": "see that you may write to it",
}
"""The advice on errors of SQLite, by their names."""

NO_API = "not in a valid JSON format"
"""Part of MLflow's message about a page that is not of its API."""

NOT_ANSWERED = "failed with exception"
"""Part of MLflow's message about a request that was not answered."""

BODY = re.compile(r"Response body: '(.*)'", re.DOTALL)
"""Matches the body of an answer in a message of MLflow."""

MARKUP = re.compile(r"<[^>]*>")
"""Matches a tag of HTML, which proxies answer with."""

ELSEWHERE = (301, 302, 307, 308, 404, 405)


def refusal_of(error: Exception) -> str:
    """Say what is wrong with MLflow, where, and what to do."""
    place = without_user(os.environ[TRACKING])
    if status := status_of(error):
        return f"MLflow at {place} answered {status}: {cure_of(status, said_in(error, status))}"
    if NO_API in str(error):
        return f"at {place} is no server of MLflow: it answered with a web page; check {TRACKING}"
    return unusable(error, place)


def unusable(error: Exception, place: str) -> str:
    """Say what is wrong if there is no answer with a status."""
    if (database := database_error(error)) is not None:
        return unusable_database(database, place)
    cause = short_cause(error)
    if isinstance(error, ModuleNotFoundError):
        return f"MLflow's database at {place} needs a package that is not installed: {cause}"
    if isinstance(error, MlflowException) and NOT_ANSWERED not in str(error):
        return refused(place, cause)
    if isinstance(error, MlflowException | RequestException | ConnectionError | TimeoutError):
        cure = f"start it or check {TRACKING}, then try again"
        return f"MLflow at {place} does not answer: {cause}; {cure}"
    return f"MLflow's files at {place} cannot be used: {with_cure(error) or cause}"


def database_error(error: Exception) -> SQLAlchemyError | None:
    """The error of the database that an error is, or that MLflow has put into one of its own."""
    found = error.__cause__ if isinstance(error, MlflowException) else error
    return found if isinstance(found, SQLAlchemyError) else None


def unusable_database(error: SQLAlchemyError, place: str) -> str:
    """Say why a database cannot be used, and what to do if that is known."""
    reason = getattr(error, "orig", None) or error
    cure = OF_SQLITE.get(getattr(reason, "sqlite_errorname", ""))
    told = f"MLflow's database at {place} cannot be used: {short_cause(reason)}"
    return f"{told}; {cure}" if cure else told


def refused(place: str, cause: str) -> str:
    """Say what MLflow refuses, and what to do if it says so."""
    if deleted := DELETED.search(cause):
        return (
            f"experiment {deleted[1]} was deleted in MLflow at {place}: restore it on MLflow's "
            f"page or by `mlflow experiments restore -x {deleted[1]}`"
        )
    if OTHER_SCHEMA in cause:
        named = shlex.quote(place) if place == os.environ[TRACKING] else f'"${TRACKING}"'
        upgrade = f"mlflow db upgrade {named}"
        return (
            f"another version of MLflow made the database at {place}: back it up, then call "
            f"`{upgrade}`; if that fails, install the newer version"
        )
    return f"MLflow at {place} refused that: {cause}"


def cure_of(status: int, said: str) -> str:
    """The advice on a status of an answer.

    Args:
        status: The status.
        said: The reason in the answer; empty if it has none.
    """
    if status in ELSEWHERE:
        cure = f"it is no server of MLflow, or one of another version; check {TRACKING}"
        return f"{said}; {cure}" if said else cure
    if status == UNAUTHORIZED or (status == FORBIDDEN and not said):
        return (
            "it wants a login; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN"
        )
    if status < INTERNAL_SERVER_ERROR and (reason := said or phrase_of(status)):
        return reason
    return "its log has the reason; try again once it works"


def status_of(error: Exception) -> int | None:
    """The status of the answer of MLflow's server; None if none is known."""
    found = STATUS.search(str(error))
    return int(found[1] or found[2]) if found else None


def said_in(error: Exception, status: int) -> str:
    """The first line of the body of an answer; empty if it only repeats the status."""
    found = BODY.search(without_secrets(str(error)))
    lines = MARKUP.sub("\n", found[1]).split("\n") if found else []
    line = next(filter(None, map(str.strip, lines)), "")
    words = line.removeprefix(str(status)).strip(" .:").lower()
    return "" if words == phrase_of(status) else line[:MOST_CHARACTERS]


def phrase_of(status: int) -> str:
    """The usual words for a status; empty if there are none."""
    return responses.get(status, "").lower()


def short_cause(error: Exception) -> str:
    """The cause of an error, without what surrounds it in messages of MLflow and urllib3."""
    text = cause_of(error)
    inner = CAUSED.search(text)
    bare = OBJECT.sub("", inner[1]).strip("\"'") if inner else text
    return bare[:MOST_CHARACTERS]
