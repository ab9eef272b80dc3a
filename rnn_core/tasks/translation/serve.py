"""Translation of the user's own sentences."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from rnn_core.errors import DataError
from rnn_core.features.subwords import END
from rnn_core.readers.parallel_text import check_length, clean, read_sources
from rnn_core.tasks.base.serves import AnswerParameters, Serves, required_column, row_names
from rnn_core.tasks.translation.copying import SAYS, says_nothing
from rnn_core.tasks.translation.learn import Learning
from rnn_core.tasks.translation.pairs import read_splits

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class TranslationAnswer(AnswerParameters):
    """Options of a translation.

    Attributes:
        beam_size: Hypotheses that are kept; 1 is quickest, and 0 takes as many as the test set
            was translated with, so that the score is that of the answers.
    """

    beam_size: int = 0

    def __post_init__(self) -> None:
        if self.beam_size < 0:
            raise ValueError("beam_size must not be negative")


class Serving(Learning, Serves):
    """Translates sentences."""

    AnswerParameters = TranslationAnswer
    requirements = ("regex", "sentencepiece")

    def read_input(self, path: Path) -> "pd.DataFrame":
        """Read texts into the column `text`: one a line, or those of a table of pairs."""
        import pandas as pd  # noqa: PLC0415 - training does without

        asked = self.meta.parameters
        of_pairs = asked.target_file is None
        read = read_sources(
            path, asked.columns, asked.encoding, of_pairs=of_pairs, split=asked.split_column
        )
        return pd.DataFrame(read, columns=["row", "text"]).set_index("row")

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: TranslationAnswer
    ) -> "pd.DataFrame":
        """Translate each text of the column `text` into the column `translation`.

        A text of only marks is its own translation.

        Raises:
            DataError: If a row is no text, or of characters that the model knows nothing of.
        """
        import pandas as pd  # noqa: PLC0415 - training does without

        texts = []
        for row, text in zip(row_names(table), required_column(table, "text"), strict=True):
            texts.append(self.read_text(text, f"row {row}, column 'text'"))
        pieces = [torch.tensor([*ids, END]) for ids in self.subwords.encode(texts)]
        asked = [index for index, text in enumerate(texts) if not says_nothing(text)]
        with torch.inference_mode():
            beam_size = parameters.beam_size or self.model.beam_size
            ours = self.translations(
                model, [pieces[i] for i in asked], [texts[i] for i in asked], beam_size
            )
        answers = dict(enumerate(texts)) | dict(zip(asked, ours, strict=True))
        return pd.DataFrame({"translation": [answers[i] for i in range(len(texts))]})

    def read_text(self, text: object, where: str) -> str:
        """A text as the model reads it.

        Raises:
            DataError: If it is none, or most of its characters are in no training text.
        """
        if not isinstance(text, str):
            raise DataError(f"{where}: {text!r} is not text")
        check_length(text, where)
        read = clean(text, self.meta.parameters.lower_case)
        said = SAYS.findall(read)
        strange = [character for character in said if character not in self.subwords.characters]
        if 2 * len(strange) > len(said):
            raise DataError(
                f"{where}: most characters, such as {strange[0]!r}, are in no text that the model "
                "learned from; is it the right language, and in its capitals?"
            )
        return read

    def example(self, raw: Path) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - training does without

        pairs = read_splits(raw, self.meta.parameters)["test"]
        return pd.DataFrame({"text": [pair.source for pair in pairs[:3]]})
