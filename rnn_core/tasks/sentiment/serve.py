"""Texts of a person's own, classified."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.features.words import encode
from rnn_core.tasks.base.serves import AnswerParameters, Serves
from rnn_core.tasks.sentiment.files import read_sides, words_of
from rnn_core.tasks.sentiment.learn import Learning
from rnn_core.tasks.sentiment.raw_input import TEXT, read_raw_input, texts_in_table

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown"
"""The answer where no class is probable enough."""


@dataclass(frozen=True, kw_only=True)
class SentimentAnswer(AnswerParameters):
    """What may be asked of an answer.

    Attributes:
        all: Whether to give the probability of every class, not that of the likeliest alone.
        unknown_below: The label is `unknown` where the likeliest class is less probable.
    """

    all: bool = False
    unknown_below: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.unknown_below <= 1:
            raise ValueError(f"unknown_below must be in [0, 1], not {self.unknown_below}")


class Serving(Learning, Serves):
    """Classifies texts."""

    AnswerParameters = SentimentAnswer
    requirements = ("regex",)

    @property
    def column(self) -> str:
        """The column of texts that the model was trained on."""
        found = self.meta.found
        return found.text if found is not None and found.text else str(self.meta.parameters.text)

    def read_input(self, path: Path) -> "pd.DataFrame":
        """Read texts from a table, from the lines of a .txt file, or from a folder of these.

        Raises:
            DataError: If it cannot be read; names file and line.
        """
        found = self.meta.found
        return read_raw_input(path, None if found is None else found.form, self.column)

    def input_columns(self) -> dict[str, bool]:
        """Texts may be in a column that is called so, or as that of the training."""
        if self.column == TEXT:
            return {TEXT: True}
        return {TEXT: False, self.column: False}

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: SentimentAnswer
    ) -> "pd.DataFrame":
        """Classify each text of the column that was trained on, or of the column `text`.

        The answer has the likeliest `label`, and as `confidence` its probability; then, if it
        is asked for, a column for each class with its probability.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        texts, classes = texts_in_table(table, self.column), self.meta.classes
        with torch.inference_mode():
            found = torch.stack([self.probabilities(model, text) for text in texts])
        confidence, places = found.max(dim=1)
        labels = [
            UNKNOWN if probability < parameters.unknown_below else classes[place]
            for probability, place in zip(confidence.tolist(), places.tolist(), strict=True)
        ]
        answer = pd.DataFrame({"label": labels, "confidence": confidence.tolist()})
        if parameters.all:
            names = [f"probability_{label}" for label in classes]
            answer = answer.join(pd.DataFrame(found.tolist(), columns=names))
        return answer

    def probabilities(self, model: nn.Module, text: str) -> Tensor:
        """The probability of each class of a text that is not empty, (C,)."""
        parameters = self.meta.parameters
        pieces = words_of(text, parameters.lowercase, parameters.max_words)
        words = encode(pieces, self.index).long()
        logits = model(words[None], torch.tensor([len(words)]), self.evidence[words][None])
        return functional.softmax(logits[0], dim=0)

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        texts = read_sides(raw, self.meta.parameters).table["text"]
        return pd.DataFrame({TEXT: texts.head(1).tolist()})
