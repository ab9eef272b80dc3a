"""What was understood of recordings of words."""

from pathlib import Path

from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line
from rnn_core.tasks.speech_recognition.parameters import SpeechMeta


def understand(raw: Path, data: Data, meta: SpeechMeta) -> Understanding:
    """What was found; see `Prepares.understand`."""
    read = [
        f"words: {', '.join(meta.classes)}; {meta.rate_hz:,} samples a second",
        split_line(meta.items, "recordings"),
    ]
    return Understanding(read=tuple(read))
