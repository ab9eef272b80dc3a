"""Where a store keeps its files: a folder of this machine, or anything that fsspec reaches."""

from pathlib import Path

from flows.trainings.places.base import VARIABLE, Place, StoreError, unreachable
from flows.trainings.places.local import LocalPlace
from flows.trainings.places.remote import RemotePlace

__all__ = ["VARIABLE", "Place", "StoreError", "place_of", "unreachable"]


def place_of(url: str) -> Place:
    """Open the place that a folder or URL names; a URL is connected to at once.

    Raises:
        StoreError: If that is not possible.
    """
    protocol, separator, rest = url.partition("://")
    if not separator:
        return LocalPlace(Path(url))
    if protocol in {"file", "local"}:
        return LocalPlace(Path(rest))
    place = RemotePlace(url)
    place.connect()
    return place
