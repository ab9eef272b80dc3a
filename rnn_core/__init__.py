"""Recurrent layers around any cell, and the numeric library of Gatewise behind them.

What is named here is imported when it is first used: PyTorch takes a second to import, and most
of what imports a part of this library does without.
"""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.cells.base import Cell as Cell
    from rnn_core.layers.conversion import from_torch as from_torch
    from rnn_core.layers.conversion import to_torch as to_torch
    from rnn_core.layers.initialisation import Initialisation as Initialisation
    from rnn_core.layers.lazy import LazyRecurrent as LazyRecurrent
    from rnn_core.layers.recurrent import Recurrent as Recurrent

_HOMES = {
    "Cell": "cells.base",
    "Initialisation": "layers.initialisation",
    "LazyRecurrent": "layers.lazy",
    "Recurrent": "layers.recurrent",
    "from_torch": "layers.conversion",
    "to_torch": "layers.conversion",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
