"""Read registered models, and the files of their versions."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from flows.system.command_line import command_line
from flows.tracking import compiled
from flows.tracking.alias import ABSENT, Asked
from flows.tracking.promoted import ALIAS
from flows.tracking.searches import all_models, all_versions
from rnn_core.errors import GatewiseError, ParameterError, hint
from rnn_core.files import digest_of
from rnn_core.readers.faults import some

DIGEST = "gatewise.digest"
"""The tag with the digest of a version's files."""

FILES = "gatewise.files"
"""The tag with the digest of all files that MLflow keeps of a version, with the code."""

RUN = "run"
"""Name of the folder of a model, with the preparation of its input."""

SEEN = "seen.safetensors"
"""Name of the file next to it, with marks of the items that it was trained or chosen on."""

EXAMPLES = "examples.json"
"""Name of the file next to the model with an input and the trained model's answer, in JSON."""

META_OF_MLFLOW = "registered_model_meta"
"""The file that MLflow adds when a version is fetched."""


class GoneError(GatewiseError):
    """The files of a version are missing, or have changed since they were registered.

    Attributes:
        cure: The advice to the user.
    """

    cure = "restore them from a backup, or delete the version in MLflow"


class ForeignCodeError(GoneError):
    """Beside the files of a version is compiled code that is not theirs."""

    cure = "remove it; Python compiles the sources again when it loads the model"


def registered_models() -> list[str]:
    """Names of all registered models."""
    return sorted(model.name for model in all_models(MlflowClient()))


def no_model(name: str, known: Sequence[str]) -> str:
    """The message about a model that does not exist, with the registered ones."""
    if not known:
        return f"there is no model {name!r}; none is registered: gatewise run registers them"
    return f"there is no model {name!r}; {hint(name, known) or f'registered: {some(known, 10)}'}"


def no_such(client: MlflowClient, asked: Asked) -> str:
    """The message about a version that does not exist, with those that do."""
    known = registered_models()
    if asked.name not in known:
        return no_model(asked.name, known)
    numbers = sorted(int(version.version) for version in all_versions(client, asked.name))
    if not numbers:
        return f"{asked.name} has no versions; gatewise run registers them"
    there = f"it has {some([str(number) for number in numbers], 10)}"
    if asked.alias == ALIAS:
        promote = command_line("champion", "promote", asked.name, "VERSION")
        advice = f"`{promote}` makes a version the champion"
        return f"{asked.name} has no champion; {advice}; {there}"
    if asked.alias is not None:
        return f"{asked.name} has no version with the alias {asked.alias!r}; {there}"
    return f"{asked.name} has no version {asked.number}; {there}"


def existing(client: MlflowClient, asked: Asked) -> ModelVersion:
    """The version that is asked for.

    Raises:
        ParameterError: If there is none.
    """
    version = asked.find(client)
    if version is None:
        raise ParameterError(no_such(client, asked))
    return version


def load_registered(address: str) -> Any:
    """Load a model from an address that MLflow knows, as its `PyFuncModel`.

    MLflow does not look whether the packages here are those of its registration: that reads the
    names of all files that are installed, for seconds.
    """
    return mlflow.pyfunc.load_model(address, suppress_warnings=True)


def registered_score(version: ModelVersion, metric: str) -> float | None:
    """The test score of a version when it was registered; None if it has none of this metric."""
    score = version.tags.get(f"gatewise.test_{metric}")
    return None if score is None else float(score)


def download(version: ModelVersion, folder: Path) -> Path:
    """Fetch the files of a version; returns a folder like that of `candidate`.

    Raises:
        GoneError: If its files are missing or changed.
    """
    place = f"models:/{version.name}/{version.version}/artifacts"
    try:
        files = Path(mlflow.artifacts.download_artifacts(place, dst_path=str(folder)))
    except (MlflowException, OSError) as error:
        if isinstance(error, MlflowException) and error.error_code not in ABSENT:
            raise
        raise GoneError("its files are gone") from error
    if not (files / RUN).is_dir() or not (files / SEEN).is_file():
        raise GoneError("it does not have the files that models of Gatewise have")
    if digest_of(files / RUN) != version.tags.get(DIGEST):
        raise GoneError("its files have been changed since it was registered")
    return files


def check_files(version: ModelVersion, folder: Path) -> None:
    """Fetch all files of a version, and compare their digests with those of its registration.

    Raises:
        GoneError: If its files are missing or changed.
        ForeignCodeError: If compiled code beside them is not theirs.
    """
    download(version, folder)
    if FILES in version.tags:
        found = digest_of_files(f"models:/{version.name}/{version.version}")
        if found != version.tags[FILES]:
            raise GoneError("its files have been changed since it was registered")


def digest_of_files(address: str) -> str:
    """The digest of all files of a model, except those that MLflow and Python add to them.

    Raises:
        ForeignCodeError: If Python would run compiled code that is not of these files.
    """
    with TemporaryDirectory() as temporary:
        files = Path(mlflow.artifacts.download_artifacts(address, dst_path=temporary))
        (files / META_OF_MLFLOW).unlink(missing_ok=True)
        if others := compiled.foreign(files):
            raise ForeignCodeError(
                f"its {others[0].relative_to(files)} is not compiled from its source by this Python"
            )
        for folder in [*files.rglob(compiled.FOLDER)]:
            shutil.rmtree(folder)
        return digest_of(files)
