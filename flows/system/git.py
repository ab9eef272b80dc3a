"""Ask git about a folder."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def git(folder: Path, *arguments: str) -> str | None:
    """Run git and return its output; None if it fails, for example outside a repository."""
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - the user's git
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
    """The root of the repository that a folder is in; None if it is in none."""
    found = git(folder, "rev-parse", "--show-toplevel")
    return Path(found) if found else None


def uncommitted(root: Path, paths: Sequence[Path]) -> list[str]:
    """Files at or below some paths that differ from the commit that is checked out.

    Args:
        root: Root of the repository.
        paths: Files and folders in it.
    """
    places = [str(path) for path in paths]
    told = git(root, "status", "--porcelain", "-z", "--untracked-files=all", "--", *places) or ""
    entries = [entry for entry in told.split("\0") if entry[2:3] == " "]  # no former names
    return sorted(entry[3:] for entry in entries)


def is_ignored(root: Path, path: Path) -> bool:
    """Return whether git ignores a path."""
    return git(root, "check-ignore", "--quiet", "--", str(path)) is not None
