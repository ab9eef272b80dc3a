"""The OpenAPI document: the common part, and the types of each model."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, create_model

from flows.serving.bodies import JSON, types_of
from flows.serving.desk import Desk
from flows.serving.version import Version

REFERENCE = "#/components/schemas/{model}"

REASONS = {
    "400": "the body is empty, or no JSON",
    "401": "the token is missing or wrong",
    "403": "another page or name asks",
    "404": "there is no such model",
    "413": "the body, a table, a text or a recording is too long",
    "415": "the Content-Type is none that the model takes",
    "422": "a value is wrong; the reason says which",
    "429": "too many requests wait",
    "500": "something went wrong; the log has it under the number in the reason",
    "503": "the model was busy for too long",
    "504": "the answer takes too long",
}
"""Status codes of requests that get no answer."""


class Failure(BaseModel):
    """The reason why there is no answer."""

    error: str


class Told(BaseModel):
    """The model version that answered."""

    model: str
    version: str
    digest: str
    cell: str


def document(plain: dict[str, Any], desks: Mapping[str, Desk], *, secured: bool) -> dict[str, Any]:
    """The document with the paths of each model.

    Args:
        plain: The document with the common part.
        desks: Desks of the models, by the names in requests.
        secured: Whether a token is needed.
    """
    schemas = plain.setdefault("components", {}).setdefault("schemas", {})
    add(schemas, Failure)
    for key, desk in desks.items():
        plain["paths"] |= paths_of(key, desk.version, schemas)
    if secured:
        plain["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        plain["security"] = [{"token": []}]
    return plain


def paths_of(key: str, version: Version, schemas: dict[str, Any]) -> dict[str, Any]:
    """The paths of a model."""
    answer = create_model(
        f"{version.schema.answer.__name__}s",
        __base__=Told,
        rows=(list[version.schema.answer], ...),  # type: ignore[name-defined]
    )
    content = {JSON: {"schema": add(schemas, version.schema.request)}}
    if version.examples is not None:
        content[JSON]["example"] = {"rows": version.examples.given}
    predict = operation(
        f"Answer rows with {key} (task: {version.kind}, cell: {version.cell})",
        f"predict {key}",
        content | {kind: {"schema": binary(kind)} for kind in types_of(version)},
        {JSON: {"schema": add(schemas, answer)}},
    )
    predict["parameters"] = in_query(version)
    found = {f"/models/{key}/predict": {"post": predict}}
    if version.streams:
        text = {"text/event-stream": {"schema": {"type": "string"}}}
        stream = operation(f"Write text with {key}", f"stream {key}", {JSON: content[JSON]}, text)
        found[f"/models/{key}/stream"] = {"post": stream}
    return found


def operation(
    summary: str, identity: str, content: dict[str, Any], answers: dict[str, Any]
) -> dict[str, Any]:
    """The description of a POST operation, with its body and responses."""
    failure = {JSON: {"schema": {"$ref": REFERENCE.format(model=Failure.__name__)}}}
    failures = {k: {"description": v, "content": failure} for k, v in REASONS.items()}
    return {
        "summary": summary,
        "operationId": identity,
        "tags": ["models"],
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "The answer", "content": answers}} | failures,
    }


def binary(kind: str) -> dict[str, str]:
    """The type of a file."""
    return (
        {"type": "string"} if kind.startswith("text/") else {"type": "string", "format": "binary"}
    )


def in_query(version: Version) -> list[dict[str, Any]]:
    """Options of an answer as query parameters, for bodies that are files."""
    found = version.schema.parameters.model_json_schema(ref_template=REFERENCE)
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in found.get("properties", {}).items()
        if types_of(version)
    ]


def add(schemas: dict[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    """Add a type to the schemas, and return a reference to it."""
    schema = kind.model_json_schema(ref_template=REFERENCE)
    schemas |= schema.pop("$defs", {}) | {kind.__name__: schema}
    return {"$ref": REFERENCE.format(model=kind.__name__)}
