"""Recordings of words become frames and splits."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnn_core.errors import DataError
from rnn_core.features.frames import features_of, fit_scaling, samples_to_frames
from rnn_core.metric import SPLITS
from rnn_core.readers.sound.name_pattern import HOW
from rnn_core.readers.sound.name_tokens import Recording
from rnn_core.readers.sound.recording_splits import (
    check_words,
    named_groups,
    of_split,
    speaker_numbers,
    split_recordings,
)
from rnn_core.readers.sound.recordings import read_words
from rnn_core.tasks.base.splits import mean_counts_of
from rnn_core.tasks.speech_recognition.parameters import Fold, SpeechData, SpeechMeta


def prepare(raw: Path, parameters: SpeechData) -> tuple[dict[str, Tensor], SpeechMeta]:
    """Turn recordings into frames, and words into numbers, for each division into splits."""
    recordings, sounds = read_words(raw, parameters.names, parameters.rate_hz)
    folds = split_folds(recordings, parameters)
    rate = sounds.rate_hz
    pieces = [samples_to_frames(samples, rate, parameters) for samples in sounds.samples]
    classes = sorted({recording.word for recording in recordings})
    splits = torch.tensor(list(folds.values()), dtype=torch.uint8)
    data = {
        "frames": torch.from_numpy(np.concatenate(pieces)),
        "lengths": torch.tensor([len(p) for p in pieces], dtype=torch.int32),
        "labels": torch.tensor([classes.index(r.word) for r in recordings], dtype=torch.int32),
        "splits": splits,
        "speakers": torch.tensor(
            speaker_numbers([r.speaker for r in recordings]), dtype=torch.int32
        ),
    }
    features = features_of(pieces, parameters.normalise, parameters.deltas)
    meta = SpeechMeta(
        parameters=parameters,
        classes=classes,
        rate_hz=rate,
        longest=int(data["lengths"][(splits == SPLITS.index("train")).any(dim=0)].max()),
        folds=[scaled_fold(name, features, fold) for name, fold in folds.items()],
        items=mean_counts_of(splits),
        heard=sounds.heard,
    )
    return data, meta


def scaled_fold(test: str, features: list[NDArray[np.float32]], splits: list[int]) -> Fold:
    """A fold, with the scaling by its training set."""
    mean, std = fit_scaling(of_split(features, splits, "train"))
    return Fold(test=test, mean=mean, std=std)


def split_folds(recordings: list[Recording], parameters: SpeechData) -> dict[str, list[int]]:
    """The split of each recording, as an index of `SPLITS`, in each fold.

    Returns:
        The folds by what is tested: a speaker each, or "all" alone.

    Raises:
        DataError: If a name does not tell what is needed, or a split lacks a word.
        ParameterError: If a take or speaker that is named does not exist.
    """
    words = {recording.word for recording in recordings}
    if len(words) == 1:
        what = f"all recordings have the word {min(words)!r}; at least two are needed"
        raise DataError(f"{what}: record another, or {HOW}")
    if parameters.split_by != "each_speaker":
        return {"all": split_recordings(recordings, parameters)}
    folds = speaker_folds(recordings)
    for name, splits in folds.items():
        check_words(recordings, splits, f" when {name} is tested")
    return folds


def speaker_folds(recordings: list[Recording]) -> dict[str, list[int]]:
    """A fold per speaker: this one is tested, and the next by name is for choosing."""
    speakers = named_groups(recordings, "speaker")
    names = sorted(set(speakers))
    if len(names) < 3:
        raise DataError(
            f"the recordings are by {' and '.join(names)} alone; each_speaker needs three "
            "speakers, one for each split"
        )
    after = dict(zip(names, [*names[1:], names[0]], strict=True))
    return {
        tested: [2 * (speaker == tested) + (speaker == after[tested]) for speaker in speakers]
        for tested in names
    }
