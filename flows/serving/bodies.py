"""Read the body of a request: a table, and the options of the answer.

JSON has rows and options. A recording, a table or a text can also be sent as a file; then the
options are in the query of the address.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd
import soundfile
from pydantic import BaseModel, ValidationError

from flows.serving.failures import RefusedError, told, without_input
from flows.serving.version import Limits, Version
from flows.tracking.rows import numbered, table_of
from rnn_core.errors import DataError

JSON = "application/json"

SOUND = "sound"
TABLE = "table"
TEXT = "text"

KINDS: Mapping[str, tuple[str, str]] = {
    "audio/wav": (SOUND, ".wav"),
    "audio/x-wav": (SOUND, ".wav"),
    "audio/wave": (SOUND, ".wav"),
    "audio/vnd.wave": (SOUND, ".wav"),
    "audio/flac": (SOUND, ".flac"),
    "audio/x-flac": (SOUND, ".flac"),
    "audio/mpeg": (SOUND, ".mp3"),
    "audio/mp3": (SOUND, ".mp3"),
    "audio/ogg": (SOUND, ".ogg"),
    "text/csv": (TABLE, ".csv"),
    "text/tab-separated-values": (TABLE, ".tsv"),
    "text/plain": (TEXT, ".txt"),
}
"""Types of files: kind of content, and ending of the name."""

MOST_SAMPLES = 30_000_000
"""Most samples of a recording, in all channels: five minutes in stereo at 48,000 a second."""

WAV_SAMPLES = 5
"""Most samples in a byte of a WAV file, which GSM compression reaches."""

BLOCK = 1 << 16
"""Samples that are decoded at once, to count them."""


class Given(NamedTuple):
    """The content of a request.

    Attributes:
        table: Its input.
        parameters: Options of the answer, the task's `AnswerParameters`.
    """

    table: pd.DataFrame
    parameters: Any


def types_of(version: Version) -> list[str]:
    """Types of bodies that a version accepts in addition to JSON."""
    return [kind for kind, (holds, _) in KINDS.items() if holds in version.task.takes]


def type_of(content_type: str) -> str:
    """The type in a Content-Type, without its parameters; case does not count."""
    return content_type.partition(";")[0].strip().lower()


def read_body(
    version: Version, limits: Limits, body: bytes, content_type: str, query: Mapping[str, str]
) -> Given:
    """Read a request.

    Args:
        version: The version that will answer.
        limits: Limits on requests.
        body: The body as it was sent.
        content_type: Its Content-Type.
        query: The query of the address.

    Raises:
        RefusedError: If the request cannot be used.
    """
    kind = type_of(content_type)
    if kind == JSON:
        if query:
            raise RefusedError(422, "with JSON, put parameters into the body")
        return of_json(version, body)
    if kind not in types_of(version):
        takes = ", ".join([JSON, *types_of(version)])
        raise RefusedError(415, f"the Content-Type must be one of: {takes}")
    if not body:
        raise RefusedError(400, "the body is empty")
    asked = checked(version.schema.parameters.model_validate_strings, query, "the address")
    table = of_file(version, limits, body, KINDS[kind][1])
    return Given(table, parameters(version, asked))


def of_json(version: Version, body: bytes) -> Given:
    """Read a request in JSON."""
    if not body:
        raise RefusedError(400, "the body is empty")
    schema = version.schema
    request: BaseModel = checked(schema.request.model_validate_json, body)
    json.loads(body, object_pairs_hook=check_once)
    table = table_of(schema.rows_of(request), schema.columns)
    if SOUND in version.task.takes:
        for content in table["wav"]:
            check_sound(content)
    return Given(table, parameters(version, schema.parameters_of(request)))


def check_once(pairs: list[tuple[str, Any]]) -> None:
    """Check that an object of JSON has no name twice: all but the last would be lost.

    Raises:
        RefusedError: If it has.
    """
    if len(dict(pairs)) < len(pairs):
        raise RefusedError(422, "an object of the body has a name twice; send each name once")


def checked(read: Any, content: object, whole: str = "the body") -> Any:
    """Parse content with pydantic.

    Raises:
        RefusedError: If it does not have the right type.
    """
    try:
        return read(content)
    except ValidationError as error:
        broken = error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid"
        raise RefusedError(400 if broken else 422, told(error, whole)) from None


def parameters(version: Version, asked: BaseModel) -> Any:
    """Turn the options of an answer into the task's `AnswerParameters`.

    Raises:
        RefusedError: If a value is out of range.
    """
    try:
        return version.task.AnswerParameters(**asked.model_dump(by_alias=True))
    except ValueError as error:
        raise RefusedError(
            422, without_input(f"parameters: {error}", version.schema.names)
        ) from None


def of_file(version: Version, limits: Limits, body: bytes, ending: str) -> pd.DataFrame:
    """Read the content of a file as `gatewise predict` does."""
    if SOUND in version.task.takes:
        check_sound(body)
    with TemporaryDirectory(prefix="gatewise-") as temporary:
        file = Path(temporary) / f"input{ending}"
        file.write_bytes(body)
        try:
            table = version.task.read_input(file)
        except DataError as error:
            reason = str(error).replace(f"{temporary}/", "")
            raise RefusedError(422, without_input(reason, version.schema.names)) from None
    check_size(table, limits)
    return numbered(table.drop(columns="file", errors="ignore"))


def check_size(table: pd.DataFrame, limits: Limits) -> None:
    """Check the size of a table and its texts.

    Raises:
        RefusedError: If there are no rows, or something is too long.
    """
    if not len(table):
        raise RefusedError(422, "the input has no rows")
    if len(table) > limits.rows:
        raise RefusedError(413, f"the input has {len(table)} rows; {limits.rows} is the most")
    for name in table.columns:
        if any(isinstance(value, str) and len(value) > limits.text for value in table[name]):
            raise RefusedError(413, f"a text has more than {limits.text} characters")


def check_sound(content: bytes) -> None:
    """Check the length of a recording, since a few bytes can hold hours of silence.

    A recording that cannot be decoded passes: the error is reported when the task reads it.

    Raises:
        RefusedError: If it is too long.
    """
    if content.startswith(b"RIFF") and len(content) * WAV_SAMPLES <= MOST_SAMPLES:
        return
    count = 0
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            while (
                count <= MOST_SAMPLES
                and (read := file.read(BLOCK, dtype="int16", always_2d=True)).size
            ):
                count += read.size
    except (soundfile.SoundFileError, ValueError, TypeError):
        return
    if count > MOST_SAMPLES:
        raise RefusedError(413, f"the recording has more than {MOST_SAMPLES} samples")
