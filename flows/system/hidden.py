"""Remove user names, passwords and tokens from all that we print, log or keep."""

import logging
import os
import re
from collections.abc import Iterator
from urllib.parse import unquote

ADDRESSES = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_BACKEND_STORE_URI",
    "PREFECT_API_URL",
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "GATEWISE_STORE",
    "GATEWISE_ARTIFACTS",
)
"""Environment variables with addresses that may have a password."""

TOKENS = (
    "GATEWISE_SERVE_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "PREFECT_API_KEY",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_DATABASE_PASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
"""Environment variables that are secrets."""

USER = re.compile(r"(?<=://)(?:[^\s/]*@|[^\s@]*:[^\s@]*@)")
"""Matches the user and password of an address, also a password with a slash in it."""

IN_QUERY = re.compile(
    r"(?<=[?&])([\w-]*(?:password|passwd|pwd|secret|token|key|sslpassword)[\w-]*=)[^&#\s'\"]+", re.I
)
"""Matches a secret in the query of an address, with the name of the parameter."""

SHORTEST = 4
"""Fewest characters of a secret that is searched for: shorter ones are part of usual words."""

MARK = "***"
"""Text in place of a secret."""


def without_user(address: str) -> str:
    """An address, or a text with addresses, without users and passwords."""
    return IN_QUERY.sub(rf"\1{MARK}", USER.sub("", address))


def without_secrets(text: str) -> str:
    """A text without users and passwords of addresses, and without secrets of the environment."""
    for secret in sorted(secrets(), key=len, reverse=True):
        text = text.replace(secret, MARK)
    return without_user(text)


def cause_of(error: BaseException) -> str:
    """The first line of an error, without secrets; its kind if it has none."""
    lines = without_secrets(str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__


class WithoutSecrets(logging.Formatter):
    """Formats log records without secrets, their errors too."""

    def format(self, record: logging.LogRecord) -> str:
        """The text of a record."""
        return without_secrets(super().format(record))


def secrets() -> set[str]:
    """Passwords and tokens of the environment, as they are and as they are quoted in URLs."""
    return {secret for secret in found_secrets() if len(secret) >= SHORTEST}


def found_secrets() -> Iterator[str]:
    """Like `secrets`, with short ones too."""
    for name in TOKENS:
        if value := os.environ.get(name):
            yield value
    for name in ADDRESSES:
        address = os.environ.get(name, "")
        for login in USER.findall(address):
            _, _, password = login.removesuffix("@").partition(":")
            yield from {password, unquote(password)}
        for match in IN_QUERY.finditer(address):
            value = match[0].removeprefix(match[1])
            yield from {value, unquote(value)}


def has_password(address: str) -> bool:
    """Return whether an address has a user with a password, or a secret in its query."""
    logins = USER.findall(address)
    return any(":" in login for login in logins) or IN_QUERY.search(address) is not None
