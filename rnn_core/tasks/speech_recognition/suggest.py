"""Parameters to start from, for recordings of words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_core.features.augmentation import SUGGESTED_TRAINING
from rnn_core.features.frames import SUGGESTED_FRAMES
from rnn_core.readers.sound.recording_splits import suggest_word_split
from rnn_core.readers.sound.recordings import words_to_suggest
from rnn_core.tasks.base.prepares import Suggestion, weights_for

SUGGESTED_RECORDINGS = 50_000
"""Recordings read in a training for which parameters are suggested, over all epochs."""


def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
    """Parameters by the number of recordings, and a split by what names tell.

    With three speakers or more who say every word, those of the test set are kept from
    the training; otherwise shares of the recordings of each word are.
    """
    recordings = words_to_suggest(raw, str(wanted.get("names") or ""))
    split = suggest_word_split(recordings, wanted.get("split_by"))
    epochs = min(max(SUGGESTED_RECORDINGS // len(recordings), 15), 80)
    training: dict[str, Any] = {"epochs": epochs, "batch_size": 32}
    training |= {"learning_rate": 0.003, "schedule": "cosine", "weight_decay": 0.05}
    return {
        "data": {**SUGGESTED_FRAMES, **split, **wanted},
        "model": {"hidden_size": 64, "bidirectional": True}
        | SUGGESTED_TRAINING
        | weights_for(wanted),
        "training": training,
    }
