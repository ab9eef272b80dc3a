"""Classification of the user's own texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rnn_core.features.word_finding import join_units
from rnn_core.features.words import encode
from rnn_core.tasks.base.classification import ClassAnswer, class_answers, class_probabilities
from rnn_core.tasks.base.serves import Serves
from rnn_core.tasks.sentiment.files import read_splits, words_of
from rnn_core.tasks.sentiment.learn import SCORING_BATCH, Learning
from rnn_core.tasks.sentiment.raw_input import TEXT, Known, read_raw_input, texts_in_table

if TYPE_CHECKING:
    import pandas as pd


class Serving(Learning, Serves):
    """Classifies texts."""

    AnswerParameters = ClassAnswer
    takes = ("text", "table")
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
        found, classes = self.meta.found, self.meta.classes
        if found is None:
            return read_raw_input(path, Known(text=self.column, classes=classes))
        encoding = None if found.form is None else found.form.encoding
        known = Known(
            form=found.form,
            lines=found.lines,
            text=self.column,
            label=found.label,
            classes=classes,
            encoding=self.meta.parameters.encoding or encoding,
        )
        return read_raw_input(path, known)

    def input_columns(self) -> dict[str, bool]:
        """Texts may be in a column that is called so, or as that of the training."""
        if self.column == TEXT:
            return {TEXT: True}
        return {TEXT: False, self.column: False}

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: ClassAnswer
    ) -> "pd.DataFrame":
        """Classify each text of the column that was trained on, or of the column `text`.

        The answer has the likeliest `label`, and as `confidence` its probability; then, if it
        is asked for, a column for each class with its probability.
        """
        texts = texts_in_table(table, self.column)
        found = self.probabilities(model, [self.words_in(text) for text in texts])
        return class_answers(found, self.meta.classes, parameters, ("label", "confidence"))

    def words_in(self, text: str) -> Tensor:
        """The words of a text, int64 (T,)."""
        parameters = self.meta.parameters
        units = words_of(text, parameters.lowercase, parameters.max_words)
        pieces = join_units(units, self.meta.words)
        return encode(pieces, self.index).long()

    @torch.inference_mode()
    def probabilities(self, model: nn.Module, texts: Sequence[Tensor]) -> Tensor:
        """The probability of each class, (N, C), of texts with words, (T,) each."""

        def logits(words: Tensor, lengths: Tensor) -> Tensor:
            found: Tensor = model(words, lengths, self.evidence[words])
            return found

        return class_probabilities(texts, len(self.meta.classes), SCORING_BATCH, logits)

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        texts = read_splits(raw, self.meta.parameters).table["text"]
        return pd.DataFrame({TEXT: texts.head(1).tolist()})
