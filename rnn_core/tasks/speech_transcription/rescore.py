"""Recordings that came later, transcribed by a model that was trained before."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
from torch import nn

from rnn_core.errors import DataError
from rnn_core.metric import Split
from rnn_core.readers.recording_sides import split_recordings
from rnn_core.readers.recordings import list_words
from rnn_core.readers.transcripts import Utterance
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.rescores import Marks, Rescores, by_side, mark, one_mark_each
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.speech_transcription.learn import Learning
from rnn_core.tasks.speech_transcription.parameters import TranscriptionData
from rnn_core.tasks.speech_transcription.prepare import read_utterances, to_tensors


class Rescoring(Learning, Rescores):
    """Scores a model on later recordings."""

    @staticmethod
    def marks(raw: Path, parameters: TranscriptionData, seed: int) -> dict[Split, Marks]:
        _, utterances = read_utterances(raw, parameters)
        sides = [utterance.side for utterance in utterances]
        if parameters.strings:
            return by_side(marks_of_strings(raw, parameters, utterances), sides)
        return by_side(one_mark_each(u.samples.tobytes() for u in utterances), sides)

    def rescore(
        self, model: nn.Module, raw: Path, parameters: TranscriptionData, seed: int, other: Meta
    ) -> Scores:
        own = self.meta
        if counts(parameters) != counts(own.parameters):
            raise DataError(f"it writes {counts(own.parameters)}")
        rate, utterances = read_utterances(raw, parameters)
        if rate != own.rate_hz:
            raise DataError(f"it was trained on {own.rate_hz} samples a second")
        tested = [utterance for utterance in utterances if utterance.side == 2]
        data, _ = to_tensors(tested, rate, own.parameters, own.symbols)
        return self.scores(model, data, "test")


def counts(parameters: TranscriptionData) -> str:
    """What the symbols of transcripts are."""
    return "words" if parameters.strings or parameters.tokens == "word" else "characters"


def marks_of_strings(
    raw: Path, parameters: TranscriptionData, utterances: Sequence[Utterance]
) -> Marks:
    """Marks of strings that are joined of recordings: of all that each may be joined of, (N, M)."""
    recordings = list_words(raw)
    pools: dict[tuple[int, str | None], list[int]] = {}
    for recording, side in zip(recordings, split_recordings(recordings, parameters), strict=True):
        pool = pools.setdefault((side, recording.speaker), [])
        pool.append(mark(recording.path.read_bytes()))
    return rectangle(pools[utterance.side, utterance.speaker] for utterance in utterances)


def rectangle(rows: Iterable[Sequence[int]]) -> Marks:
    """Rows of marks, filled up with zeros to the longest."""
    columns = list(zip_longest(*rows, fillvalue=0))
    return np.array(columns, np.uint64).T
