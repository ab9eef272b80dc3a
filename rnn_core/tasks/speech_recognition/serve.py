"""Recognition of words in the user's own recordings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rnn_core.features.frames import samples_to_frames
from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.recorded_words import list_words
from rnn_core.readers.sound.recordings import read_at_rate, recording_rows
from rnn_core.tasks.base.classification import ClassAnswer, class_answers, class_probabilities
from rnn_core.tasks.base.serves import Serves, required_column, row_names
from rnn_core.tasks.speech_recognition.learn import SCORING_BATCH, Learning

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class SpeechAnswer(ClassAnswer):
    """Options of an answer.

    Attributes:
        top: How many words to give, the likeliest first; one if all probabilities are asked for.
    """

    top: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top < 1:
            raise ValueError("top must be at least 1")
        if self.all and self.top > 1:
            raise ValueError("all gives the probability of every word; leave out top")


class Serving(Learning, Serves):
    """Recognises words."""

    AnswerParameters = SpeechAnswer
    takes = ("sound",)
    requirements = ("soundfile", "soxr")

    def read_input(self, path: Path) -> "pd.DataFrame":
        """A recording, or a folder of them, as one row a file with its name."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame(recording_rows(path), columns=["file", "wav"])

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: SpeechAnswer
    ) -> "pd.DataFrame":
        """Recognise each recording of the column `wav`, which holds contents of files of any kind.

        The answer has the likeliest `word` and its `probability`, then `word_2` and
        `probability_2` and so on up to `top`, or a column for each word with its probability; it
        repeats the column `file` if there is one.
        """
        contents, faults, frames = required_column(table, "wav"), Faults(), []
        for wav, name in zip(contents, names_of(table), strict=True):
            with faults.noted():
                frames.append(self.frames(wav, name))
        faults.check()
        found = self.recognise(model, frames)
        answer = class_answers(
            found, self.meta.classes, parameters, ("word", "probability"), parameters.top
        ).set_axis(table.index)
        if "file" in table.columns:
            answer.insert(0, "file", table["file"])
        return answer

    def probabilities(self, model: nn.Module, wav: bytes | None, name: str | None = None) -> Tensor:
        """Probability of each word that may be said in a recording, (C,).

        Args:
            model: A model of this task, in evaluation mode.
            wav: Content of a recording of any kind; at another sample rate than that of the
                training it is resampled.
            name: What to call it in errors.

        Raises:
            FaultsError: If it cannot be read, or nothing is heard in it.
        """
        return self.recognise(model, [self.frames(wav, name)])[0]

    def frames(self, wav: bytes | None, name: str | None) -> Tensor:
        """Log-mel frames of a recording, (T, M); see `probabilities`."""
        rate = self.meta.rate_hz
        samples = read_at_rate(wav, rate, name)
        return torch.from_numpy(samples_to_frames(samples, rate, self.meta.parameters))

    @torch.inference_mode()
    def recognise(self, model: nn.Module, recordings: Sequence[Tensor]) -> Tensor:
        """The probability of each word, (N, C), of frames of recordings, (T, M) each."""

        def logits(frames: Tensor, lengths: Tensor) -> Tensor:
            found: Tensor = model(self.scaling(frames, lengths), lengths)
            return found

        return class_probabilities(recordings, len(self.meta.classes), SCORING_BATCH, logits)

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame(
            {"wav": [list_words(raw, self.meta.parameters.names)[0].path.read_bytes()]}
        )


def names_of(table: "pd.DataFrame") -> list[str | None]:
    """Names of recordings in errors: their files, or their rows where there are several."""
    if "file" in table.columns:
        return list(table["file"])
    rows = row_names(table)
    return [f"row {row}" for row in rows] if len(rows) > 1 else [None]
