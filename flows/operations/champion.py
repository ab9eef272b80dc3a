"""Show and change the champions of the registry.

Before the alias moves to a version, its files are fetched and compared with their digest, and the
model is tested. This holds the same lock as promotion. A version that a user chose stays until a
better one comes; see `flows.tracking.promotion`.
"""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from flows.serving.version import Limits, load
from flows.tracking.alias import (
    CHALLENGER,
    Asked,
    alone,
    challenger_of,
    champion_of,
    move_by_hand,
    standing_of,
    unless_absent,
)
from flows.tracking.judging import Judged, judge
from flows.tracking.moves import Move, history_of
from flows.tracking.projection import connect, reachable
from flows.tracking.registered import GoneError, download, existing, no_model, registered_models
from rnn_core.errors import GatewiseError, ParameterError, StudyError


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The champion of a registered model.

    Attributes:
        name: Name of the model.
        version: The version that has the alias; None if none has.
        challenger: The version that is its challenger; None if there is none.
        moves: All recorded moves of the alias, from the first.
    """

    name: str
    version: ModelVersion | None
    challenger: ModelVersion | None
    moves: list[Move]

    @property
    def move(self) -> Move | None:
        """The move that gave the version the alias.

        None if it was not recorded: the alias was moved in MLflow, or a process was killed at
        that moment.
        """
        last = self.moves[-1] if self.moves else None
        here = str(self.version.version) if self.version else None
        return last if last is not None and last.version == here else None


def champions(name: str | None) -> list[Champion]:
    """The champion of a model, or of every one.

    Raises:
        ParameterError: If there is no such model.
        TrackingError: If MLflow does not answer.
    """
    client = connect()
    with reachable():
        names = registered_models()
        if name is not None:
            check_name(name, names)
        return [look(client, each) for each in ([name] if name else names)]


def look(client: MlflowClient, name: str) -> Champion:
    """Read the champion of a model."""
    return Champion(
        name=name,
        version=champion_of(client, name),
        challenger=challenger_of(client, name),
        moves=history_of(client, name),
    )


def check_name(name: str, known: list[str]) -> None:
    """Check that a model is registered.

    Raises:
        ParameterError: If it is not; names similar models.
    """
    if name not in known:
        raise ParameterError(no_model(name, known))


def promote(name: str, number: str, because: str) -> Champion:
    """Give the alias to a version that a user chose.

    Raises:
        ParameterError: If there is no such model or version, or no reason is given.
        StudyError: If the version has the alias already, its files are missing or changed, or it
            gives other answers than when it was registered.
        TrackingError: If MLflow does not answer.
    """
    client = connect()
    with reachable():
        check_name(name, registered_models())
    with alone(name):
        return move(client, name, number, because)


def rollback(name: str, number: str | None, because: str) -> Champion:
    """Give the alias back to a version that had it, or to another one.

    Args:
        name: Name of the model.
        number: Number of the version; None: the version that had the alias before the current one.
        because: The reason.

    Raises:
        As `promote`; ParameterError also if no version had the alias before.
    """
    client = connect()
    with reachable():
        check_name(name, registered_models())
    with alone(name):
        with reachable():
            back_to = number or version_before(client, look(client, name))
        return move(client, name, back_to, because)


def version_before(client: MlflowClient, champion: Champion) -> str:
    """The last version that had the alias before the current one and still exists.

    Raises:
        ParameterError: If there is none.
    """
    here = str(champion.version.version) if champion.version else None
    held = [number for move in champion.moves for number in (move.before, move.version)]
    for number in reversed(held):
        if number not in {None, here}:
            ask = partial(client.get_model_version, champion.name, str(number))
            if unless_absent(ask) is not None:
                return str(number)
    raise ParameterError(
        f"no other version of {champion.name} is known to have been the champion: name one by --to"
    )


def move(client: MlflowClient, name: str, number: str, because: str) -> Champion:
    """Move the alias; the caller must hold the model's lock."""
    reason = " ".join(because.split())
    if not reason:
        raise ParameterError("--because: say in some words why the champion changes")
    version = version_of(client, name, number)
    with reachable():
        standing = standing_of(client, name)
    if standing.has_alias and standing.version and standing.version.version == version.version:
        raise StudyError(f"version {number} of {name} is the champion already")
    check(version)
    with reachable():
        move_by_hand(client, version, standing, reason)
        return look(client, name)


