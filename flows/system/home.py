"""Where Gatewise keeps what is of no single study: the databases of MLflow and Prefect, and logs.

In a clone that is the clone: what a person tries there stays there, and goes with it. An
installed package has no such folder, and its own is not to be written to. It uses the user's data
folder, and not that of a study: the registry is of all studies, and a model of it is asked from
anywhere.
"""

import os
import shutil
from difflib import get_close_matches
from pathlib import Path

from flows.layout import Layout
from rnn_core.errors import StudyError

PACKAGES = Path(__file__).resolve().parents[2]
"""The folder that `flows` and `rnn_core` lie in."""

PARAMETERS = "params.yaml"
"""The file that makes a folder a study."""

SETTINGS = Path(__file__).with_name("prefect.toml")
"""Prefect's settings, which it reads from the current folder."""


def clone() -> Path | None:
    """The clone that this code lies in; None if it is installed."""
    project = PACKAGES / "pyproject.toml"
    is_ours = project.is_file() and 'name = "gatewise"' in project.read_text()
    return PACKAGES if is_ours else None


def home() -> Path:
    """The folder; see the top of this file."""
    if found := clone():
        return found
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser().absolute() / "gatewise"


def near(study: Path) -> str:
    """The study beside a folder whose name is most like that of the folder, as a question."""
    known = [file.parent.name for file in study.parent.glob(f"*/{PARAMETERS}")]
    close = get_close_matches(study.name, known, n=1)
    return f"; did you mean {study.parent / close[0]}?" if close else ""


def enter_home(study: Path) -> Path:
    """Make it the current folder; returns the study's folder from there, if it lies in it.

    Raises:
        StudyError: If a folder is named that is no study; names a study with a similar name.
    """
    if study != Path() and not (study / PARAMETERS).is_file():
        raise StudyError(
            f"{study / PARAMETERS} is missing; a study is a folder with one{near(study)}"
        )
    folder, place = study.resolve(), home().resolve()
    Layout(place).state.mkdir(parents=True, exist_ok=True)  # in which Prefect makes its folder
    if clone() is None:
        shutil.copy(SETTINGS, place)
    os.chdir(place)
    return folder.relative_to(place) if folder.is_relative_to(place) else folder
