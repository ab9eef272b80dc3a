"""The dvc.yaml of a study: a link to that of the clone, or with an installed package its own file.

In a clone there is one dvc.yaml, to which all studies link. Its stage `code` depends on the folders
of the code. An installed package has a different path on each machine, and dvc.lock must not hold
such paths. So there each study has its own dvc.yaml, whose stage `code` depends on the package's
version: the version is a comment in the stage's command, which DVC keeps in dvc.lock and compares.
When another version brings the study up to date, it rewrites the file.
"""

import os
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from flows.layout import Layout
from flows.system.home import clone
from rnn_core.errors import StudyError
from rnn_core.files import write_text

NAME = "dvc.yaml"
STAGES = Path(__file__).with_name("stages.yaml")
"""The clone's dvc.yaml: in a clone this is a link to it, in a package a copy."""

MARK = "# Written by gatewise"
"""First words of a dvc.yaml that an installed package has written."""


def root_for(folder: Path) -> str:
    """The value of `root` for params.yaml of a new study: the path to the clone, or "."."""
    found = clone()
    return os.path.relpath(found, folder) if found else "."


def lay_graph(folder: Path, root: str) -> None:
    """Write dvc.yaml of a new study."""
    if clone():
        (folder / NAME).symlink_to(f"{root}/{NAME}")
    else:
        write_text(folder / NAME, own_graph())


def own_graph() -> str:
    """The text of dvc.yaml of a study that an installed package runs."""
    content: dict[str, Any] = yaml.safe_load(STAGES.read_bytes())
    code = content["stages"]["code"]
    del code["deps"]
    code["cmd"] += f"  # of gatewise {version('gatewise')}"
    return f"{head()}\n{yaml.safe_dump(content, sort_keys=False, width=100)}"


def head() -> str:
    """The first line of a dvc.yaml written by the installed version."""
    return f"{MARK} {version('gatewise')}; `gatewise run` of another version rewrites it.\n"


def bring_up_to_date(layout: Layout) -> None:
    """Rewrite a study's dvc.yaml if another version than the installed one wrote it.

    Raises:
        StudyError: If it is for a clone and this code is installed, or the other way round: DVC
            would check other code than the code that runs. Also if a clone's study has none.
    """
    file = layout.folder / NAME
    text = file.read_text(encoding="utf-8") if file.exists() else None
    if clone():
        if text is None:
            why = "links to nothing, as after a move of the study or the clone"
            told = why if file.is_symlink() else "is missing"
            root = root_for(layout.folder.resolve())
            relink = shlex.join(["ln", "-sfn", f"{root}/{NAME}", str(file.absolute())])
            raise StudyError(
                f"{file} {told}; set `root: {root}` in params.yaml, and call `{relink}`"
            )
        if text and text.startswith(MARK):
            raise StudyError(
                f"{file} is for an installed gatewise, but you are running the clone {clone()}; "
                "use the installed one, or link dvc.yaml to the clone's and set `root` in "
                "params.yaml to the clone"
            )
    elif text and not text.startswith(MARK):
        raise StudyError(
            f"{file} is for gatewise in a clone, but you are running an installed one; use the one "
            "in the clone, or remove dvc.yaml, and `gatewise run` writes a new one"
        )
    elif text != own_graph():
        write_text(file, own_graph())


def check_version(layout: Layout) -> None:
    """Check that the installed version is the one that last brought a study up to date.

    Raises:
        StudyError: If it was another version.
    """
    file = layout.folder / NAME
    if clone() is None and not file.read_text(encoding="utf-8").startswith(head()):
        raise StudyError(
            f"{NAME} was written by another version than the installed gatewise "
            f"{version('gatewise')}; run `gatewise run` to bring the study up to date"
        )
