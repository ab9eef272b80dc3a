"""Description of what was understood of recordings of words."""

from collections import Counter
from pathlib import Path

from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.recorded_words import find_words
from rnn_core.readers.sound.telling import (
    sound_doubts,
    sound_lines,
    speaker_doubts,
    speaker_lines,
)
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, counted, split_line
from rnn_core.tasks.speech_recognition.parameters import SpeechMeta


def understand(raw: Path, data: Data, meta: SpeechMeta) -> Understanding:
    """Describe the findings; see `Prepares.understand`."""
    words = find_words(raw, meta.parameters.names, Faults())
    recordings = [r for r in words.recordings if r.name not in meta.heard.copies]
    counts = Counter(recording.word for recording in recordings)
    who = [r.speaker for r in recordings], data["splits"][0].tolist(), meta.parameters.split_by
    return Understanding(
        read=(
            f"{len(counts)} words: {counted(counts)}",
            *words.notes,
            *speaker_lines(*who),
            split_line(meta.items, "recordings"),
            *sound_lines(meta.heard, meta.rate_hz, words.left_out),
        ),
        doubts=(
            *words.doubts,
            *speaker_doubts(*who),
            *sound_doubts(meta.heard, meta.rate_hz),
        ),
    )
