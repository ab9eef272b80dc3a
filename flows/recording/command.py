"""DVC's command line: the status of the stages, and the recording of stages that have run."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from flows.layout import Layout
from flows.system.bound import bound_command
from rnn_core.errors import StudyError


class RecordingError(StudyError):
    """DVC refused to do what it was asked for."""


def stale_stages(layout: Layout) -> set[str]:
    """Ask DVC which stages are not up to date.

    Raises:
        RecordingError: If DVC cannot say, for example since another DVC runs stages.
    """
    return set(json.loads(dvc(layout, "status", "--json")))


def commit(layout: Layout, stages: Sequence[str]) -> None:
    """Record stages as they are now, in the given order, which new ones get in dvc.lock.

    Waits while another DVC is at work in the study.

    Raises:
        RecordingError: If DVC cannot.
    """
    dvc(layout, "--wait-for-lock", "commit", "--force", *stages)


def has_remote(layout: Layout) -> bool:
    """Whether a default remote is configured, from which results can be pulled."""
    return bool(dvc(layout, "config", "core.remote", check=False).strip())


def dvc(layout: Layout, *arguments: str, check: bool = True) -> str:
    """Run DVC in a study's folder and return what it prints; it ends with this process.

    Raises:
        RecordingError: If it fails, unless that is not checked; with DVC's own words.
    """
    done = subprocess.run(
        bound_command("dvc", *arguments),
        cwd=layout.folder,
        env=dvc_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        cause = " ".join(done.stderr.split()) or "it gives no reason"
        verb = next(part for part in arguments if not part.startswith("-"))
        raise RecordingError(f"dvc {verb} failed in {layout.folder.resolve()}: {cause}")
    return done.stdout


def dvc_environment() -> dict[str, str]:
    """The environment of DVC, in which stages find `gatewise`."""
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
