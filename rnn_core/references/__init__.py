"""Layers without recurrence that take the place of a recurrent one, to compare with.

They answer whether a recurrence is needed at all, and are never candidates.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from rnn_core.errors import ParameterError, unknown

if TYPE_CHECKING:
    from torch import Generator

    from rnn_core.references.base import Reference

REGISTRY = {
    "linear": "LinearFilter",
    "tcn": "TCN",
    "transformer": "Transformer",
}


class MakeReference(Protocol):
    """Makes a reference layer; each takes the same, and has defaults of its own."""

    def __call__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        dropout: float = ...,
        bidirectional: bool = ...,
        reach: int = ...,
        generator: "Generator | None" = ...,
    ) -> "Reference":
        """Make a layer; see `TCN`."""


def get_reference(name: str) -> MakeReference:
    """Look up a reference layer by name; its module is imported now, not before.

    Raises:
        ParameterError: If there is no such layer.
    """
    if name not in REGISTRY:
        raise ParameterError(unknown("reference", name, REGISTRY))
    kind: MakeReference = getattr(import_module(f"rnn_core.references.{name}"), REGISTRY[name])
    return kind
