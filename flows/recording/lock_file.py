"""Read, join and restore dvc.lock. DVC rewrites it in place, so a kill can leave half of it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import count, pairwise
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from flows.layout import Layout
from rnn_core.errors import StudyError
from rnn_core.files import write_bytes

KEY = rb"""(?:'[^'\n]*'|"[^"\n]*"|[^\s'"&*-][^\n:]*)"""
SHARED = re.compile(rb"^( *(?:- )*(?:" + KEY + rb": )?)([&*])(id\d+)(?=[ \n])", re.MULTILINE)
"""A YAML anchor (`&id001`) or alias (`*id001`). DVC writes them where params.yaml has them."""

HEAD = b"schema: '2.0'\nstages:\n"
"""The lines that DVC writes before the stages."""

Stages: TypeAlias = Mapping[str, Mapping[str, Any]]

STAGE = re.compile(rb"^  \S.*:$", re.MULTILINE)
"""First line of a stage in dvc.lock."""


def lock_file(layout: Layout) -> Path:
    """The file where DVC records the inputs and outputs of stages."""
    return layout.folder / "dvc.lock"


def kept_copy(layout: Layout) -> Path:
    """The copy of dvc.lock that is kept while DVC writes another one."""
    return layout.state / "dvc.lock"


def is_cut_off(layout: Layout) -> bool:
    """Return whether a kill has left half of dvc.lock, or the copy that is put back after that.

    The caller must hold the lock that every run holds, since a run leaves the copy for a while.
    """
    file = lock_file(layout)
    return kept_copy(layout).exists() or (file.exists() and parsed(file.read_bytes()) is None)


@contextmanager
def apart(layout: Layout) -> Iterator[None]:
    """Let DVC write a separate dvc.lock; the study's is restored after that, or by `put_back`."""
    file, copy = lock_file(layout), kept_copy(layout)
    layout.state.mkdir(parents=True, exist_ok=True)
    write_bytes(copy, file.read_bytes() if file.exists() else b"")
    try:
        file.unlink(missing_ok=True)
        yield
    finally:
        put_back(layout)


def put_back(layout: Layout) -> bool:
    """Restore the study's dvc.lock; returns whether there was one to restore."""
    file, copy = lock_file(layout), kept_copy(layout)
    if not copy.exists():
        return False
    if content := copy.read_bytes():
        write_bytes(file, content)
    else:
        file.unlink(missing_ok=True)
    copy.unlink()
    return True


def read_lock(layout: Layout) -> Stages:
    """The stages of the study's dvc.lock, also while DVC writes another one."""
    content = content_of(lock_file(layout))
    if before := content_of(kept_copy(layout)):  # read second: it exists until the other is back
        content = before
    return parsed(content) or {}


def content_of(file: Path) -> bytes:
    """The content of a file; empty if there is no file."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


@lru_cache(maxsize=2)
def parsed(content: bytes) -> Stages | None:
    """The stages of a dvc.lock; None if it is cut off, or is not a dvc.lock.

    Cached: a large one takes tenths of a second to parse, and is needed after each dataset.
    """
    try:
        found = yaml.load(content, yaml.CSafeLoader)
    except yaml.YAMLError:
        return None
    stages = found.get("stages") if isinstance(found, dict) else None
    whole = (
        isinstance(stages, dict) and content.endswith(b"\n") and all(map(is_stage, stages.values()))
    )
    return stages if whole else None


def joined(content: bytes, more: Mapping[str, bytes]) -> bytes:
    """Add stages to a dvc.lock as DVC does: stages that it has keep their places.

    Args:
        content: The content of the file; empty if there is no file.
        more: The lines of each stage, by its name.

    Raises:
        StudyError: If the file is not in the form that DVC gives it.
    """
    head, stages = split(content or HEAD)
    if content and len(stages) != len(parsed(content) or {}):
        raise StudyError(
            "dvc.lock is not in the form that DVC writes, with two spaces before each stage; "
            "remove it, and `gatewise run` writes a new one"
        )
    return head + numbered({**stages, **more}.values())


def numbered(stages: Iterable[bytes]) -> bytes:
    """The lines of some stages, with new names for their YAML anchors.

    DVC numbers anchors through the file, in the order of their first alias. Stages that it wrote
    into separate files have the same numbers.
    """
    numbers = count(1)

    def with_names(stage: bytes) -> bytes:
        repeated = dict.fromkeys(name for _, sign, name in SHARED.findall(stage) if sign == b"*")
        names = {name: b"id%03d" % next(numbers) for name in repeated}
        return SHARED.sub(lambda found: found[1] + found[2] + names[found[3]], stage)

    return b"".join(map(with_names, stages))


def split(content: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Split a dvc.lock into the part before its stages, and the lines of each stage by name."""
    starts = [found.start() for found in STAGE.finditer(content)] + [len(content)]
    parts = [content[a:b] for a, b in pairwise(starts)]
    names = (part.partition(b":\n")[0].strip().decode() for part in parts)
    return content[: starts[0]], dict(zip(names, parts, strict=True))


def is_stage(found: Any) -> bool:
    """Return whether the content of a stage looks complete."""
    if not isinstance(found, dict) or "cmd" not in found:
        return False
    files = [found[part] for part in ("deps", "outs") if part in found]
    params = found.get("params", {})
    return (
        all(isinstance(part, list) and all(map(is_file, part)) for part in files)
        and isinstance(params, dict)
        and all(isinstance(values, dict) for values in params.values())
    )


def is_file(found: Any) -> bool:
    """Return whether the entry of a file or folder has all keys that DVC writes."""
    needed = {"path", "md5", "size"}
    if isinstance(found, dict) and str(found.get("md5", "")).endswith(".dir"):
        needed.add("nfiles")
    return isinstance(found, dict) and needed <= found.keys()
