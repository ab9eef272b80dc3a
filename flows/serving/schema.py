"""Types of a model's input and answer, to check requests and to describe them in OpenAPI."""

import base64
import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any

from mlflow.models import ModelSignature
from mlflow.types import DataType
from mlflow.types.schema import AnyType
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    Strict,
    StrictBool,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    create_model,
)

from rnn_core.tasks.base.task import Task

LARGEST = 2**63
"""Limit of whole numbers in a table; the absolute value is smaller."""

Whole = Annotated[StrictInt, Field(gt=-LARGEST, lt=LARGEST)]
Number = Annotated[FiniteFloat, Strict()]


def decoded(text: object) -> bytes:
    """Decode the content of a file from base64.

    Raises:
        ValueError: If it is not base64.
    """
    if not isinstance(text, str):
        raise ValueError("the content of a file is written as base64")  # noqa: TRY004 - for pydantic
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("it is not base64, as the content of a file is written") from None


Content = Annotated[
    bytes,
    BeforeValidator(decoded),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]

OFTEN = 10_000
"""Largest value of options that make an answer slow, such as the number of tokens."""

MOST: Mapping[str, int] = {"num_tokens": OFTEN, "beam": 64, "beam_size": 64, "top": OFTEN}
"""Largest values of the options of an answer that make it slow."""


@dataclass(frozen=True)
class Most:
    """Most rows of a request, and most characters of a text."""

    rows: int
    text: int


class Strictly(BaseModel):
    """An object that accepts only the keys that it names."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Openly(BaseModel):
    """An object that accepts other keys too."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True)
class Schema:
    """Types of a model's input and answer.

    Attributes:
        columns: Columns of its input, in their order.
        names: Names of all columns and parameters.
        request: The type of a request: `rows` and `parameters`.
        answer: The type of an answer's row.
        parameters: The type of `parameters`.
    """

    columns: tuple[str, ...]
    names: frozenset[str]
    request: type[BaseModel]
    answer: type[BaseModel]
    parameters: type[BaseModel]

    def rows_of(self, request: BaseModel) -> list[dict[str, Any]]:
        """The rows of a request, without values that are null."""
        rows: list[BaseModel] = request.field_0  # type: ignore[attr-defined]
        return [row.model_dump(by_alias=True, exclude_none=True) for row in rows]

    def parameters_of(self, request: BaseModel) -> BaseModel:
        """The options of the answer in a request."""
        asked: BaseModel = request.field_1  # type: ignore[attr-defined]
        return asked


def schema_of(name: str, task: Task, signature: ModelSignature, most: Most) -> Schema:
    """The types of a model.

    Args:
        name: Beginning of the names of the types.
        task: The task, whose `AnswerParameters` are the options of an answer.
        signature: The signature of the registered model.
        most: Limits on rows and texts.
    """
    title = re.sub(r"\W", "_", name)
    columns = {column.name: column for column in signature.inputs.inputs}
    row = made(f"{title}_row", {n: column_of(c, most.text) for n, c in columns.items()})
    asked = parameters_of(task)
    parameters = made(f"{title}_parameters", asked)
    rows = Annotated[list[row], Field(min_length=1, max_length=most.rows)]  # type: ignore[valid-type]
    request = made(
        f"{title}_request",
        {"rows": (rows, ...), "parameters": (parameters, Field(default_factory=parameters))},
    )
    answers = {c.name: (answer_type(c.type) | None, None) for c in signature.outputs.inputs}
    return Schema(
        columns=tuple(columns),
        names=frozenset([*columns, *asked, *answers]),
        request=request,
        answer=made(f"{title}_answer", answers, Openly),
        parameters=parameters,
    )


def made(
    name: str, content: Mapping[str, tuple[Any, Any]], base: type[BaseModel] = Strictly
) -> type[BaseModel]:
    """The type of an object.

    Args:
        name: Name of the type.
        content: Type and default of each key; keys may be any text.
        base: Base class, which decides on other keys.
    """
    found: dict[str, Any] = {
        f"field_{place}": (Annotated[kind, Field(alias=key)], default)
        for place, (key, (kind, default)) in enumerate(content.items())
    }
    return create_model(name, __base__=base, **found)


def column_of(spec: Any, most: int) -> tuple[Any, Any]:
    """Type and default of a column of raw input."""
    kind = input_type(spec.type, most)
    return (kind, ...) if spec.required else (kind | None, None)


def input_type(kind: object, most: int) -> Any:
    """The type of the values of a column; missing numbers may be null."""
    text = Annotated[StrictStr, Field(max_length=most)]
    if isinstance(kind, AnyType):
        return any_of(most)
    kinds: dict[object, Any] = {
        DataType.binary: Content,
        DataType.boolean: StrictBool,
        DataType.integer: Whole,
        DataType.long: Whole,
        DataType.float: Number | None,
        DataType.double: Number | None,
    }
    return kinds.get(kind, text)


def any_of(most: int) -> Any:
    """The type of a text of at most `most` characters, a number, a boolean, or null."""

    def fitting(value: object) -> object:
        if isinstance(value, str) and len(value) > most:
            raise ValueError(f"a text has {most} characters at most")
        if isinstance(value, int) and not -LARGEST < value < LARGEST:
            raise ValueError("a whole number is below 2**63")
        if not isinstance(value, str | int | float | None):
            raise ValueError("it is a text, a number, true, false or null")  # noqa: TRY004
        return value

    kinds = [{"type": "string", "maxLength": most}, {"type": "number"}]
    schema = {"anyOf": [*kinds, {"type": "boolean"}, {"type": "null"}]}
    return Annotated[Any, BeforeValidator(fitting), AfterValidator(finite), WithJsonSchema(schema)]


def finite(value: object) -> object:
    """Check that a value is not NaN or infinite."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is finite")
    return value


def answer_type(kind: object) -> Any:
    """The type of the values of a column of answers."""
    numbers = {DataType.integer, DataType.long, DataType.float, DataType.double}
    if kind == DataType.boolean:
        return bool
    return float if kind in numbers else str


def parameters_of(task: Task) -> dict[str, tuple[Any, Any]]:
    """Type and default of each option of an answer."""
    kinds: dict[object, Any] = {int: StrictInt, float: Number, str: StrictStr, bool: StrictBool}
    found = {}
    for field in fields(task.AnswerParameters):
        kind = kinds.get(field.type, field.type)
        if field.name in MOST:
            kind = Annotated[kind, Field(le=MOST[field.name])]
        found[field.name] = (kind, ... if field.default is MISSING else field.default)
    return found
