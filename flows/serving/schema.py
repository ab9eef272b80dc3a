"""What a model takes and answers, as types: for checking a request, and for its page in OpenAPI."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Literal

import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import DataType
from mlflow.types.schema import AnyType
from pydantic import (
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    Strict,
    StrictBool,
    StrictInt,
    StrictStr,
    create_model,
)

from rnn_core.tasks.base.task import Task

LARGEST = 2**63
"""Whole numbers of a table are smaller than this."""

Whole = Annotated[StrictInt, Field(gt=-LARGEST, lt=LARGEST)]
Number = Annotated[FiniteFloat, Strict()]

OFTEN = 10_000
"""The most of what an answer takes time for, as tokens to write."""

MOST: Mapping[str, int] = {"num_tokens": OFTEN, "beam": 64, "beam_size": 64, "top": OFTEN}
"""The most that may be asked of parameters of an answer that take time."""


class Strictly(BaseModel):
    """An object without other keys than those that it names."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=False)


@dataclass(frozen=True)
class Schema:
    """What a model takes and answers.

    Attributes:
        columns: Of its input, in their order.
        request: The type of a request: `rows` and `parameters`.
        answer: The type of an answer's row.
        parameters: The type of `parameters` by itself.
    """

    columns: tuple[str, ...]
    request: type[BaseModel]
    answer: type[BaseModel]
    parameters: type[BaseModel]


def schema_of(name: str, task: Task, signature: ModelSignature, most_rows: int, most: int) -> Schema:
    """The types of a model.

    Args:
        name: Of the model.
        task: Whose `AnswerParameters` may be asked for.
        signature: As it was registered.
        most_rows: Rows of a request.
        most: Characters of a text.
    """
    title = "".join(part.capitalize() for part in name.replace("@", ".version.").split("."))
    row = model(f"{title}Row", {c.name: column_of(c, most) for c in signature.inputs.inputs})
    parameters = parameters_of(f"{title}Parameters", task)
    request = model(
        f"{title}Request",
        {
            "rows": (Annotated[list[row], Field(min_length=1, max_length=most_rows)], ...),  # type: ignore[valid-type]
            "parameters": (parameters, Field(default_factory=parameters)),
        },
    )
    answers = {c.name: (answer_type(c.type) | None, None) for c in signature.outputs.inputs}
    answer = create_model(f"{title}Answer", __config__=ConfigDict(extra="allow"), **answers)
    return Schema(tuple(c.name for c in signature.inputs.inputs), request, answer, parameters)


def model(name: str, content: Mapping[str, Any]) -> type[BaseModel]:
    """An object with these fields and no others."""
    made: type[BaseModel] = create_model(name, __base__=Strictly, **content)
    return made


def column_of(spec: Any, most: int) -> tuple[Any, Any]:
    """Type and default of a column of raw input."""
    kind = input_type(spec.type, most)
    return (kind, ...) if spec.required else (kind | None, None)


def input_type(kind: object, most: int) -> Any:
    """The type of the values of a column; what may be missing may be null."""
    text = Annotated[StrictStr, Field(max_length=most)]
    if isinstance(kind, AnyType):
        return text | Whole | Number | StrictBool | None
    if kind == DataType.binary:
        return Base64Bytes
    if kind == DataType.string:
        return text
    if kind == DataType.boolean:
        return StrictBool
    if kind in {DataType.integer, DataType.long}:
        return Whole
    if kind in {DataType.float, DataType.double}:
        return Whole | Number | None
    return text


def answer_type(kind: object) -> Any:
    """The type of the values of a column of answers."""
    numbers = {DataType.integer, DataType.long, DataType.float, DataType.double}
    if kind == DataType.boolean:
        return bool
    return float if kind in numbers else str


def parameters_of(name: str, task: Task) -> type[BaseModel]:
    """What may be asked of an answer."""
    found = {}
    for field in fields(task.AnswerParameters):
        most = {"le": MOST[field.name]} if field.name in MOST else {}
        default = ... if field.default is MISSING else field.default
        found[field.name] = (strict(field.type), Field(default, **most))  # type: ignore[call-overload]
    return model(name, found)


def strict(kind: Any) -> Any:
    """The type of a parameter in JSON."""
    kinds: dict[Any, Any] = {int: StrictInt, float: Whole | Number, str: StrictStr, bool: StrictBool}
    return kinds.get(kind, kind)
