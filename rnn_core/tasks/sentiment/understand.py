"""What was understood of labelled texts."""

from pathlib import Path

from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line
from rnn_core.tasks.sentiment.parameters import SentimentMeta


def understand(raw: Path, data: Data, meta: SentimentMeta) -> Understanding:
    """What was found; see `Prepares.understand`."""
    read = [
        f"classes: {', '.join(meta.classes)}",
        split_line(meta.items, "texts"),
    ]
    return Understanding(read=tuple(read))
