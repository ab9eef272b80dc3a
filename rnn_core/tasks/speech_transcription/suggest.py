"""Parameters to start from, for recordings of texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_core.features.augmentation import SUGGESTED_TRAINING
from rnn_core.features.frames import SUGGESTED_FRAMES
from rnn_core.readers.recording_sides import suggest_split, suggest_word_split
from rnn_core.readers.recordings import list_words
from rnn_core.readers.transcripts import TABLE_NAMES, transcript_table
from rnn_core.tasks.base.prepares import Suggestion


def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
    """Parameters for recordings with transcripts, or else for strings of single words."""
    data: dict[str, Any] = dict(SUGGESTED_FRAMES)
    split_by = wanted.get("split_by")
    if wanted.get("strings") or not any((raw / name).exists() for name in TABLE_NAMES):
        data["strings"] = [2000, 200, 500]
        data |= suggest_word_split(list_words(raw), split_by)
    else:
        _, table = transcript_table(raw)
        takes: list[str | None] = [None] * len(table)
        speakers = list(table["speaker"]) if "speaker" in table.columns else takes
        data |= suggest_split(speakers, takes, split_by)
    training: dict[str, Any] = {"epochs": 30, "batch_size": 32}
    training |= {"learning_rate": 0.003, "schedule": "cosine", "weight_decay": 0.05}
    return {
        "data": {**data, **wanted},
        "model": {"hidden_size": 128, "stack": 2, **SUGGESTED_TRAINING},
        "training": training,
    }
