"""The alias of the champion, and whether a person has moved it.

A tag of the registered model names the version to which Gatewise moved the alias last. Where the
alias is elsewhere, a person moved it, on whichever machine that was.
"""

import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from flows.layout import Layout
from flows.system.exclusive import exclusive
from flows.system.home import home
from flows.tracking.moves import note_move
from rnn_core.errors import ParameterError

T = TypeVar("T")

NAME = re.compile(r"(?P<name>[^/@:]+)(?:@(?:(?P<number>\d+)|(?P<alias>[\w-]+)))?")
"""How a person names a version of a registered model."""

ALIAS = "champion"

CHALLENGER = "challenger"
"""The alias of a version that answers beside the champion for a while."""

TAG = "gatewise.champion"
"""Names versions between blanks: more than one while the alias is moved, which may be cut off."""

NOWHERE = "-"
"""Stands in the tag for no version at all."""

ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What MLflow says of a model, a version or an alias that it does not have."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a challenger finds.

    Attributes:
        version: The version that it is held against: that of the alias, or one that a person
            took the alias from; None if there is none.
        by_hand: Whether a person moved the alias, or took it away.
        has_alias: Whether the alias points to `version`.
        ours: Versions of which one had the alias when Gatewise moved it last.
        is_first: Whether the model has no version at all.
    """

    version: ModelVersion | None
    by_hand: bool
    has_alias: bool
    ours: tuple[str, ...]
    is_first: bool


def standing_of(client: MlflowClient, name: str) -> Standing:
    """What a challenger for a registered model finds."""
    found, ours = champion_of(client, name), ours_of(client, name)
    at = str(found.version) if found else NOWHERE
    by_hand = at not in ours if ours or found else False
    withdrawn = latest(client, name, ours) if by_hand and found is None else None
    return Standing(
        version=found or withdrawn,
        by_hand=by_hand,
        has_alias=found is not None,
        ours=ours,
        is_first=not client.search_model_versions(f"name = '{name}'"),
    )


def champion_of(client: MlflowClient, name: str) -> ModelVersion | None:
    """The version that the alias points to, if it points anywhere."""
    return unless_absent(partial(client.get_model_version_by_alias, name, ALIAS))


def challenger_of(client: MlflowClient, name: str) -> ModelVersion | None:
    """The version that answers beside the champion, if one does."""
    return unless_absent(partial(client.get_model_version_by_alias, name, CHALLENGER))


def ours_of(client: MlflowClient, name: str) -> tuple[str, ...]:
    """What the tag says."""
    model = unless_absent(partial(client.get_registered_model, name))
    return tuple(model.tags.get(TAG, "").split()) if model else ()


def latest(client: MlflowClient, name: str, versions: tuple[str, ...]) -> ModelVersion | None:
    """The last of some versions that is still there."""
    for number in sorted((v for v in versions if v != NOWHERE), key=int, reverse=True):
        if found := unless_absent(partial(client.get_model_version, name, number)):
            return found
    return None


def unless_absent(ask: Callable[[], T]) -> T | None:
    """What MLflow answers; None where it says that there is no such thing."""
    try:
        return ask()
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise


def alone(name: str) -> AbstractContextManager[None]:
    """Hold the lock of a registered model, under which alone its alias is moved.

    It lies beside the registry if that is a file, so that all studies and clones that use it wait
    for one another; of a server, they are those of one home.
    """
    address = os.environ.get("MLFLOW_REGISTRY_URI") or os.environ["MLFLOW_TRACKING_URI"]
    _, is_file, database = address.partition("sqlite:///")
    folder = Path(database).resolve().parent if is_file else home()
    return exclusive(Layout(folder), f"registry-{name}")


def move_alias(
    client: MlflowClient, version: ModelVersion, standing: Standing, because: str
) -> None:
    """Move the alias to a version, as the rule of promotion says.

    Cut off anywhere, the tag does not take for a person's doing what was Gatewise's, nor the
    other way round.
    """
    name, number = version.name, str(version.version)
    before = " ".join(standing.ours) or NOWHERE
    client.set_registered_model_tag(name, TAG, f"{before} {number}")
    client.set_registered_model_alias(name, ALIAS, number)
    client.set_registered_model_tag(name, TAG, number)
    end_challenge_of(client, version)
    note_move(client, version, aliased(standing), because, by_hand=False)


def move_by_hand(
    client: MlflowClient, version: ModelVersion, standing: Standing, because: str
) -> None:
    """Move the alias to a version, as a person decided.

    The tag stays, so that it is known which version the person has put aside. Where it names the
    very version, it is to name none: the decision of a person is more than that of the rule.
    """
    name, number = version.name, str(version.version)
    if number in standing.ours:
        client.set_registered_model_tag(name, TAG, NOWHERE)
    client.set_registered_model_alias(name, ALIAS, number)
    end_challenge_of(client, version)
    note_move(client, version, aliased(standing), because, by_hand=True)


def aliased(standing: Standing) -> ModelVersion | None:
    """The version that has the alias."""
    return standing.version if standing.has_alias else None


def end_challenge_of(client: MlflowClient, version: ModelVersion) -> None:
    """Let a version that is the champion now be no challenger."""
    challenger = challenger_of(client, version.name)
    if challenger is not None and challenger.version == version.version:
        client.delete_registered_model_alias(version.name, CHALLENGER)


@dataclass(frozen=True)
class Asked:
    """Which version of a model is to answer.

    Attributes:
        key: As a person wrote it, by which it is asked.
        name: Of the registered model.
        alias: Which alias is followed; None: the version stays.
        number: Of the version then.
    """

    key: str
    name: str
    alias: str | None
    number: str | None

    @property
    def address(self) -> str:
        """The address for MLflow."""
        which = f"@{self.alias}" if self.alias else f"/{self.number}"
        return f"models:/{self.name}{which}"

    def find(self, client: MlflowClient) -> ModelVersion | None:
        """The version that is to answer now; None if there is none."""
        if self.alias is not None:
            alias = self.alias
            return unless_absent(lambda: client.get_model_version_by_alias(self.name, alias))
        return unless_absent(lambda: client.get_model_version(self.name, str(self.number)))


def asked_of(text: str) -> Asked:
    """Which version is meant by `study.dataset`, `study.dataset@3` or `study.dataset@alias`.

    Raises:
        ParameterError: If none can be.
    """
    match = NAME.fullmatch(text)
    if match is None:
        raise ParameterError(f"{text!r} is no model; write study.dataset or study.dataset@VERSION")
    alias = None if match["number"] else match["alias"] or ALIAS
    return Asked(text, match["name"], alias, match["number"])
