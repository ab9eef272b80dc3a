"""Files and folders that are either whole or not there, and the same bytes every time."""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnn_core.errors import DataError

DIGITS = 6
"""Significant digits of numbers that are to be the same bytes every time."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all, also after a power loss."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def remove_half_written(folder: Path) -> None:
    """Remove what a killed `write_bytes` left in a folder that only this process writes to."""
    for left in folder.glob(".*.tmp"):
        left.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """Write JSON with sorted keys; the same content gives the same bytes.

    Raises:
        ValueError: If a number is not finite.
    """
    write_text(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        DataError: If the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the stage that makes it") from None
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from None


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of one JSON object per line, up to the last line that is whole."""
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]


def rounded(value: float | None) -> float | None:
    """A number to `DIGITS` significant digits; None for what JSON cannot hold."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")


@contextmanager
def whole_folder(target: Path, scratch: Path) -> Iterator[Path]:
    """Make a folder that appears under its name only when it is complete.

    Args:
        target: The final folder; what is there is replaced.
        scratch: Where the folder grows, on the same file system; emptied first, so
            that nothing of an interrupted attempt survives.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(folder: Path) -> str:
    """One SHA-256 over the sorted `sha256  name` lines of all files of a folder."""
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    lines = (f"{sha256_of(folder / name)}  {name.as_posix()}\n" for name in names)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
