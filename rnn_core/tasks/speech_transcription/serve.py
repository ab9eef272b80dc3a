"""Recordings of a person's own, transcribed."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from rnn_core.features.frames import samples_to_frames
from rnn_core.models.ctc import best_path, prefix_beam
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.recording_names import list_words
from rnn_core.readers.sound.recordings import read_at_rate, recording_rows
from rnn_core.readers.sound.transcripts import list_transcripts
from rnn_core.tasks.base.serves import AnswerParameters, Serves, required_column
from rnn_core.tasks.speech_transcription.learn import Learning, path_loss

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class TranscriptionAnswer(AnswerParameters):
    """What may be asked of an answer.

    Attributes:
        beam: Beginnings of texts that are kept while one is searched for; 1: the text of
            the likeliest path, which is what models are scored by.
    """

    beam: int = 1

    def __post_init__(self) -> None:
        if self.beam < 1:
            raise ValueError("beam must be at least 1")


class Serving(Learning, Serves):
    """Transcribes recordings."""

    AnswerParameters = TranscriptionAnswer

    def read_input(self, path: Path) -> "pd.DataFrame":
        """A recording, or a folder of them, as one row a file with its name."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame(recording_rows(path), columns=["file", "wav"])

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: TranscriptionAnswer
    ) -> "pd.DataFrame":
        """Transcribe each recording of the column `wav`, which holds contents of files.

        The answer has the `text` and its probability as `confidence`; it repeats the column
        `file` if there is one.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        contents = required_column(table, "wav")
        names = list(table["file"]) if "file" in table.columns else [None] * len(table)
        rows = [
            self.transcribe(model, bytes(wav), parameters.beam, name)
            for wav, name in zip(contents, names, strict=True)
        ]
        answer = pd.DataFrame(rows, columns=["text", "confidence"], index=table.index)
        if "file" in table.columns:
            answer.insert(0, "file", table["file"])
        return answer

    def transcribe(
        self, model: nn.Module, wav: bytes, beam: int, name: str | None = None
    ) -> tuple[str, float]:
        """The text of a recording and its probability, over all paths.

        Args:
            model: A model of this task, in evaluation mode.
            wav: Content of a wav file, 16-bit mono at the sample rate of the training.
            beam: See `TranscriptionAnswer`.
            name: What to call it in errors.

        Raises:
            DataError: If it is not such a file.
        """
        rate = self.meta.rate_hz
        samples = read_at_rate(wav, rate, name)
        frames = torch.from_numpy(samples_to_frames(samples, rate, self.meta.parameters))
        lengths = torch.tensor([len(frames)])
        with torch.inference_mode():
            outputs, _ = model(self.scaling(frames[None], lengths), lengths)
        steps = outputs[0].numpy()
        labels = best_path(steps) if beam == 1 else prefix_beam(steps, beam)[0][0]
        return self.decode(labels), math.exp(-path_loss(outputs[0], labels))

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        if self.meta.parameters.strings:
            path = list_words(raw, self.meta.parameters.names)[0].path
        else:
            path = list_transcripts(raw, Faults()).files[0].path
        return pd.DataFrame({"wav": [path.read_bytes()]})
