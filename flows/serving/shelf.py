"""The versions that answer now, and how another one takes over.

The alias of a model may move at any time. The version that it then points to is loaded beside the
one that answers, asked, and only then takes over; if it cannot be loaded, the other goes on. What
was asked of the other is answered by the other.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from flows.serving.desk import Desk
from flows.serving.version import Limits, Version, load
from flows.system.hidden import cause_of
from flows.tracking.alias import ALIAS, Asked, asked_of
from flows.tracking.registry import registered_models
from rnn_core.errors import GatewiseError, ParameterError, StudyError

log = logging.getLogger("gatewise.serving")

AGAIN_SECONDS = 60.0
"""How long a version that cannot be loaded is left alone."""


@dataclass
class Place:
    """A model, and who answers for it.

    Attributes:
        asked: Which version is to answer.
        desk: Where it answers; None as long as none could be loaded.
        problem: Why another version does not answer, if one is to.
        refused: Versions that could not be loaded, and when.
    """

    asked: Asked
    desk: Desk | None = None
    problem: str | None = None
    refused: dict[str, float] = field(default_factory=dict)


def champion(name: str) -> Place:
    """The place of whichever version is the champion of a registered model."""
    return Place(Asked(name, name, ALIAS, None))


class Shelf:
    """All models that answer.

    Args:
        names: Which; all registered ones if none is named.
        limits: What requests may take.
        seat: Makes the place where a version answers.
        switched: Told the key of a model, and whether another version could take over.
    """

    def __init__(
        self,
        names: Sequence[str],
        limits: Limits,
        seat: Callable[[Version], Desk],
        switched: Callable[[Place, bool], None] = lambda place, done: None,
    ) -> None:
        self.places = {name: Place(asked_of(name)) for name in names}
        self.is_open = not names
        self.limits = limits
        self._seat = seat
        self._switched = switched

    def fill(self) -> None:
        """Load all models before anything is answered.

        Raises:
            GatewiseError: If one that was named cannot be loaded, or none of several.
        """
        client = MlflowClient()
        if self.is_open:
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
                if not self.is_open:
                    raise StudyError(cause) from error
                self._refuse(place, found, cause)

    def _lacks(self, place: Place) -> None:
        """There is no such version.

        Raises:
            ParameterError: If it was named.
        """
        if not self.is_open:
            known = ", ".join(registered_models()) or "none; `gatewise run` registers them"
            raise ParameterError(f"there is no model {place.asked.key!r}; registered: {known}")
        place.problem = f"no version has the alias {place.asked.alias}"

    def _refuse(self, place: Place, version: ModelVersion, cause: str) -> None:
        """Note that a version cannot be loaded, and who answers on."""
        place.refused[str(version.version)] = time.monotonic()
        if place.desk is not None:
            cause += f"; version {place.desk.version.number} answers on"
        place.problem = cause
        log.error("%s", cause)
        self._switched(place, False)

    async def refresh(self) -> None:
        """Let versions take over to which an alias has moved."""
        client = MlflowClient()
        try:
            if self.is_open:
                names = await asyncio.to_thread(registered_models)
                self.places |= {n: champion(n) for n in names if n not in self.places}
            for place in list(self.places.values()):
                if place.asked.alias is not None:
                    await self._follow(client, place)
        except (MlflowException, OSError) as error:
            log.warning("the registry does not answer: %s", cause_of(error))

    async def _follow(self, client: MlflowClient, place: Place) -> None:
        """Let the version take over that an alias points to."""
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
        log.info("%s: version %s answers now, before it %s", place.asked.key, number, before)
        self._switched(place, True)
