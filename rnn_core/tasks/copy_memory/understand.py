"""Description of what was understood of lines of symbols."""

from pathlib import Path

from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line
from rnn_core.tasks.copy_memory.parameters import CopyMeta


def understand(raw: Path, data: Data, meta: CopyMeta) -> Understanding:
    """Describe the findings; see `Prepares.understand`."""
    read = [split_line(meta.items, "lines")]
    return Understanding(read=tuple(read))
