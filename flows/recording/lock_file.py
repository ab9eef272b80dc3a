"""dvc.lock, which DVC rewrites in place: a kill in the middle leaves half of it."""

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
"""Where DVC names a value (`&id001`) that a stage holds several times, or repeats it (`*id001`). It
does so where params.yaml does."""

HEAD = b"schema: '2.0'\nstages:\n"
"""What DVC writes before the stages."""

Stages: TypeAlias = Mapping[str, Mapping[str, Any]]

STAGE = re.compile(rb"^  \S.*:$", re.MULTILINE)
"""First line of a stage in dvc.lock."""


def lock_file(layout: Layout) -> Path:
    """Where DVC writes what stages ran with and made."""
    return layout.folder / "dvc.lock"


def kept_copy(layout: Layout) -> Path:
    """Where dvc.lock is kept while DVC writes another."""
    return layout.state / "dvc.lock"


@contextmanager
def apart(layout: Layout) -> Iterator[None]:
    """Let DVC write a dvc.lock of its own; the study's is put back after that, or at `put_back`."""
    file, copy = lock_file(layout), kept_copy(layout)
    layout.state.mkdir(parents=True, exist_ok=True)
    write_bytes(copy, file.read_bytes() if file.exists() else b"")
    try:
        file.unlink(missing_ok=True)
        yield
    finally:
        put_back(layout)


def put_back(layout: Layout) -> bool:
    """Put back the dvc.lock of the study; says whether DVC had another in its place."""
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
    """The stages that the study's dvc.lock has, also while another is in its place."""
    content = content_of(lock_file(layout))
    if before := content_of(kept_copy(layout)):  # asked for last: it is there until the other is
        content = before
    return parsed(content) or {}


def content_of(file: Path) -> bytes:
    """What is in a file; nothing if it is not there."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


@lru_cache(maxsize=2)
def parsed(content: bytes) -> Stages | None:
    """The stages of a dvc.lock; None if it is cut off, or no such file at all.

    That of a large study takes tenths of a second, and is asked for after each dataset.
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
    """A dvc.lock with further stages, as DVC writes it: old ones stay where they are.

    Args:
        content: What the file holds; empty if there is none.
        more: The lines of each stage, by its name.

    Raises:
        StudyError: If the file is not in the form that DVC gives it.
    """
    head, stages = split(content or HEAD)
    if content and len(stages) != len(parsed(content) or {}):
        raise StudyError(
            "dvc.lock is not in the form that DVC writes, with two blanks before each stage; "
            "remove it, and `gatewise run` writes it anew"
        )
    return head + numbered({**stages, **more}.values())


def numbered(stages: Iterable[bytes]) -> bytes:
    """The lines of some stages, with new names for values that stages hold several times.

    DVC numbers them through the file, in the order in which they are first repeated. Stages that
    it wrote apart have the same numbers.
    """
    numbers = count(1)

    def with_names(stage: bytes) -> bytes:
        repeated = dict.fromkeys(name for _, sign, name in SHARED.findall(stage) if sign == b"*")
        names = {name: b"id%03d" % next(numbers) for name in repeated}
        return SHARED.sub(lambda found: found[1] + found[2] + names[found[3]], stage)

    return b"".join(map(with_names, stages))


def split(content: bytes) -> tuple[bytes, dict[str, bytes]]:
    """What a dvc.lock has before its stages, and the lines of each stage, by its name."""
    starts = [found.start() for found in STAGE.finditer(content)] + [len(content)]
    parts = [content[a:b] for a, b in pairwise(starts)]
    names = (part.partition(b":\n")[0].strip().decode() for part in parts)
    return content[: starts[0]], dict(zip(names, parts, strict=True))


def is_stage(found: Any) -> bool:
    """Whether what stands for a stage is not cut off, as far as one can see."""
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
    """Whether what stands for a file or folder has all that DVC writes of one."""
    needed = {"path", "md5", "size"}
    if isinstance(found, dict) and str(found.get("md5", "")).endswith(".dir"):
        needed.add("nfiles")
    return isinstance(found, dict) and needed <= found.keys()
