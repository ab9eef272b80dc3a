"""Train a registered model again, from its commit and an empty store, and compare the two.

On the same kind of machine, with the same compiler, PyTorch and threads, both have the same bytes.
Elsewhere weights differ in their last digits, and so do digests.
"""

import os
import re
import subprocess
from importlib.metadata import version as installed
from pathlib import Path

from flows.layout import Layout
from flows.operations.lineage import Lineage
from flows.recording.command import dvc, dvc_folder
from flows.recording.lock_file import lock_file
from flows.system.bound import bound_command
from flows.system.environment import TRACKING
from flows.system.git import git, root_of
from flows.system.home import clone
from flows.tracking import registry
from flows.tracking.origin import locked
from rnn_core.comparison.outcome import read_comparison
from rnn_core.errors import StudyError

COMMIT = re.compile(r"[0-9a-f]{40,64}")

OTHERS = re.compile("PREFECT_|MLFLOW_|GATEWISE_STORE|DVC_EXP_")
"""Environment variables that would make the run use, or change, shared stores and servers."""


def reproduce(found: Lineage, root: Path, scratch: Path) -> list[str]:
    """Train a version again.

    Args:
        found: Its origin.
        root: The repository that has it; see `check_reproducible`.
        scratch: An empty folder for all files that this makes.

    Returns:
        A line for each difference; empty if the model is the same.

    Raises:
        StudyError: If it cannot be trained again, or the run fails.
    """
    study = check_out(found, root, scratch / "clone")
    run(found, study, scratch)
    return differences(found, Layout(study))


def check_reproducible(found: Lineage, folder: Path) -> Path:
    """Check that a commit has all files of a version; returns the repository of the study.

    Raises:
        StudyError: If there is no such commit here.
    """
    name, root = f"{found.model} version {found.version}", root_of(folder)
    if not found.commit:
        raise StudyError(
            f"{name} was registered from a study in no commit: there is nothing to make it from"
        )
    if found.uncommitted:
        raise StudyError(
            f"{name} cannot be made again, since these were not committed when it was registered: "
            f"{', '.join(found.uncommitted)}; commit before a run, to be able to"
        )
    if root is None or git(root, "cat-file", "-e", f"{found.commit}^{{commit}}") is None:
        raise StudyError(
            f"the repository of {folder.resolve()} does not have commit {found.commit}, from which "
            f"{name} was made: fetch it, or name its study by --study"
        )
    check_code(found, root)
    return root


def check_code(found: Lineage, root: Path) -> None:
    """Check that the version's code is available.

    Raises:
        StudyError: If it is neither in the study's repository nor installed.
    """
    ours = clone()
    if COMMIT.fullmatch(found.code):
        if found.code == found.commit and ours and ours.resolve() == root.resolve():
            return
        raise StudyError(
            f"its code is commit {found.code} of another repository than its study; check that out "
            "beside the study, and run the study there"
        )
    here = f"gatewise {installed('gatewise')}"
    if ours is not None or here != found.code:
        raise StudyError(f"it was made by {found.code}, and here is {here}: install that version")


def check_out(found: Lineage, root: Path, place: Path) -> Path:
    """Clone a repository at the version's commit; returns the study's folder in the clone.

    Raises:
        StudyError: If git fails, or the commit does not have the study.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    cloned = git(root, "clone", "--quiet", "--shared", "--no-checkout", str(root), str(place))
    if cloned is None or git(place, "checkout", "--quiet", "--detach", found.commit) is None:
        raise StudyError(f"git cannot check out {found.commit} of {root} in {place}")
    study = place / found.study
    if not (study / "params.yaml").is_file():
        raise StudyError(f"commit {found.commit} has no study in {found.study}")
    layout = Layout(study)
    lock_file(layout).unlink(missing_ok=True)  # train everything, fetch nothing
    if not dvc_folder(study).is_dir():
        dvc(layout, "init", "--quiet", "--no-scm")
    return study


def run(found: Lineage, study: Path, scratch: Path) -> None:
    """Bring the dataset of a version up to date in a clone, with its own store and MLflow.

    Raises:
        StudyError: If that fails.
    """
    environment = {k: v for k, v in os.environ.items() if not OTHERS.match(k)}
    environment[TRACKING] = f"sqlite:///{scratch.resolve()}/mlflow.db"
    environment["PREFECT_HOME"] = str(scratch.resolve() / "prefect")
    if COMMIT.fullmatch(found.code):
        environment["PYTHONPATH"] = str(scratch.resolve() / "clone")
    wanted = ("--only", f"compare@{found.dataset}", "--no-promote")
    done = subprocess.run(
        bound_command("flows.commands", "run", ".", *wanted),
        cwd=study,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise StudyError(f"the run in {study} failed; its errors are above")


def differences(found: Lineage, layout: Layout) -> list[str]:
    """A line for each difference between a version and the new model from the same commit."""
    now = locked(layout, found.dataset)
    names = [name for name in found.lock if name != "lock" and found.lock[name] != now.get(name)]
    told = [
        f"{name.removeprefix('lock_')}: {now.get(name, 'nothing')}, and was {found.lock[name]}"
        for name in names
    ]
    comparison = read_comparison(layout.comparison(found.dataset))
    if comparison.recommended is None:
        return [*told, "nothing is recommended now"]
    with registry.candidate(layout, found.dataset, comparison) as folder:
        digest = registry.digest_in(folder)
    if digest != found.digest:
        told.append(f"the model: {digest}, and was {found.digest}")
    return told
