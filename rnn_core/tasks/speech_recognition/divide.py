"""Recordings of words on other splits, in every fold."""

from dataclasses import replace

import torch
from torch import Tensor

from rnn_core.errors import ParameterError
from rnn_core.tasks.base.divides import Divided, Divides
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.splits import (
    items_of,
    joined,
    last_groups,
    last_of_each,
    mean_counts_of,
    moved_back,
)
from rnn_core.tasks.speech_recognition.parameters import SpeechData, SpeechMeta

FEWEST_SPEAKERS = 4
"""Where they take turns, one is left out, one is scored, one chooses, and one is trained on."""


class Dividing(Divides):
    """Moves recordings from split to split."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        """Where speakers take turns, the one that is tested stays so."""
        splits = joined(data["splits"])
        return {**data, "splits": splits}, replace(meta, items=mean_counts_of(splits))

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """As the splits differ: by speaker, whole speakers choose; by take, of each the last takes.

        Where speakers take turns, the one that was tested is in no split, the next is scored, and
        the one after that chooses.
        """
        assert isinstance(meta, SpeechMeta)
        folds = [moved_back(fold, held(data, fold, meta.parameters)) for fold in data["splits"]]
        splits = torch.stack(folds)
        return {**data, "splits": splits}, replace(meta, items=mean_counts_of(splits))


def held(data: Data, splits: Tensor, parameters: SpeechData) -> Tensor:
    """The training items of a fold that are to choose."""
    speakers, labels = data["speakers"].long(), data["labels"].long()
    if parameters.split_by == "each_speaker":
        return next_speaker(splits, speakers)
    if parameters.split_by == "speaker":
        return last_groups(splits, speakers)
    if parameters.split_by == "take":
        return last_of_each(splits, speakers * (int(labels.max()) + 1) + labels)
    return last_of_each(splits, labels)


def next_speaker(splits: Tensor, speakers: Tensor) -> Tensor:
    """The recordings of the speaker after the one that chooses, by turns.

    Raises:
        ParameterError: If there are too few speakers.
    """
    number = int(speakers.max()) + 1
    if number < FEWEST_SPEAKERS:
        raise ParameterError(
            f"with split_by each_speaker it takes {FEWEST_SPEAKERS} speakers: one that is left "
            f"out, one that is scored, one that chooses, and one to train on; there are {number}"
        )
    chooses = int(speakers[items_of(splits, "validation")][0])
    return (speakers == (chooses + 1) % number).nonzero().flatten()
