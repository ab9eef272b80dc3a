"""What was understood of recordings of texts."""

from pathlib import Path

from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line
from rnn_core.tasks.speech_transcription.parameters import TranscriptionMeta


def understand(raw: Path, data: Data, meta: TranscriptionMeta) -> Understanding:
    """What was found; see `Prepares.understand`."""
    read = [
        f"{len(meta.symbols)} symbols; {meta.rate_hz:,} samples a second",
        split_line(meta.items, "recordings"),
    ]
    return Understanding(read=tuple(read))
