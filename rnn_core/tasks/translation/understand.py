"""What was understood of aligned texts."""

from pathlib import Path

from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line
from rnn_core.tasks.translation.parameters import TranslationMeta


def understand(raw: Path, data: Data, meta: TranslationMeta) -> Understanding:
    """What was found; see `Prepares.understand`."""
    read = [split_line(meta.items, "pairs")]
    return Understanding(read=tuple(read))
