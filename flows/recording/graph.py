"""The graph of dvc.yaml and the state of its stages, asked of DVC itself.

`dvc.yaml` is the only graph and DVC the only cache: what runs here is what `dvc repro`
would run, and each finds the other's work done.
"""

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import yaml

from flows.layout import Layout
from rnn_core.errors import StudyError
from rnn_core.files import write_bytes

EDGE = re.compile(r'^"(?P<before>[^"]+)" -> "(?P<after>[^"]+)";$', re.MULTILINE)
NODE = re.compile(r'^"(?P<name>[^"]+)";$', re.MULTILINE)

BUSY = re.compile(r"is busy, it is being blocked by|Unable to acquire lock")
"""What DVC prints when another process of it works on the same files."""

WRITE_SECONDS = 1.0
"""Longest time that DVC takes to write dvc.lock, which it does in place."""

BUSY_SECONDS = 1.0
"""How often DVC is asked again while another process of it is in the way."""


class StageBusyError(StudyError):
    """Another process of DVC holds what the stage needs; it may be tried again."""


@dataclass(frozen=True)
class Graph:
    """Stages and what each of them waits for.

    Attributes:
        upstream: The stages directly above each stage; in topological order.
    """

    upstream: dict[str, tuple[str, ...]]

    def above(self, stages: set[str]) -> set[str]:
        """The given stages and all that they wait for."""
        found = set(stages)
        for stage in reversed(self.upstream):
            if stage in found:
                found.update(self.upstream[stage])
        return found

    def below(self, stages: set[str]) -> set[str]:
        """The given stages and all that wait for them."""
        found = set(stages)
        for stage, upstream in self.upstream.items():
            if found.intersection(upstream):
                found.add(stage)
        return found


def read(layout: Layout) -> tuple[Graph, set[str]]:
    """Ask DVC for the graph of a study and its stale stages, at the same time."""
    with ThreadPoolExecutor() as pool:
        whole = pool.submit(read_graph, layout)
        stale = pool.submit(stale_stages, layout)
        return whole.result(), stale.result()


def read_graph(layout: Layout) -> Graph:
    """Ask DVC for the graph of a study."""
    dot = dvc(layout, "dag", "--dot")
    upstream: dict[str, list[str]] = {match["name"]: [] for match in NODE.finditer(dot)}
    for match in EDGE.finditer(dot):
        upstream[match["after"]].append(match["before"])
    order = TopologicalSorter(upstream).static_order()
    return Graph({stage: tuple(upstream[stage]) for stage in order})


def stale_stages(layout: Layout) -> set[str]:
    """Ask DVC which stages are not up to date; wait while another process of it runs some."""
    told = False
    while True:
        try:
            return set(json.loads(dvc(layout, "status", "--json")))
        except StageBusyError as error:
            if not told:
                sys.stderr.write(f"waiting for another DVC: {error}\n")
            told = True
            time.sleep(BUSY_SECONDS)


def dvc(layout: Layout, *arguments: str) -> str:
    """Run DVC in a study's folder and return what it prints.

    Raises:
        StudyError: If it fails.
        StageBusyError: If another process of DVC is in the way.
    """
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=layout.folder,
        env=stage_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        cause = " ".join(done.stderr.split()) or "it gives no reason"
        kind = StageBusyError if BUSY.search(done.stderr) else StudyError
        raise kind(f"dvc {arguments[0]} failed in {layout.folder}: {cause}")
    return done.stdout


def stage_environment() -> dict[str, str]:
    """The environment of DVC, in which stages find `gatewise`."""
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}


def guard_lock_files(layout: Layout) -> list[str]:
    """Undo what a kill in the middle of a write can do to DVC's files.

    DVC rewrites dvc.lock and its own lock table in place. A broken dvc.lock goes back to
    the last whole one seen here; a broken table is removed, since its holder is dead.

    Returns:
        What was mended, for a person.
    """
    mended = []
    lock, copy = layout.folder / "dvc.lock", layout.state / "dvc.lock"
    if lock.exists():
        content = read_lock(layout)
        if content is not None:
            layout.state.mkdir(parents=True, exist_ok=True)
            write_bytes(copy, content)
        elif copy.exists():
            write_bytes(lock, copy.read_bytes())
            mended.append("dvc.lock was cut off; the last whole one is back in place")
        else:
            lock.unlink()
            mended.append("dvc.lock was cut off and is removed; stages are found in the cache")
    table = layout.folder / ".dvc/tmp/rwlock"
    if table.exists() and not is_json(table.read_bytes()):
        time.sleep(WRITE_SECONDS)
        if table.exists() and not is_json(table.read_bytes()):
            table.unlink()
            mended.append("DVC's lock table was cut off and is removed")
    return mended


def is_json(text: bytes) -> bool:
    """Whether a text reads as JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def read_lock(layout: Layout) -> bytes | None:
    """Read dvc.lock when DVC is not writing it; None if it is cut off for good, or not there."""
    deadline = time.monotonic() + WRITE_SECONDS
    while True:
        lock = layout.folder / "dvc.lock"
        content = lock.read_bytes() if lock.exists() else b""
        if is_whole_lock(content):
            return content
        if time.monotonic() > deadline:
            return None
        time.sleep(0.02)


def is_whole_lock(text: bytes) -> bool:
    """Whether the text of a dvc.lock reads as one, and ends where a stage may end."""
    try:
        content = yaml.load(text, yaml.CSafeLoader)
    except yaml.YAMLError:
        return False
    ends = text.endswith(b"\n") and not text.endswith(b":\n")
    return ends and isinstance(content, dict) and {"schema", "stages"} <= content.keys()
