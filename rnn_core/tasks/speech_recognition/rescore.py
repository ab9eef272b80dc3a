"""Recordings that came later, recognised by a model that was trained before."""

from dataclasses import fields, replace
from pathlib import Path

import torch
from torch import nn

from rnn_core.errors import DataError
from rnn_core.features.frames import FrameParameters
from rnn_core.metric import Split
from rnn_core.readers.sound.recordings import read_words
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.rescores import Marks, Rescores, by_split, one_mark_each
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.base.splits import items_of
from rnn_core.tasks.speech_recognition.learn import Learning
from rnn_core.tasks.speech_recognition.parameters import SpeechData
from rnn_core.tasks.speech_recognition.prepare import prepare, split_folds


class Rescoring(Learning, Rescores):
    """Scores a model on later recordings."""

    @staticmethod
    def marks(raw: Path, parameters: SpeechData, seed: int) -> dict[Split, Marks]:
        recordings, sounds = read_words(raw, parameters.names, parameters.rate_hz)
        folds = list(split_folds(recordings, parameters).values())
        return by_split(one_mark_each(sounds.marks), folds[seed % len(folds)])

    def rescore(
        self, model: nn.Module, raw: Path, parameters: SpeechData, seed: int, other: Meta
    ) -> Scores:
        """Sample rate and scale of the frames are those that the model was trained on."""
        own = self.meta
        how = {f.name: getattr(own.parameters, f.name) for f in fields(FrameParameters)}
        data, meta = prepare(raw, replace(parameters, **{**how, "rate_hz": own.rate_hz}))
        splits = data["splits"][seed % len(meta.folds)]
        tested = data["labels"][items_of(splits, "test")].unique().tolist()
        if new := [meta.classes[i] for i in tested if meta.classes[i] not in own.classes]:
            raise DataError(f"it does not know the class {min(new)!r}")
        places = [own.classes.index(c) if c in own.classes else -1 for c in meta.classes]
        labels = torch.tensor(places, dtype=torch.int32)[data["labels"].long()]
        asked = replace(
            own,
            folds=[own.folds[self.fold]],
            parameters=replace(own.parameters, metric=parameters.metric),
        )
        task = type(self)(asked, self.model)
        return task.scores(model, {**data, "labels": labels, "splits": splits[None]}, "test")
