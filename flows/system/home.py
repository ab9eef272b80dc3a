"""The folder for files that all studies share: the databases of MLflow and Prefect, and logs.

In a clone it is the clone itself, so that removing the clone removes all of them. An installed
package must not write to its own folder, so it uses the user's data folder. The folder of a study
does not serve: the registry has the models of all studies, and you can use them from anywhere.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.layout import Layout
from rnn_core.errors import GatewiseError, StudyError, nearest

PACKAGES = Path(__file__).resolve().parents[2]
"""The folder that `flows` and `rnn_core` are in."""

PARAMETERS = "params.yaml"
"""The file that makes a folder a study."""

SETTINGS = Path(__file__).with_name("prefect.toml")
"""Prefect's settings, which it reads from the current folder."""


def clone() -> Path | None:
    """The clone that this code is in; None if the package is installed."""
    project = PACKAGES / "pyproject.toml"
    is_ours = project.is_file() and 'name = "gatewise"' in project.read_text(encoding="utf-8")
    return PACKAGES if is_ours else None


def home() -> Path:
    """The folder that this module's docstring describes."""
    if found := clone():
        return found
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser().absolute() / "gatewise"


def near(study: Path) -> str:
    """The study beside a folder with the most similar name, as a question; or how to make one."""
    files = study.parent.glob(f"*/{PARAMETERS}")
    known = [file.parent.name for file in files if file.is_file()]
    close = nearest(study.name, known)
    return f"; did you mean {study.parent / close}?" if close else "; `gatewise new` makes one"


@contextmanager
def as_typed(*given: Path | None) -> Iterator[None]:
    """Name files in errors as the user typed them, although the current folder changes."""
    whole = {str(path.resolve()): str(path) for path in given if path is not None}
    try:
        yield
    except GatewiseError as error:
        text = str(error)
        for place, typed in whole.items():
            text = text.replace(place, typed)
        error.args = (text,)
        raise


def enter_home(study: Path) -> Path:
    """Make it the current folder; returns the study's folder from there, if it lies in it.

    Raises:
        StudyError: If a folder is named that is no study; names a study with a similar name.
    """
    if study != Path() and not (study / PARAMETERS).exists():
        raise StudyError(
            f"{study / PARAMETERS} is missing; a study is a folder with one{near(study)}"
        )
    folder, place = study.resolve(), home().resolve()
    Layout(place).state.mkdir(parents=True, exist_ok=True)  # Prefect makes its folder there
    if clone() is None:
        shutil.copy(SETTINGS, place)
    os.chdir(place)
    return folder.relative_to(place) if folder.is_relative_to(place) else folder
