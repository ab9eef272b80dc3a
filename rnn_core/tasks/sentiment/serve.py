"""Texts of a person's own, classified."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from rnn_core.errors import DataError
from rnn_core.features.words import encode
from rnn_core.readers.labelled_texts import ENDINGS, read_rows
from rnn_core.readers.plain_text import read_file_lines
from rnn_core.tasks.base.serves import AnswerParameters, Serves, row_names
from rnn_core.tasks.sentiment.files import read_sides, words_of
from rnn_core.tasks.sentiment.learn import Learning

if TYPE_CHECKING:
    import pandas as pd


class Serving(Learning, Serves):
    """Classifies texts."""

    def read_input(self, path: Path) -> "pd.DataFrame":
        """Read sentences, one a line of a .txt file, or a .csv or .tsv with a header.

        Raises:
            DataError: If it cannot be read; names file and line.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        if path.suffix in ENDINGS:
            (_, header), *rows = read_rows(path, None)
            return pd.DataFrame([row for _, row in rows], columns=header, dtype=str)
        lines = read_file_lines(path)
        for number, line in enumerate(lines, 1):
            if not line.strip():
                raise DataError(f"{path.name}, line {number} is empty; remove it")
        return pd.DataFrame({"text": lines})

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: AnswerParameters
    ) -> "pd.DataFrame":
        """Classify each text of the column `text`, or of the column that was trained on.

        The answer has the likeliest `label`, and as `confidence` its probability.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        texts = self.texts_of(table)
        with torch.inference_mode():
            rows = [self.classify(model, text) for text in texts]
        return pd.DataFrame(rows, columns=["label", "confidence"])

    def texts_of(self, table: "pd.DataFrame") -> list[str]:
        """The texts of raw input."""
        own = self.meta.parameters.text
        column = "text" if "text" in table.columns else own
        if column not in table.columns:
            raise DataError(f"the input has no column 'text', only {list(table.columns)}")
        texts = [str(text) for text in table[column].fillna("")]
        for row, text in zip(row_names(table), texts, strict=True):
            if not text.strip():
                raise DataError(f"the input, row {row} has no text")
        return texts

    def classify(self, model: nn.Module, text: str) -> tuple[str, float]:
        """The likeliest class of a text that is not empty, and its probability."""
        parameters = self.meta.parameters
        pieces = words_of(text, parameters.lowercase, parameters.max_words)
        words = encode(pieces, self.index).long()
        logits = model(words[None], torch.tensor([len(words)]), self.evidence[words][None])
        probability, place = functional.softmax(logits[0], dim=0).max(dim=0)
        return self.meta.classes[int(place)], float(probability)

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        texts = read_sides(raw, self.meta.parameters)["text"]
        return pd.DataFrame({"text": texts.head(1).tolist()})
