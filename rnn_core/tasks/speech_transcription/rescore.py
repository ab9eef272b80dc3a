"""Recordings that came later, transcribed by a model that was trained before."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
from torch import nn

from rnn_core.errors import DataError
from rnn_core.metric import Split
from rnn_core.readers.splits import TEST
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.rescores import Marks, Rescores, by_split, mark
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.speech_transcription.learn import Learning
from rnn_core.tasks.speech_transcription.parameters import TranscriptionData
from rnn_core.tasks.speech_transcription.prepare import read_utterances, to_tensors


class Rescoring(Learning, Rescores):
    """Scores a model on later recordings."""

    @staticmethod
    def marks(raw: Path, parameters: TranscriptionData, seed: int) -> dict[Split, Marks]:
        utterances = read_utterances(raw, parameters).each
        marks = rectangle([mark(one) for one in utterance.marks] for utterance in utterances)
        return by_split(marks, [utterance.split for utterance in utterances])

    def rescore(
        self, model: nn.Module, raw: Path, parameters: TranscriptionData, seed: int, other: Meta
    ) -> Scores:
        own = self.meta
        if counts(parameters) != counts(own.parameters):
            raise DataError(f"it writes {counts(own.parameters)}")
        rate, utterances, _ = read_utterances(raw, replace(parameters, rate_hz=own.rate_hz))
        tested = [utterance for utterance in utterances if utterance.split == TEST]
        data, _ = to_tensors(tested, rate, own.parameters, own.symbols)
        return self.scores(model, data, "test")


def counts(parameters: TranscriptionData) -> str:
    """Name of the symbols of transcripts."""
    return "words" if parameters.strings or parameters.tokens == "word" else "characters"


def rectangle(rows: Iterable[Sequence[int]]) -> Marks:
    """Rows of marks, filled up with zeros to the longest."""
    columns = list(zip_longest(*rows, fillvalue=0))
    return np.array(columns, np.uint64).T
