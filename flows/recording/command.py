"""DVC's command line: the status of the stages, and the recording of stages that have run."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from flows.layout import Layout, repository_of
from flows.system.bound import bound_command
from flows.system.process import user
from rnn_core.errors import StudyError

NO_GIT = "is not a git repository"
"""Part of what DVC says where it expects one."""


class RecordingError(StudyError):
    """A command of DVC failed."""


def stale_stages(layout: Layout) -> set[str]:
    """Ask DVC which stages are not up to date.

    Raises:
        RecordingError: If DVC fails, for example because another DVC process is running stages.
    """
    return set(json.loads(dvc(layout, "status", "--json")))


def commit(layout: Layout, stages: Sequence[str]) -> None:
    """Record the current state of stages; new ones get into dvc.lock in the given order.

    Waits while another DVC process works in the study.

    Raises:
        RecordingError: If DVC fails.
    """
    dvc(layout, "--wait-for-lock", "commit", "--force", *stages)


def dvc_folder(folder: Path) -> Path:
    """The folder `.dvc` of the root that a folder is in; if it is in none, its own, to be made."""
    whole = folder.resolve()
    places = (path / ".dvc" for path in (whole, *whole.parents))
    return next((place for place in places if place.is_dir()), whole / ".dvc")


def has_remote(layout: Layout) -> bool:
    """Return whether a default remote is configured, from which results can be pulled."""
    return bool(dvc(layout, "config", "core.remote", check=False).strip())


def dvc(layout: Layout, *arguments: str, check: bool = True) -> str:
    """Run DVC in a study's folder and return its output; DVC ends with this process.

    Raises:
        RecordingError: If DVC was never set up for the study; or if it fails and `check` is true,
            with DVC's message.
    """
    if "init" not in arguments:
        check_set_up(layout)
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
        cause = " ".join(done.stderr.split()) or "no message from DVC"
        verb = next(part for part in arguments if not part.startswith("-"))
        told = f"dvc {verb} failed in {layout.folder.resolve()}: {cause}"
        raise RecordingError(told + without_git(layout, cause))
    return done.stdout


def check_set_up(layout: Layout) -> None:
    """Check that the study is in a folder of DVC, which `gatewise new` makes.

    Raises:
        RecordingError: If it is not, with the command that makes one.
    """
    if dvc_folder(layout.folder).is_dir():
        return
    study = layout.folder.resolve()
    how = "--no-scm" if repository_of(study) is None else "--subdir"
    tell = shlex.join(["dvc", "--cd", str(study), "init", how])
    raise RecordingError(f"{study} is not set up for DVC, which records results: `{tell}` does it")


def without_git(layout: Layout, cause: str) -> str:
    """Advice where DVC misses a git repository and there is none, as in an unpacked archive."""
    study = layout.folder.resolve()
    if NO_GIT not in cause or repository_of(study) is not None:
        return ""
    tell = shlex.join(["dvc", "--cd", str(study), "config", "--local", "core.no_scm", "true"])
    return f"; the study is in no git repository: `{tell}` tells DVC so"


def dvc_environment() -> dict[str, str]:
    """The environment variables for DVC.

    Its stages find `gatewise` on the path. It needs a name of the user, and not every user has one.
    """
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "LOGNAME": user(), "DVC_NO_ANALYTICS": "1"}
