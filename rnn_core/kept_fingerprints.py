"""Fingerprints that an earlier process found in the same files: reading all code takes a second."""

import hashlib
import json
import time
from contextlib import suppress

from rnn_core import cache, definitions
from rnn_core.definitions import Signature

SETTLED_SECONDS = 3.0
"""Age of the last change from which on a later one shows in the times of files.

Some file systems keep times in whole seconds, so that two changes in one look like one.
"""


def read_kept(files: Signature) -> dict[str, str]:
    """The fingerprints that are kept for these files, by their roots; none for other files."""
    data = cache.read(name_of_file())
    kept = {} if data is None else json.loads(data)
    return dict(kept["found"]) if kept.get("files") == digest_of_files(files) else {}


def keep(files: Signature, found: dict[str, str]) -> None:
    """Keep fingerprints for the next process, unless one of the files has just changed."""
    newest = max((changed for _, _, changed in files), default=0) / 1e9
    if time.time() - newest > SETTLED_SECONDS:
        content = {"files": digest_of_files(files), "found": found}
        with suppress(cache.CacheError):
            cache.place(name_of_file(), json.dumps(content).encode(), cache.cache_folder())


def name_of_file() -> str:
    """Name in the cache; each copy of the code has its own."""
    return f"fingerprints-{hashlib.sha256(str(definitions.ROOT).encode()).hexdigest()[:16]}"


def digest_of_files(files: Signature) -> str:
    """SHA-256 of names, sizes and times of change."""
    return hashlib.sha256(repr(sorted(files)).encode()).hexdigest()
