"""What was understood of a text."""

from pathlib import Path

from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line
from rnn_core.tasks.text_generation.parameters import TextMeta


def understand(raw: Path, data: Data, meta: TextMeta) -> Understanding:
    """What was found; see `Prepares.understand`."""
    read = [
        f"{len(meta.vocabulary):,} different tokens",
        split_line(meta.items, "tokens"),
    ]
    return Understanding(read=tuple(read))
