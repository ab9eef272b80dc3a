"""Answers of a model to the user's own lines."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from rnn_core.errors import DataError
from rnn_core.tasks.base.serves import AnswerParameters, Serves, required_column, row_names
from rnn_core.tasks.copy_memory.learn import SCORING_BATCH, Learning
from rnn_core.tasks.copy_memory.prepare import encode, raw_lines, read_lines

if TYPE_CHECKING:
    import pandas as pd


class Serving(Learning, Serves):
    """Recalls lines."""

    def read_input(self, path: Path) -> "pd.DataFrame":
        """Read a text file with symbols to remember in each line."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame({"symbols": read_lines(path)})

    @torch.inference_mode()
    def answer(
        self, model: nn.Module, table: "pd.DataFrame", parameters: AnswerParameters
    ) -> "pd.DataFrame":
        """Recall each line of the column `symbols`, into the column `recalled`."""
        import pandas as pd  # noqa: PLC0415 - training does without

        lines = [str(line) for line in required_column(table, "symbols")]
        known = self.meta.symbols
        for row, line in zip(row_names(table), lines, strict=True):
            self.check_line(line, row)
        recalled = (
            self.decode(self.recall(model, part.long()).argmax(dim=-1))
            for part in encode(lines, known).split(SCORING_BATCH)
        )
        return pd.DataFrame({"recalled": [line for part in recalled for line in part]})

    def check_line(self, line: str, row: int) -> None:
        """Refuse a line that is not like those that a model learned from.

        Raises:
            DataError: If it is not.
        """
        if len(line) != self.meta.num_recalled:
            raise DataError(
                f"row {row} has {len(line)} symbols; the model recalls {self.meta.num_recalled}"
            )
        for symbol in line:
            if symbol not in self.meta.symbols:
                raise DataError(
                    f"row {row} has the symbol {symbol!r}; the model knows "
                    f"{''.join(self.meta.symbols)}"
                )

    def example(self, raw: Path) -> "pd.DataFrame":
        """The first line."""
        import pandas as pd  # noqa: PLC0415 - training does without

        return pd.DataFrame({"symbols": raw_lines(raw)[:1]})
