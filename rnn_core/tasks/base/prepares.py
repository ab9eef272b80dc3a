"""The role of a task that reads the user's own files."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

from torch import Tensor

from rnn_core.tasks.base import prepared
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding

Suggestion: TypeAlias = dict[str, dict[str, Any]]
"""The parts of a section of params.yaml by name."""

T = TypeVar("T")


class Prepares(ABC):
    """Reads the user's own files, and suggests parameters for them.

    Attributes:
        DataParameters: Dataclass of the values that `data:` in params.yaml may hold.
        Meta: Dataclass of what `prepare` found out; it travels with the model.
    """

    DataParameters: ClassVar[type[Any]]
    Meta: ClassVar[type[prepared.Meta]]

    @staticmethod
    @abstractmethod
    def prepare(raw: Path, parameters: Any) -> tuple[dict[str, Tensor], prepared.Meta]:
        """Turn raw files into tensors, and note what a model will need.

        Args:
            raw: The folder that the dataset's source filled.
            parameters: The task's own `DataParameters`.

        Returns:
            Data, and what was found out, of the task's own `Meta`.

        Raises:
            DataError: If a file cannot be used; names file and row.
        """

    @staticmethod
    @abstractmethod
    def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
        """Parameters to start from, for the user's own data.

        Args:
            raw: A folder with the data, as `ingest` fills it.
            wanted: What the person asked for, as parameters of `DataParameters`.

        Returns:
            The parts `data`, `model` and `training` of a section of params.yaml; what
            they leave out has a default.

        Raises:
            DataError: If a file cannot be used; names file and row.
            ParameterError: If what is wanted is not possible.
        """

    @staticmethod
    @abstractmethod
    def understand(raw: Path, data: Data, meta: Any) -> Understanding:
        """Describe what was understood of the user's data, before anything is trained.

        Args:
            raw: A folder with the data, which `prepare` could use.
            data: What it made of them.
            meta: What it found out, of the task's own `Meta`.
        """


def weights_for(wanted: Mapping[str, Any]) -> dict[str, str]:
    """The parameter of a model whose classes are to count alike, where its metric says so."""
    return {"class_weights": "balanced"} if wanted.get("metric") == "balanced_accuracy" else {}


def parameters_of(kind: type[T], wanted: Mapping[str, Any]) -> T:
    """Parameters of a kind, as the user wants them by `--set`; others have their defaults.

    Raises:
        ParameterError: If there is no such parameter, or a value is not possible.
    """
    from rnn_core.parameters import parse  # noqa: PLC0415 - a registered model does without

    return parse(kind, dict(wanted), "", "--set")
