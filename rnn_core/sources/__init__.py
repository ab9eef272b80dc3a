"""The registry of sources: the files of this folder that `source:` may name."""

from importlib import import_module
from typing import TYPE_CHECKING

from rnn_core.errors import ParameterError, unknown

if TYPE_CHECKING:
    from rnn_core.sources.base import Source

REGISTRY = (
    "agreement_text",
    "etth1",
    "free_spoken_digits",
    "mauna_loa_co2",
    "multi30k",
    "number_words",
    "random_symbols",
    "review_grammar",
    "sst2",
    "synthetic_digits",
    "tinyshakespeare",
)


def get_source(name: str) -> "Source":
    """Look up a source by name; its module is imported now, not before.

    Raises:
        ParameterError: If there is no such source.
    """
    if name not in REGISTRY:
        raise ParameterError(unknown("source", name, REGISTRY))
    source: Source = import_module(f"rnn_core.sources.{name}").SOURCE
    return source
