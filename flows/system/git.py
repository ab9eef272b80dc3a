"""What git knows of a folder."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def git(folder: Path, *arguments: str) -> str | None:
    """What git says; None if it refuses, as where there is no repository."""
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip("\n") if done.returncode == 0 else None


def head(folder: Path) -> str:
    """The commit that is checked out; empty if there is none."""
    return git(folder, "rev-parse", "--verify", "--quiet", "HEAD") or ""


def root_of(folder: Path) -> Path | None:
    """The repository that a folder lies in."""
    found = git(folder, "rev-parse", "--show-toplevel")
    return Path(found) if found else None


def uncommitted(root: Path, paths: Sequence[Path]) -> list[str]:
    """Files at or below some paths that are not as the checked out commit has them.

    Args:
        root: Of the repository.
        paths: In it.
    """
    places = [str(path) for path in paths]
    told = git(root, "status", "--porcelain", "-z", "--untracked-files=all", "--", *places) or ""
    entries = [entry for entry in told.split("\0") if entry[2:3] == " "]  # not whence a file moved
    return sorted(entry[3:] for entry in entries)


def is_ignored(root: Path, path: Path) -> bool:
    """Whether git is told not to look at a path."""
    return git(root, "check-ignore", "--quiet", "--", str(path)) is not None
