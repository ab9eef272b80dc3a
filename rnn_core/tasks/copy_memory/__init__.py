"""The copy problem: remember symbols over a stretch of blanks, and say them again.

A diagnostic: what a cell scores here is how far its memory reaches, and nothing else.
"""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.tasks.copy_memory.parameters import CopyData as CopyData
    from rnn_core.tasks.copy_memory.parameters import CopyMeta as CopyMeta
    from rnn_core.tasks.copy_memory.task import CopyMemory as CopyMemory

_HOMES = {
    "CopyData": "parameters",
    "CopyMemory": "task",
    "CopyMeta": "parameters",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
