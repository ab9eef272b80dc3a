"""Match answers about recordings with the words that are said in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnn_core.metric import Metric
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.audio import read_sound
from rnn_core.readers.sound.recorded_words import list_words
from rnn_core.readers.sound.recordings import sound_mark
from rnn_core.readers.sound.transcripts import list_transcripts
from rnn_core.tasks.base.serves import required_column
from rnn_core.tasks.speech_recognition.task import SpeechRecognition
from rnn_core.tasks.speech_transcription.edits import edits
from rnn_core.tasks.speech_transcription.task import SpeechTranscription
from rnn_core.truth.texts import ACCURACY

if TYPE_CHECKING:
    import pandas as pd


def key_of(source: Path | bytes) -> str:
    """The key of a recording: its samples, whatever file they are in."""
    return sound_mark(read_sound(source)).hex()


def keys_of(table: "pd.DataFrame") -> list[str]:
    """The keys of recordings."""
    return [key_of(bytes(content)) for content in required_column(table, "wav")]


class Words:
    """Recordings of words."""

    metric = ACCURACY

    def keys(
        self, task: SpeechRecognition, table: "pd.DataFrame", answer: "pd.DataFrame"
    ) -> list[str]:
        return keys_of(table)

    def truths(self, task: SpeechRecognition, raw: Path) -> dict[str, Any]:
        return {key_of(one.path): one.word for one in list_words(raw, task.meta.parameters.names)}

    def score(self, task: SpeechRecognition, row: Mapping[str, Any], truth: Any) -> float:
        return float(row["word"] == truth)


class Transcripts:
    """Recordings with their texts, in any capitals."""

    metric = Metric("edits", "edits per symbol", "lower")

    def keys(
        self, task: SpeechTranscription, table: "pd.DataFrame", answer: "pd.DataFrame"
    ) -> list[str]:
        return keys_of(table)

    def truths(self, task: SpeechTranscription, raw: Path) -> dict[str, Any]:
        faults = Faults()
        files = list_transcripts(raw, faults).files
        faults.check()
        return {key_of(one.path): one.said for one in files}

    def score(self, task: SpeechTranscription, row: Mapping[str, Any], truth: Any) -> float:
        by_words = bool(task.meta.parameters.strings) or task.meta.parameters.tokens == "word"
        texts = [str(text).casefold().split() for text in (row["text"], truth)]
        guess, said = texts if by_words else [list(" ".join(text)) for text in texts]
        numbers = {symbol: i for i, symbol in enumerate(dict.fromkeys([*guess, *said]))}
        both = [[numbers[symbol] for symbol in text] for text in (guess, said)]
        return edits(*both) / max(len(said), 1)
