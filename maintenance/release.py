"""Check, build and tag a release; `make release VERSION=x.y.z` runs this.

Nothing is changed before all checks have passed. The tag stays on this machine until you push it.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

VERSION = re.compile(r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)")
"""Semantic Versioning without pre-releases."""

USE = """
import sys, torch, rnn_core
outputs, _ = rnn_core.Recurrent("gru", 3, 4)(torch.zeros(5, 2, 3))
assert outputs.shape == (5, 2, 4)
assert not {"dvc", "mlflow", "pandas", "prefect"} & set(sys.modules)
"""
"""Code that the library must run without any extra."""


class ReleaseError(Exception):
    """A release cannot be made; the text has all reasons, a line each."""


def main() -> int:
    """Read the command line and release; returns the exit code."""
    parser = argparse.ArgumentParser(prog="release.py", description=__doc__)
    parser.add_argument("version", help="version to release, such as 0.2.0")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="repository")
    parser.add_argument("--dry-run", action="store_true", help="do all but the tag")
    parser.add_argument("--check-only", action="store_true", help="stop before the build")
    given = parser.parse_args()
    try:
        check(given.root, given.version)
        if not given.check_only:
            release(given.root, given.version, given.dry_run)
    except ReleaseError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def check(root: Path, version: str) -> None:
    """Check that the repository is ready.

    Raises:
        ReleaseError: If it is not; names all reasons.
    """
    if problems := list(find_problems(root, version)):
        raise ReleaseError("\n  ".join(["not ready to release:", *problems]))


def find_problems(root: Path, version: str) -> Iterator[str]:
    """Yield what keeps the repository from a release, a line each."""
    if not VERSION.fullmatch(version):
        yield f"{version!r} is no version such as 0.2.0"
    if changed := run(root, "git", "status", "--porcelain"):
        names = ", ".join(line[3:] for line in changed.splitlines())
        yield f"the working tree is not clean: commit or remove {names}"
    stated = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    if stated != version:
        yield f"pyproject.toml has version {stated}; set it to {version}"
    if run(root, "git", "tag", "--list", f"v{version}"):
        yield f"the tag v{version} exists; choose the next version"
    yield from find_problems_of_changelog((root / "CHANGELOG.md").read_text(), version)
    if others := elsewhere(root, stated):
        yield f"the version is also in {', '.join(others)}; keep it in pyproject.toml alone"


def find_problems_of_changelog(text: str, version: str) -> Iterator[str]:
    """Yield what is wrong with the section of a version in CHANGELOG.md."""
    heading = re.compile(rf"^## {re.escape(version)} - \d{{4}}-\d\d-\d\d$", re.MULTILINE)
    if not (found := heading.search(text)):
        yield f'CHANGELOG.md has no heading "## {version} - YYYY-MM-DD"'
    elif not re.search(r"^- ", text[found.end() :].partition("\n## ")[0], re.MULTILINE):
        yield f"CHANGELOG.md says nothing about {version}"


def elsewhere(root: Path, version: str) -> list[str]:
    """Files of code or metadata that state the version too, as `version = "x.y.z"`."""
    pattern = rf"version(__)?[\"']?\s*[:=]\s*[\"']?{re.escape(version)}[\"']?\s*$"
    arguments = ("--extended-regexp", "--files-with-matches", "--ignore-case", pattern)
    places = (":(exclude)pyproject.toml", ":(exclude)tests", "*.py", "*.cff", "*.toml", "*.cfg")
    return run(root, "git", "grep", *arguments, "--", *places, passing=(0, 1)).split()


def release(root: Path, version: str, dry_run: bool) -> None:
    """Build both distributions, try the wheel, and set the tag unless it is a dry run.

    Raises:
        ReleaseError: If a step fails.
    """
    run(root, sys.executable, "-m", "build", "--outdir", "dist", ".")
    wheel = root / "dist" / f"gatewise-{version}-py3-none-any.whl"
    with tempfile.TemporaryDirectory() as folder:
        try_wheel(root, wheel, Path(folder))
    sys.stdout.write(f"built dist/{wheel.name} and its source distribution; the wheel works\n")
    if dry_run:
        sys.stdout.write(f"dry run: v{version} is not tagged\n")
        return
    run(root, "git", "tag", "--annotate", f"v{version}", "--message", f"Gatewise {version}")
    sys.stdout.write(f"tagged v{version}; next: git push origin v{version}\n")


def try_wheel(root: Path, wheel: Path, folder: Path) -> None:
    """Install a wheel without extras in a new environment, and use it.

    Raises:
        ReleaseError: If it cannot be installed or imported, or `gatewise` does not name the extra.
    """
    venv.create(folder, with_pip=True)
    python, constraints = str(folder / "bin/python"), str(root / "constraints.txt")
    run(folder, python, "-m", "pip", "install", "--quiet", "--constraint", constraints, str(wheel))
    run(folder, python, "-I", "-c", USE)
    said = run(folder, str(folder / "bin/gatewise"), passing=(2,))
    if "pip install '.[pipeline]'" not in said:
        raise ReleaseError(f"gatewise without extras does not name its extra: {said}")


def run(folder: Path, *command: str, passing: tuple[int, ...] = (0,)) -> str:
    """Run a command in a folder and return its output, errors included.

    Raises:
        ReleaseError: If its exit code is none of `passing`.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode not in passing:
        name = " ".join(command[:4])
        raise ReleaseError(f"{name} ended with exit code {done.returncode}:\n{done.stdout.strip()}")
    return done.stdout.rstrip()


if __name__ == "__main__":
    sys.exit(main())
