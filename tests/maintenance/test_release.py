"""A release is refused with all reasons at once, and nothing is tagged before it is checked."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RELEASE = Path(__file__).parents[2] / "maintenance/release.py"

PYPROJECT = '[project]\nname = "gatewise"\nversion = "1.2.3"\n'
CHANGELOG = (
    "# Changelog\n\n## 1.2.3 - 2026-11-29\n\n- One change.\n\n## 1.2.2 - 2026-11-01\n\n- A.\n"
)


def git(folder, *arguments):
    return subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def commit(folder, **files):
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "x")


@pytest.fixture
def repository(tmp_path):
    """A repository that is ready to release 1.2.3."""
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, pyproject__toml=PYPROJECT, CHANGELOG__md=CHANGELOG)
    return tmp_path


def release(repository, version, *options):
    done = subprocess.run(
        [sys.executable, RELEASE, version, "--root", repository, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_repository_that_is_ready_passes(repository):
    assert release(repository, "1.2.3", "--check-only") == (0, "")


UNREADY = {
    "no version": ("1.2", {}, "'1.2' is no version such as 0.2.0"),
    "another version": ("1.2.4", {}, "pyproject.toml has version 1.2.3; set it to 1.2.4"),
    "no section": (
        "1.2.3",
        {"CHANGELOG__md": "# Changelog\n"},
        'no heading "## 1.2.3 - YYYY-MM-DD"',
    ),
    "no date": ("1.2.3", {"CHANGELOG__md": CHANGELOG.replace(" - 2026-11-29", "")}, "no heading"),
    "empty section": (
        "1.2.3",
        {"CHANGELOG__md": CHANGELOG.replace("- One change.\n", "")},
        "CHANGELOG.md says nothing about 1.2.3",
    ),
    "version twice": ("1.2.3", {"CITATION__cff": "version: 1.2.3\n"}, "is also in CITATION.cff;"),
    "version in code": ("1.2.3", {"a__py": '__version__ = "1.2.3"\n'}, "is also in a.py;"),
}


@pytest.mark.parametrize("name", UNREADY)
def test_unready_repository_is_refused_with_the_reason(repository, name):
    version, files, reason = UNREADY[name]
    commit(repository, **files)
    code, said = release(repository, version)
    assert code == 1
    assert reason in said
    assert git(repository, "tag") == ""


def test_all_reasons_are_given_at_once(repository):
    git(repository, "tag", "v1.3.0")
    (repository / "notes.txt").write_text("draft")
    code, said = release(repository, "1.3.0")
    assert code == 1
    assert "commit or remove notes.txt" in said
    assert "the tag v1.3.0 exists" in said
    assert "set it to 1.3.0" in said
    assert len(said.splitlines()) == 5


def test_wheel_that_does_not_work_is_not_tagged(repository, monkeypatch):
    """Here `build` is a module that fails, found before the installed one."""
    broken = repository / ".git/broken"
    broken.mkdir()
    (broken / "build.py").write_text("raise SystemExit('no compiler')\n")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    code, said = release(repository, "1.2.3")
    assert code == 1
    assert "no compiler" in said
    assert git(repository, "tag") == ""


def test_make_names_the_missing_version():
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    done = subprocess.run(
        ["make", "--no-print-directory", "release", "VERSION="],
        cwd=RELEASE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "make release VERSION=0.2.0" in done.stdout + done.stderr
