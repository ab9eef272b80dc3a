"""Layers without recurrence that take the place of a recurrent one, to compare with.

They answer whether a recurrence is needed at all, and are never candidates.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnn_core.references.base import Reference
from rnn_core.errors import ParameterError, unknown

REGISTRY = {
    "linear": "LinearFilter",
    "tcn": "TCN",
    "transformer": "Transformer",
}


def get_reference(name: str) -> "type[Reference]":
    """Look up a reference layer by name; its module is imported now, not before.

    Raises:
        ParameterError: If there is no such layer.
    """
    if name not in REGISTRY:
        raise ParameterError(unknown("reference", name, REGISTRY))
    kind: type[Reference] = getattr(import_module(f"rnn_core.references.{name}"), REGISTRY[name])
    return kind
