"""A version of a registered model, loaded to answer.

Its files are not executed: the code is that of this program, and weights are safetensors.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from mlflow.entities.model_registry import ModelVersion
from pydantic_core import to_json
from torch import nn

from flows.serving.schema import Most, Schema, schema_of
from flows.system.hidden import cause_of
from flows.tracking.registered import DIGEST, EXAMPLES, RUN, download
from flows.tracking.rows import rows_of, table_of
from rnn_core.errors import GatewiseError, StudyError
from rnn_core.files import read_json
from rnn_core.tasks.base.task import Task
from rnn_core.training.models import registered_seeds, restore_registered
from rnn_core.training.run_folder import read_config

PREFIX = "gatewise."
"""Beginning of the names of tags with the evidence for a version."""

TOLERANCE = 1e-4
"""Tolerance between a number here and on the machine that registered the model."""


@dataclass(frozen=True)
class Examples:
    """The example input of a registered model, and its answer, as rows of JSON."""

    given: list[dict[str, Any]]
    answer: list[dict[str, Any]]


@dataclass(frozen=True)
class Limits:
    """Limits on requests.

    Attributes:
        body: Most bytes of a request.
        rows: Most rows of a table.
        text: Most characters of a text.
        seconds: Most seconds until the answer.
        waiting: Most requests that wait for a model.
        streams: Most texts that a model writes at the same time.
        batch: Most rows that are answered together.
    """

    body: int = 8 << 20
    rows: int = 10_000
    text: int = 20_000
    seconds: float = 30.0
    waiting: int = 256
    streams: int = 4
    batch: int = 64


@dataclass(frozen=True)
class Version:
    """A version that answers.

    Attributes:
        name: Name of the registered model.
        number: Number of the version.
        digest: Digest of its files.
        kind: Name of its task.
        task: The task, which reads input and makes answers.
        model: The network.
        schema: Types of its input and answer.
        examples: Its example input and answer; None if it was registered without.
        evidence: The evidence for it, by the names of tags without their prefix.
    """

    name: str
    number: str
    digest: str
    kind: str
    task: Task
    model: nn.Module
    schema: Schema
    examples: Examples | None
    evidence: Mapping[str, str]

    @property
    def cell(self) -> str:
        """Name of its recurrent cell."""
        return self.evidence.get("cell", "")

    @property
    def streams(self) -> bool:
        """True if it writes text piece by piece."""
        return hasattr(self.task, "stream")

    @property
    def told(self) -> dict[str, str]:
        """The description of the version in each of its answers."""
        return {
            "model": self.name,
            "version": self.number,
            "digest": self.digest,
            "cell": self.cell,
        }


def load(version: ModelVersion, limits: Limits) -> Version:
    """Fetch a version, compare it with its digest, rebuild its model and test its answer.

    Raises:
        GatewiseError: If its files are missing or changed, or it gives other answers than when it
            was registered.
    """
    try:
        with TemporaryDirectory(prefix="gatewise-") as temporary:
            loaded = rebuild(version, download(version, Path(temporary)), limits)
        check_answers(loaded)
    except GatewiseError:
        raise
    except Exception as error:  # a store, or a file of another Gatewise, may raise anything
        cause = cause_of(error)
        raise StudyError(f"it cannot be loaded: {type(error).__name__}: {cause}") from error
    return loaded


def rebuild(version: ModelVersion, files: Path, limits: Limits) -> Version:
    """Rebuild the model from files whose digest has been checked."""
    task, model = restore_registered(files / RUN)
    config, _ = read_config(registered_seeds(files / RUN)[0])
    signature = mlflow.models.get_model_info(f"models:/{version.name}/{version.version}").signature
    if signature is None or signature.inputs is None or signature.outputs is None:
        raise StudyError("it has no signature of its input")
    return Version(
        name=version.name,
        number=str(version.version),
        digest=version.tags[DIGEST],
        kind=config.task,
        task=task,
        model=model,
        schema=schema_of(
            f"{version.name}_{version.version}", task, signature, Most(limits.rows, limits.text)
        ),
        examples=read_examples(files / EXAMPLES),
        evidence=evidence_of(version.tags),
    )


def evidence_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Our tags, without their prefix."""
    return {k.removeprefix(PREFIX): v for k, v in tags.items() if k.startswith(PREFIX)}


def read_examples(file: Path) -> Examples | None:
    """Read the example input and answer of a model; None if it was registered without."""
    return Examples(**read_json(file)) if file.exists() else None


def check_answers(version: Version) -> None:
    """Compare a model's answer to its example input with that of its registration.

    Raises:
        StudyError: If they differ.
    """
    if version.examples is None:
        return
    request = version.schema.request.model_validate_json(to_json({"rows": version.examples.given}))
    table = table_of(version.schema.rows_of(request), version.schema.columns)
    answer = version.task.answer(version.model, table, version.task.AnswerParameters())
    if not alike(rows_of(answer), version.examples.answer):
        raise StudyError("it does not answer as it did when it was registered")


def alike(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> bool:
    """Return whether the values of two lists of rows are nearly equal."""
    if len(found) != len(wanted):
        return False
    pairs = zip(found, wanted, strict=True)
    return all(a.keys() == b.keys() and all(near(a[k], b[k]) for k in a) for a, b in pairs)


def near(found: Any, wanted: Any) -> bool:
    """Return whether two values have the same type and, if they are numbers, are nearly equal.

    Texts need not be equal: another processor may round differently, and so draw another letter.
    """
    if isinstance(found, float) and isinstance(wanted, float | int):
        return math.isclose(found, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(found) is type(wanted)
