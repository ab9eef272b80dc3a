"""Read registered models, and the files of their versions."""

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList

from flows.tracking.alias import ABSENT, unless_absent
from rnn_core.errors import GatewiseError
from rnn_core.files import digest_of
from rnn_core.readers.faults import some

T = TypeVar("T")

ADDRESS = re.compile(r"models:/([^/@]+)(?:/(\d+)|@(.+))")
"""Matches the address of a registered version in MLflow."""

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
    """The files of a version are missing, or have changed since they were registered."""


def every(ask: Callable[[str | None], PagedList[T]]) -> Iterator[T]:
    """All results of a search, which MLflow returns in pages.

    Args:
        ask: Asks for the page with a token; None: the first one.
    """
    token: str | None = None
    while True:
        page = ask(token)
        yield from page
        token = page.token
        if not token:
            return


def all_models(client: MlflowClient) -> Iterator[RegisteredModel]:
    """All registered models."""
    return every(lambda token: client.search_registered_models(page_token=token))


def all_versions(client: MlflowClient, name: str) -> Iterator[ModelVersion]:
    """All versions of a registered model."""
    mark = '"' if "'" in name else "'"
    query = f"name = {mark}{name}{mark}"
    return every(lambda token: client.search_model_versions(query, page_token=token))


def registered_models() -> list[str]:
    """Names of all registered models."""
    return sorted(model.name for model in all_models(MlflowClient()))


def names_near(name: str, known: Sequence[str]) -> str:
    """The registered models with names like one that does not exist, in words."""
    if not known:
        return "none is registered: gatewise run registers them"
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"registered: {some(known, 10)}"


def no_such(asked: str, known: Sequence[str]) -> str:
    """The message about a model or version that does not exist, with the registered ones."""
    name, mark, version = asked.partition("@")
    if mark and name in known:
        return f"{name} has no version {version}; gatewise champion history {name} lists them"
    return f"there is no model {asked!r}; {names_near(name, known)}"


def load_registered(address: str) -> Any:
    """Load a model from an address that MLflow knows, as its `PyFuncModel`.

    MLflow does not look whether the packages here are those of its registration: that reads the
    names of all files that are installed, for seconds.
    """
    return mlflow.pyfunc.load_model(address, suppress_warnings=True)


def is_registered(address: str) -> bool:
    """Return whether an address of MLflow, such as models:/NAME/3, is that of a version."""
    match = ADDRESS.fullmatch(address)
    if match is None:
        return False
    client, (name, number, alias) = MlflowClient(), match.groups()
    if number is not None:
        return unless_absent(partial(client.get_model_version, name, number)) is not None
    return unless_absent(partial(client.get_model_version_by_alias, name, alias)) is not None


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
    """
    download(version, folder)
    if FILES in version.tags:
        found = digest_of_files(f"models:/{version.name}/{version.version}")
        if found != version.tags[FILES]:
            raise GoneError("its files have been changed since it was registered")


def digest_of_files(address: str) -> str:
    """The digest of all files of a model, except the one that MLflow adds when it is fetched."""
    with TemporaryDirectory() as temporary:
        files = Path(mlflow.artifacts.download_artifacts(address, dst_path=temporary))
        (files / META_OF_MLFLOW).unlink(missing_ok=True)
        return digest_of(files)
