"""Logs on this machine, with a JSON object per line."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


def read_log(file: Path) -> Iterator[dict[str, Any]]:
    """The entries of a log, if there is one.

    A full disk or a kill cuts a line off, and the next one follows on it: both are left out.
    """
    lines = file.read_bytes().splitlines() if file.exists() else []
    for line in lines:
        with suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                yield entry
