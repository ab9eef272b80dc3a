"""The versions that answer now, and the change to another one.

The alias of a model may move at any time. The new version is loaded and tested while the old one
goes on answering, and only then takes over. If it cannot be loaded, the old one stays. Requests
that the old one has received are answered by it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from flows.serving.desk import Desk
from flows.serving.version import Limits, Version, load
from flows.tracking.alias import Asked, asked_of
from flows.tracking.promoted import ALIAS
from flows.tracking.refusals import FAILURES, refusal_of
from flows.tracking.registered import no_such, registered_models
from rnn_core.errors import GatewiseError, ParameterError, StudyError

log = logging.getLogger("gatewise.serving")

AGAIN_SECONDS = 60.0
"""Seconds before loading a version is tried again, after it failed."""


@dataclass
class Place:
    """A served model.

    Attributes:
        asked: The request for its version.
        desk: The desk of the version that answers; None as long as none could be loaded.
        problem: The reason why the requested version does not answer; empty if it does.
        refused: Versions that could not be loaded, with the time of the attempt.
    """

    asked: Asked
    desk: Desk | None = None
    problem: str | None = None
    refused: dict[str, float] = field(default_factory=dict)


def champion(name: str) -> Place:
    """The place that follows the champion of a registered model."""
    return Place(Asked(name, name, ALIAS, None))


class Shelf:
    """All served models.

    Args:
        names: Names of the models.
        limits: Limits on requests.
        seat: Makes the desk of a version.
        switched: Called with a model, and whether another version could take over.
        follows_all: Whether to serve the champions of all registered models too, also later ones.
    """

    def __init__(
        self,
        names: Sequence[str],
        limits: Limits,
        seat: Callable[[Version], Desk],
        switched: Callable[[Place, bool], None] = lambda place, done: None,
        *,
        follows_all: bool,
    ) -> None:
        self.places = {name: Place(asked_of(name)) for name in names}
        self.follows_all = follows_all
        self.limits = limits
        self._seat = seat
        self._switched = switched

    def fill(self) -> None:
        """Load all models before the server answers.

        Raises:
            GatewiseError: If a named model cannot be loaded, or none of all models.
        """
        client = MlflowClient()
        if self.follows_all:
            self.places |= {name: champion(name) for name in registered_models()}
        for place in self.places.values():
            found = place.asked.find(client)
            if found is None:
                self._lacks(place)
                continue
            try:
                place.desk = self._seat(load(found, self.limits))
            except GatewiseError as error:
                cause = f"{found.name} version {found.version} is not served: {error}"
                if not self.follows_all:
                    raise StudyError(cause) from error
                self._refuse(place, found, cause)

    def _lacks(self, place: Place) -> None:
        """Note that there is no such version.

        Raises:
            ParameterError: If the user named the model.
        """
        if not self.follows_all:
            raise ParameterError(no_such(MlflowClient(), place.asked))
        place.problem = f"no version has the alias {place.asked.alias}"

    def _refuse(self, place: Place, version: ModelVersion, cause: str) -> None:
        """Note that a version cannot be loaded, and which one goes on answering."""
        place.refused[str(version.version)] = time.monotonic()
        if place.desk is not None:
            cause += f"; version {place.desk.version.number} goes on answering"
        place.problem = cause
        log.error("%s", cause)
        self._switched(place, False)

    async def refresh(self) -> None:
        """Let versions take over whose alias has moved to them."""
        client = MlflowClient()
        try:
            if self.follows_all:
                names = await asyncio.to_thread(registered_models)
                self.places |= {n: champion(n) for n in names if n not in self.places}
            for place in list(self.places.values()):
                if place.asked.alias is not None:
                    await self._follow(client, place)
        except FAILURES as error:
            log.warning("%s", refusal_of(error))

    async def _follow(self, client: MlflowClient, place: Place) -> None:
        """Let the version take over that the alias points to."""
        found = await asyncio.to_thread(place.asked.find, client)
        if found is None:
            place.problem = f"no version has the alias {place.asked.alias}"
            return
        number = str(found.version)
        if place.desk is not None and place.desk.version.number == number:
            place.problem = None
            return
        if time.monotonic() - place.refused.get(number, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return
        try:
            loaded = await asyncio.to_thread(load, found, self.limits)
        except GatewiseError as error:
            self._refuse(place, found, f"{found.name} version {number} is not served: {error}")
            return
        before = place.desk.version.number if place.desk else "none"
        place.desk, place.problem = self._seat(loaded), None
        place.refused.clear()
        log.info("%s: version %s answers now; before: %s", place.asked.key, number, before)
        self._switched(place, True)
