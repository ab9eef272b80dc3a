"""dvc.yaml of a study: that of the clone, or beside an installed package one of its own.

In a clone there is one dvc.yaml, to which studies link; its stage `code` depends on the folders of
the code. An installed package lies at another path on each machine, and no such path may get into
dvc.lock. So there each study has a dvc.yaml whose stage `code` depends on the package's version
instead: it stands as a remark in the stage's command, which DVC keeps in dvc.lock and compares.
Another version that brings the study up to date writes the file anew.
"""

import os
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
"""The dvc.yaml of the clone; a link to it, in whose place a package has a copy."""

MARK = "# Written by gatewise"
"""What a dvc.yaml of ours that is no link begins with."""


def root_for(folder: Path) -> str:
    """What `root` in params.yaml of a new study is: the clone from there, or nothing else."""
    found = clone()
    return os.path.relpath(found, folder) if found else "."


def lay_graph(folder: Path, root: str) -> None:
    """Give a new study its dvc.yaml."""
    if clone():
        (folder / NAME).symlink_to(f"{root}/{NAME}")
    else:
        write_text(folder / NAME, own_graph())


def own_graph() -> str:
    """The dvc.yaml of a study beside an installed package."""
    content: dict[str, Any] = yaml.safe_load(STAGES.read_bytes())
    code = content["stages"]["code"]
    del code["deps"]
    code["cmd"] += f"  # of gatewise {version('gatewise')}"
    return f"{head()}\n{yaml.safe_dump(content, sort_keys=False, width=100)}"


def head() -> str:
    """The first line of a dvc.yaml of the installed version."""
    return f"{MARK} {version('gatewise')}, and anew by `gatewise run` of another version.\n"


def bring_up_to_date(layout: Layout) -> None:
    """Write a study's dvc.yaml anew if it is of another version than the one installed.

    Raises:
        StudyError: If it is for a clone and this code is installed, or the other way round: DVC
            would look at other code than that which runs.
    """
    file = layout.folder / NAME
    text = file.read_text() if file.exists() else None
    if clone():
        if text and text.startswith(MARK):
            raise StudyError(
                f"{file} is for an installed gatewise, and this one is the clone {clone()}; use "
                "the installed one, or link dvc.yaml to that of the clone and set `root` in "
                "params.yaml to the clone"
            )
    elif text and not text.startswith(MARK):
        raise StudyError(
            f"{file} is for gatewise in a clone, and this one is installed; use that of the "
            "clone, or remove dvc.yaml, which is then written anew"
        )
    elif text != own_graph():
        write_text(file, own_graph())


def check_version(layout: Layout) -> None:
    """Refuse to run a stage of a study that was last brought up to date by another version.

    Raises:
        StudyError: If it was.
    """
    if clone() is None and not (layout.folder / NAME).read_text().startswith(head()):
        raise StudyError(
            f"{NAME} is of another version than gatewise {version('gatewise')}, which is "
            "installed; run `gatewise run`, which brings the study up to date"
        )
