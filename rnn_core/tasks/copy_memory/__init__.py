"""The copy problem: remember symbols over a stretch of blanks, and say them again."""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.tasks.copy_memory.learn import CopyData as CopyData
    from rnn_core.tasks.copy_memory.learn import CopyMemory as CopyMemory

_HOMES = {
    "CopyData": "learn",
    "CopyMemory": "learn",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
