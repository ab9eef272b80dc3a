"""Transcription of the user's own recordings."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from rnn_core.features.frames import samples_to_frames
from rnn_core.models.ctc import Labels, align, best_path, prefix_beam
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.recorded_words import list_words
from rnn_core.readers.sound.recordings import read_at_rate, recording_rows
from rnn_core.readers.sound.transcripts import list_transcripts
from rnn_core.tasks.base.serves import AnswerParameters, Serves, required_column
from rnn_core.tasks.speech_transcription.learn import Learning, path_loss
from rnn_core.tasks.speech_transcription.word_times import as_json, widened, words_on_path

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class TranscriptionAnswer(AnswerParameters):
    """Options of an answer.

    Attributes:
        beam: Beginnings of texts that are kept while one is searched for; 1: the text of
            the likeliest path, which is what models are scored by.
        times: Whether the answer has the time of each word, by the likeliest path of the text.
    """

    beam: int = 1
    times: bool = False

    def __post_init__(self) -> None:
        if self.beam < 1:
            raise ValueError("beam must be at least 1")


class Transcript(NamedTuple):
    """Transcript of a recording.

    Attributes:
        text: In words.
        confidence: Probability of the text over all its paths.
        times: Each word with its start and end in seconds, as JSON.
    """

    text: str
    confidence: float
    times: str


class Serving(Learning, Serves):
    """Transcribes recordings."""

    AnswerParameters = TranscriptionAnswer
    takes = ("sound",)
    requirements = ("soundfile", "soxr")

    def read_input(self, path: Path) -> "pd.DataFrame":
        """A recording, or a folder of them, as one row a file with its name."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame(recording_rows(path), columns=["file", "wav"])

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: TranscriptionAnswer
    ) -> "pd.DataFrame":
        """Transcribe each recording of the column `wav`, which holds contents of files of any kind.

        The answer has the `text` and its probability as `confidence`, and `times` if they are
        asked for; it repeats the column `file` if there is one.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        contents = required_column(table, "wav")
        names = list(table["file"]) if "file" in table.columns else [None] * len(table)
        rows = [
            self.transcribe(model, wav, parameters.beam, name)
            for wav, name in zip(contents, names, strict=True)
        ]
        answer = pd.DataFrame(rows, columns=list(Transcript._fields), index=table.index)
        if not parameters.times:
            answer = answer.drop(columns="times")
        if "file" in table.columns:
            answer.insert(0, "file", table["file"])
        return answer

    def transcribe(
        self, model: nn.Module, wav: bytes | None, beam: int, name: str | None = None
    ) -> Transcript:
        """The text of a recording, its probability, and when each word is said.

        Args:
            model: A model of this task, in evaluation mode.
            wav: Content of a recording of any kind; at another sample rate than that of the
                training it is resampled.
            beam: See `TranscriptionAnswer`.
            name: What to call it in errors.

        Raises:
            FaultsError: If it cannot be read, or nothing is heard in it.
        """
        rate = self.meta.rate_hz
        samples = read_at_rate(wav, rate, name)
        frames = torch.from_numpy(samples_to_frames(samples, rate, self.meta.parameters))
        lengths = torch.tensor([len(frames)])
        with torch.inference_mode():
            outputs, _ = model(self.scaling(frames[None], lengths), lengths)
        steps = outputs[0].numpy()
        labels = best_path(steps) if beam == 1 else prefix_beam(steps, beam)[0][0]
        confidence = math.exp(-path_loss(outputs[0], labels))
        times = self.times(labels, align(steps, labels), frames, len(samples) / rate)
        return Transcript(self.decode(labels), confidence, times)

    def times(
        self, labels: Labels, steps: list[tuple[int, int]], frames: Tensor, seconds: float
    ) -> str:
        """When each word is said.

        Args:
            labels: Of the text.
            steps: The first step of each, and the step after its last.
            frames: Log-mel frames of the recording, (T, M).
            seconds: Its length.
        """
        options = self.meta.parameters
        whole = bool(options.strings) or options.tokens == "word"
        symbols = [self.meta.symbols[label - 1] for label in labels]
        words = words_on_path(symbols, steps, self.model.stack, whole)
        places = widened(words, frames.mean(dim=1))
        return as_json(places, options.hop_seconds, options.window_seconds, seconds)

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        if self.meta.parameters.strings:
            path = list_words(raw, self.meta.parameters.names)[0].path
        else:
            path = list_transcripts(raw, Faults()).files[0].path
        return pd.DataFrame({"wav": [path.read_bytes()]})
