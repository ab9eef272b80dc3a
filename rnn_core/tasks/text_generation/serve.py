"""Continuation of the user's own prompts."""

from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from rnn_core.errors import DataError
from rnn_core.readers.plain_text import read_plain_text, text_pieces
from rnn_core.tasks.base.serves import Serves, required_column, row_names
from rnn_core.tasks.text_generation.splits import raw_files
from rnn_core.tasks.text_generation.tokens import tokenize
from rnn_core.tasks.text_generation.write import TextAnswer, Writing

if TYPE_CHECKING:
    import pandas as pd


EXAMPLE_TOKENS = 8
"""Tokens of the prompt that is an example."""


class Serving(Writing, Serves):
    """Writes on from the prompts of a table."""

    AnswerParameters = TextAnswer
    requirements = ("regex", "sentencepiece")

    def read_input(self, path: Path) -> "pd.DataFrame":
        """Read a text file as one prompt; the line break at its end is not part of it."""
        import pandas as pd  # noqa: PLC0415 - training does without

        text = read_plain_text(path, self.meta.parameters.encoding)
        return pd.DataFrame({"prompt": [text.removesuffix("\n")]})

    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: TextAnswer
    ) -> "pd.DataFrame":
        """Write on from each text of the column `prompt`, into the column `text`."""
        import pandas as pd  # noqa: PLC0415 - training does without

        prompts = [str(prompt) for prompt in required_column(table, "prompt")]
        for row, prompt in zip(row_names(table), prompts, strict=True):
            try:
                self.read_prompt(prompt)
            except DataError as error:
                raise DataError(f"row {row}: {error}") from None
        return pd.DataFrame({"text": [self.generate(model, p, parameters) for p in prompts]})

    def example(self, raw: Path) -> "pd.DataFrame":
        """The first few tokens of the text."""
        import pandas as pd  # noqa: PLC0415 - training does without

        asked = self.meta.parameters
        start = next(text_pieces(raw_files(raw)[0], asked.encoding))
        if self.subwords is not None:
            prompt = self.subwords.decode(self.subwords.encode(start)[:EXAMPLE_TOKENS])
        else:
            prompt = "".join(tokenize(start, asked.tokens)[:EXAMPLE_TOKENS])
        return pd.DataFrame({"prompt": [prompt]})
