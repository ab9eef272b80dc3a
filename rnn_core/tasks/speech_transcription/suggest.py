"""Parameters to start from, for recordings of texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_core.features.augmentation import SUGGESTED_TRAINING
from rnn_core.features.frames import SUGGESTED_FRAMES
from rnn_core.readers.faults import Faults, FaultsError
from rnn_core.readers.sound.recorded_words import find_words
from rnn_core.readers.sound.recording_splits import suggest_split, suggest_word_split
from rnn_core.readers.sound.recordings import words_to_suggest
from rnn_core.readers.sound.transcripts import (
    NONE,
    NONE_CURE,
    check_nothing_beside,
    has_texts,
    list_transcripts,
)
from rnn_core.tasks.base.prepares import Suggestion


def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
    """Parameters for recordings with transcripts, or else for strings of single words.

    Raises:
        FaultsError: If nothing tells texts or words, or what may tell the texts is not read.
    """
    data: dict[str, Any] = dict(SUGGESTED_FRAMES)
    split_by = wanted.get("split_by")
    joined = bool(wanted.get("strings"))
    if joined or not has_texts(raw):
        if not joined:
            check_nothing_beside(raw)
        data["strings"] = [2000, 200, 500]
        form = str(wanted.get("names") or "")
        asked = joined or form  # only then does it help to tell what is wrong with names
        words = words_to_suggest(raw, form) if asked else find_words(raw, "", Faults()).recordings
        if not joined and len({recording.word for recording in words}) <= 1:
            raise FaultsError.one(NONE, NONE_CURE)
        data |= suggest_word_split(words, split_by)
    else:
        rows = list_transcripts(raw, Faults()).rows
        if split_by is None and rows and all(row.split is not None for row in rows):
            split_by = "given"
        data |= suggest_split([r.speaker for r in rows], [r.take for r in rows], split_by)
    training: dict[str, Any] = {"epochs": 30, "batch_size": 32}
    training |= {"learning_rate": 0.003, "schedule": "cosine", "weight_decay": 0.05}
    return {
        "data": {**data, **wanted},
        "model": {"hidden_size": 128, "stack": 2, **SUGGESTED_TRAINING},
        "training": training,
    }
