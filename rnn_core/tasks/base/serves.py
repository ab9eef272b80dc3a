"""The role of a task that answers raw input."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from rnn_core.errors import DataError
from rnn_core.readers.faults import Faults
from rnn_core.tasks.base.role import Role

if TYPE_CHECKING:
    import pandas as pd  # only answering needs it, and it takes long to import


@dataclass(frozen=True, kw_only=True)
class AnswerParameters:
    """Options of an answer; this task has none.

    Defaults of fields of subclasses are int, float, str, bool, or a tuple of str, since they go
    into the signature of the registered model.
    """


class Serves(Role, ABC):
    """Reads raw input, and answers it.

    Attributes:
        AnswerParameters: What `gatewise predict --set` may say, as a dataclass.
    """

    AnswerParameters: ClassVar[type[Any]] = AnswerParameters
    rows_stand_alone: ClassVar[bool] = True
    """True if the answer to a row of raw input does not depend on the other rows."""
    takes: ClassVar[tuple[str, ...]] = ("text",)
    """Kinds of files with raw input: `text`, `table` or `sound`."""
    requirements: ClassVar[tuple[str, ...]] = ()
    """Packages that `answer` needs beside numpy, pandas, safetensors and torch."""

    @abstractmethod
    def read_input(self, path: Path) -> "pd.DataFrame":
        """Read a file or folder of raw input into a table for `answer`.

        What `prepare` found out about the files of the dataset holds here too.

        Raises:
            DataError: If it cannot be read; names file and row.
        """

    @abstractmethod
    def answer(self, model: nn.Module, table: "pd.DataFrame", parameters: Any) -> "pd.DataFrame":
        """Answer the user's raw input.

        Args:
            model: A model of this task, on the CPU and in evaluation mode.
            table: The input; the task says which columns.
            parameters: What is asked of the answer, of the task's own
                `AnswerParameters`.

        Raises:
            DataError: If the input is not of the form that the task needs.
        """

    def answer_some(
        self, model: nn.Module, table: "pd.DataFrame", parameters: Any
    ) -> "tuple[pd.DataFrame, Faults]":
        """Answer the parts of raw input that can be answered, where rows do not stand alone.

        Returns:
            The answer to these, and the faults of the others.

        Raises:
            DataError: If nothing can be answered; names all faults.
        """
        return self.answer(model, table, parameters), Faults()

    def input_columns(self) -> dict[str, bool] | None:
        """Columns of raw input that may hold values of any kind, and whether they must be there.

        None where the example has the kinds of all.
        """
        return None

    @abstractmethod
    def example(self, raw: Path) -> "pd.DataFrame":
        """A small input for `answer`, taken from the raw files of the dataset."""


def row_names(table: "pd.DataFrame") -> list[Any]:
    """Name of each row for the user: its index in the file, or its number from 1."""
    return list(table.index) if table.index.name == "row" else list(range(1, len(table) + 1))


def required_column(table: "pd.DataFrame", column: str) -> "pd.Series[Any]":
    """A column of raw input.

    Raises:
        DataError: If it is not there.
    """
    if column not in table.columns:
        raise DataError(f"the input has no column {column!r}, only {list(table.columns)}")
    return table[column]
