"""The alias of the champion, and whether a user has moved it.

A tag of the registered model names the version to which Gatewise last moved the alias. If the alias
points elsewhere, a user moved it, on any machine.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from flows.system.command_line import command_line
from flows.system.exclusive import exclusive
from flows.tracking.address import beside_registry
from flows.tracking.moves import note_move
from flows.tracking.promoted import ALIAS
from flows.tracking.searches import all_versions
from rnn_core.errors import ParameterError, StudyError

T = TypeVar("T")

NAME = re.compile(r"(?P<name>[^/@:]+)(?:@(?:(?P<number>\d+)|(?P<alias>[\w-]+)))?")
"""Matches the name of a version of a registered model, as a user writes it."""

ADDRESS = re.compile(r"models:/(?P<name>[^/@:]+)(?:/(?P<number>\d+)|@(?P<alias>[\w-]+))")
"""Matches its address in MLflow."""

CHALLENGER = "challenger"
"""The alias of a version that gets the same requests as the champion for a while."""

TAG = "gatewise.champion"
"""The tag: versions, separated by spaces. There are two while the alias is being moved."""

NOWHERE = "-"
"""The tag's value for no version."""

ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""Error codes of MLflow for a model, version or alias that does not exist."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The state of a registered model, before a challenger is judged.

    Attributes:
        version: The version that the challenger is compared with: that of the alias, or the one
            that a user took the alias from; None if there is none.
        by_hand: Whether a user moved the alias, or took it away.
        has_alias: Whether the alias points to `version`.
        ours: The version that Gatewise last moved the alias to; two if the move was cut off.
        is_first: Whether the model has no version at all.
    """

    version: ModelVersion | None
    by_hand: bool
    has_alias: bool
    ours: tuple[str, ...]
    is_first: bool


def standing_of(client: MlflowClient, name: str) -> Standing:
    """Read the state of a registered model."""
    found, ours = champion_of(client, name), ours_of(client, name)
    at = str(found.version) if found else NOWHERE
    by_hand = at not in ours if ours or found else False
    withdrawn = latest(client, name, ours) if by_hand and found is None else None
    return Standing(
        version=found or withdrawn,
        by_hand=by_hand,
        has_alias=found is not None,
        ours=ours,
        is_first=next(all_versions(client, name), None) is None,
    )


def champion_of(client: MlflowClient, name: str) -> ModelVersion | None:
    """The version that the alias points to; None if there is no alias."""
    return unless_absent(partial(client.get_model_version_by_alias, name, ALIAS))


def challenger_of(client: MlflowClient, name: str) -> ModelVersion | None:
    """The version with the alias of a challenger; None if there is none."""
    return unless_absent(partial(client.get_model_version_by_alias, name, CHALLENGER))


def ours_of(client: MlflowClient, name: str) -> tuple[str, ...]:
    """The versions in the tag."""
    model = unless_absent(partial(client.get_registered_model, name))
    return tuple(model.tags.get(TAG, "").split()) if model else ()


def latest(client: MlflowClient, name: str, versions: tuple[str, ...]) -> ModelVersion | None:
    """The last of some versions that still exists; None if none does."""
    for number in sorted(filter(str.isdecimal, versions), key=int, reverse=True):
        if found := unless_absent(partial(client.get_model_version, name, number)):
            return found
    return None


def unless_absent(ask: Callable[[], T]) -> T | None:
    """Ask MLflow; returns None if what is asked for does not exist."""
    try:
        return ask()
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise


def alone(name: str) -> AbstractContextManager[None]:
    """Hold the lock of a registered model; the alias may be moved only while it is held."""
    return exclusive(beside_registry(), f"registry-{name}")


def move_alias(
    client: MlflowClient, version: ModelVersion, standing: Standing, because: str
) -> None:
    """Move the alias to a version, because the rule of promotion says so.

    Even if this is cut off, the tag shows whether Gatewise or a user moved the alias.

    Raises:
        StudyError: If the alias was moved elsewhere; see `check_place`.
    """
    name, number = version.name, str(version.version)
    check_place(client, name, aliased(standing))
    before = " ".join(standing.ours) or NOWHERE
    client.set_registered_model_tag(name, TAG, f"{before} {number}")
    client.set_registered_model_alias(name, ALIAS, number)
    client.set_registered_model_tag(name, TAG, number)
    check_place(client, name, version)
    end_challenge_of(client, version)
    note_move(client, version, aliased(standing), because, by_hand=False)


def move_by_hand(
    client: MlflowClient, version: ModelVersion, standing: Standing, because: str
) -> None:
    """Move the alias to a version, because a user decided so.

    The tag stays, so that it shows which version the user has replaced. If it names the version
    that the alias moves to, it is cleared: otherwise the rule would seem to have chosen it.

    Raises:
        StudyError: If the alias was moved elsewhere; see `check_place`.
    """
    name, number = version.name, str(version.version)
    check_place(client, name, aliased(standing))
    if number in standing.ours:
        client.set_registered_model_tag(name, TAG, NOWHERE)
    client.set_registered_model_alias(name, ALIAS, number)
    check_place(client, name, version)
    end_challenge_of(client, version)
    note_move(client, version, aliased(standing), because, by_hand=True)


def check_place(client: MlflowClient, name: str, version: ModelVersion | None) -> None:
    """Check that the alias is at a version, or nowhere.

    MLflow cannot move an alias on a condition, and machines that share its server have no lock in
    common. So the alias is read just before it is moved, and once more after that. What another
    machine moves between these two is not compared with this version; what it moves later counts
    as moved by hand if it is not in the tag.

    Raises:
        StudyError: If it is elsewhere, since another machine or a user moved it meanwhile.
    """
    found = champion_of(client, name)
    if (found and found.version) != (version and version.version):
        place = f"to version {found.version}" if found else "away"
        history = command_line("champion", "history", name)
        raise StudyError(
            f"the alias of {name} was moved {place} meanwhile, on another machine or in MLflow; "
            f"run it again to compare with that, or look at `{history}`"
        )


def aliased(standing: Standing) -> ModelVersion | None:
    """The version that has the alias; None if none has it."""
    return standing.version if standing.has_alias else None


def end_challenge_of(client: MlflowClient, version: ModelVersion) -> None:
    """Take the alias of a challenger from a version that has become the champion."""
    challenger = challenger_of(client, version.name)
    if challenger is not None and challenger.version == version.version:
        client.delete_registered_model_alias(version.name, CHALLENGER)


@dataclass(frozen=True)
class Asked:
    """A request for a version of a registered model.

    Attributes:
        key: The name that requests use: the user's text, or the short form of an address.
        name: Name of the registered model.
        alias: The alias to follow; None if the version is fixed.
        number: The number of the fixed version.
    """

    key: str
    name: str
    alias: str | None
    number: str | None

    @property
    def address(self) -> str:
        """The address of the version in MLflow."""
        which = f"@{self.alias}" if self.alias else f"/{self.number}"
        return f"models:/{self.name}{which}"

    def find(self, client: MlflowClient) -> ModelVersion | None:
        """Find the version that answers now; None if there is none."""
        if self.alias is not None:
            alias = self.alias
            return unless_absent(lambda: client.get_model_version_by_alias(self.name, alias))
        return unless_absent(lambda: client.get_model_version(self.name, str(self.number)))


def asked_of(text: str) -> Asked:
    """Parse `study.dataset`, `study.dataset@3`, `study.dataset@alias`, or an address in MLflow.

    Raises:
        ParameterError: If the text has another form.
    """
    plain = NAME.fullmatch(text)
    match = plain or ADDRESS.fullmatch(text)
    if match is None:
        raise ParameterError(f"{text!r} is no model; write study.dataset or study.dataset@VERSION")
    name, number = match["name"], match["number"]
    alias = None if number else match["alias"] or ALIAS
    return Asked(text if plain else f"{name}@{number or alias}", name, alias, number)
