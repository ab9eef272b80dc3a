"""Recordings of a person's own, recognised."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from rnn_core.features.frames import samples_to_frames
from rnn_core.readers.sound.recording_names import list_words
from rnn_core.readers.sound.recordings import read_at_rate, recording_rows
from rnn_core.tasks.base.serves import AnswerParameters, Serves, required_column
from rnn_core.tasks.speech_recognition.learn import Learning

if TYPE_CHECKING:
    import pandas as pd


UNKNOWN = "unknown"
"""The answer where no word is likely enough."""


@dataclass(frozen=True, kw_only=True)
class SpeechAnswer(AnswerParameters):
    """What may be asked of an answer.

    Attributes:
        top: How many words to give, the likeliest first.
        unknown_below: The word is `unknown` where the likeliest is less probable.
    """

    top: int = 1
    unknown_below: float = 0.0

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ValueError("top must be at least 1")
        if not 0 <= self.unknown_below <= 1:
            raise ValueError(f"unknown_below must be in [0, 1], not {self.unknown_below}")


class Serving(Learning, Serves):
    """Recognises words."""

    AnswerParameters = SpeechAnswer
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
        `probability_2` and so on up to `top`; it repeats the column `file` if there is one.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        contents = required_column(table, "wav")
        names = list(table["file"]) if "file" in table.columns else [None] * len(table)
        top = min(parameters.top, len(self.meta.classes))
        columns = [
            f"{c}{f'_{i}' if i > 1 else ''}"
            for i in range(1, top + 1)
            for c in ("word", "probability")
        ]
        rows = []
        for wav, name in zip(contents, names, strict=True):
            ranking = list(self.recognise(model, wav, name).items())[:top]
            row = [value for pair in ranking for value in pair]
            if ranking[0][1] < parameters.unknown_below:
                row[0] = UNKNOWN
            rows.append(row)
        answer = pd.DataFrame(rows, columns=columns, index=table.index)
        if "file" in table.columns:
            answer.insert(0, "file", table["file"])
        return answer

    def recognise(
        self, model: nn.Module, wav: bytes | None, name: str | None = None
    ) -> dict[str, float]:
        """Probability of each word, the likeliest first.

        Args:
            model: A model of this task, in evaluation mode.
            wav: Content of a recording of any kind; at another sample rate than that of the
                training it is resampled.
            name: What to call it in errors.

        Raises:
            FaultsError: If it cannot be read, or nothing is heard in it.
        """
        rate = self.meta.rate_hz
        samples = read_at_rate(wav, rate, name)
        frames = samples_to_frames(samples, rate, self.meta.parameters)
        lengths = torch.tensor([len(frames)])
        with torch.inference_mode():
            logits = model(self.scaling(torch.from_numpy(frames)[None], lengths), lengths)
        probabilities = functional.softmax(logits[0], dim=0).tolist()
        pairs = zip(self.meta.classes, probabilities, strict=True)
        return dict(sorted(pairs, key=lambda pair: -pair[1]))

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame(
            {"wav": [list_words(raw, self.meta.parameters.names)[0].path.read_bytes()]}
        )
