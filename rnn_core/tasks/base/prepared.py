"""A prepared dataset: its tensors, and what was found out about it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, TypeAlias

from torch import Tensor

from rnn_core.metric import Split

Data: TypeAlias = Mapping[str, Tensor]
"""Prepared tensors of all splits by name."""


@dataclass(frozen=True, kw_only=True)
class Meta:
    """Facts that `prepare` found out; a model needs them to read raw input and write its answer.

    It travels with a model as JSON: fields are numbers, texts, and lists, tuples and dicts of
    them. A task has its own kind, which also has the task's `DataParameters`, as `parameters`.

    Attributes:
        items: How many items each split has.
    """

    Parameters: ClassVar[type[Any]]
    """Type of `parameters`."""

    items: dict[Split, int]

    def to_json(self) -> dict[str, Any]:
        """The form in which it is written."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; in JSON, tuples are lists."""
        values = content["parameters"].items()
        asked = {name: tuple(v) if isinstance(v, list) else v for name, v in values}
        return cls(**{**content, "parameters": cls.Parameters(**asked)})