def shadow(name: str, number: str | None) -> Champion:
    """Make a version the challenger of the champion, or end that.

    Args:
        name: Name of the model.
        number: Number of the version; None: there is no challenger any more.

    Raises:
        As `promote`; StudyError if the version is the champion itself.
    """
    client = connect()
    with reachable():
        check_name(name, registered_models())
    with alone(name):
        if number is None:
            with reachable():
                client.delete_registered_model_alias(name, CHALLENGER)
                return look(client, name)
        version = version_of(client, name, number)
        with reachable():
            champion = champion_of(client, name)
        if champion is not None and champion.version == version.version:
            raise StudyError(f"version {number} of {name} is the champion itself")
        check(version)
        with reachable():
            client.set_registered_model_alias(name, CHALLENGER, number)
            return look(client, name)


def score(name: str, data: Path) -> Judged:
    """Compare the challenger with the champion on new data with the truth.

    Each model prepares the data itself. Both are scored on the test set, as the challenger divides
    the data, without items that either was trained or chosen on.

    Args:
        name: Name of the model.
        data: A file or folder in the form of the dataset's source.

    Raises:
        ParameterError: If there is no such model or data.
        StudyError: If one of the two is missing, or its files are missing or changed.
        DataError: If the data cannot be used.
    """
    champion, challenger = compared(name, data)
    with TemporaryDirectory(prefix="gatewise-") as temporary:
        place = Path(temporary)
        raw = laid_out(data, place / "raw")
        with reachable():
            first = fetch(challenger, place / "challenger")
            second = fetch(champion, place / "champion")
        return judge(first, second, raw)


def compared(name: str, data: Path) -> tuple[ModelVersion, ModelVersion]:
    """The champion and the challenger of a model, which are to be compared on some data.

    Raises:
        ParameterError: If there is no such model or data.
        StudyError: If one of the two is missing.
    """
    (found,) = champions(name)
    if found.version is None or found.challenger is None:
        raise StudyError(f"{name} has no two to compare: `gatewise champion shadow` names another")
    if not data.exists():
        raise ParameterError(f"there is no {data}")
    return found.version, found.challenger


def laid_out(data: Path, raw: Path) -> Path:
    """Copy a file or folder into the layout of raw files."""
    if data.is_dir():
        shutil.copytree(data, raw)
    else:
        raw.mkdir()
        shutil.copy(data, raw)
    return raw


def fetch(version: ModelVersion, folder: Path) -> Path:
    """Fetch the files of a version.

    Raises:
        StudyError: If they are missing or changed.
    """
    folder.mkdir()
    try:
        return download(version, folder)
    except GoneError as error:
        raise StudyError(f"version {version.version} of {version.name}: {error}") from error


def version_of(client: MlflowClient, name: str, number: str) -> ModelVersion:
    """A version of a model.

    Raises:
        ParameterError: If there is none of this number.
    """
    with reachable():
        return existing(client, Asked(f"{name}@{number}", name, None, number))


def check(version: ModelVersion) -> None:
    """Fetch a version, compare its files with their digest, and test its answer.

    Raises:
        StudyError: If its files or its answer differ from those of its registration.
    """
    try:
        with reachable():
            load(version, Limits())
    except GatewiseError as error:
        raise StudyError(
            f"version {version.version} of {version.name} cannot answer, so the alias was not "
            f"moved: {error}"
        ) from error
