"""Make a model a version of a registered model.

The tags of a version hold the evidence for it, and a digest of its files.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, infer_signature
from mlflow.types.schema import (
    AnyType,
    ColSpec,
    DataType,
    ParamSchema,
    ParamSpec,
    Schema,
    TensorSpec,
)

import rnn_core
from flows.layout import Layout
from flows.report.answer import answer
from flows.report.card import model_card
from flows.report.details import collect
from flows.system.hidden import cause_of
from flows.tracking.drift.training_set import TRAITS, note_traits
from flows.tracking.judging import note_seen
from flows.tracking.logged import risks
from flows.tracking.registered import (
    DIGEST,
    EXAMPLES,
    FILES,
    RUN,
    SEEN,
    digest_of_files,
    load_registered,
)
from flows.tracking.rows import rows_of
from flows.tracking.searches import all_versions
from rnn_core.comparison.outcome import Comparison
from rnn_core.errors import StudyError
from rnn_core.files import digest_of, write_json, write_text
from rnn_core.study import read_study
from rnn_core.tasks.base.task import Task
from rnn_core.training.members import member_folders, read_members
from rnn_core.training.models import restore_registered
from rnn_core.training.prepared import META
from rnn_core.training.run_folder import seed_folder

REQUIREMENTS = ("numpy", "pandas", "pydantic", "safetensors", "torch")
"""Packages that every model needs to answer; a task may need more."""

EXISTS = "RESOURCE_ALREADY_EXISTS"
"""Error code of MLflow for a name that is taken."""


@dataclass(frozen=True)
class Examples:
    """An input, and the answer of the trained model."""

    given: pd.DataFrame
    answer: pd.DataFrame


@contextmanager
def candidate(layout: Layout, dataset: str, comparison: Comparison) -> Iterator[Path]:
    """Make a folder with all files to register: the model as `RUN`, and traits of its data."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        copy_model(layout, dataset, comparison, folder / RUN)
        shutil.copy(layout.prepared(dataset) / META, folder / RUN)
        note_seen(folder, layout.raw(dataset))
        note_traits(folder, layout.raw(dataset))
        write_text(folder / "digest", digest_of(folder / RUN))
        yield folder


def copy_model(layout: Layout, dataset: str, comparison: Comparison, folder: Path) -> None:
    """Copy the training to register, or all trainings of the ensemble."""
    found = trained(layout, dataset, comparison)
    if len(found) == 1:
        shutil.copytree(found[0], folder)
        return
    for member in found:
        shutil.copytree(member, folder / member.name)


def trained(layout: Layout, dataset: str, comparison: Comparison) -> list[Path]:
    """The folders of the trainings to register."""
    scores, members = comparison.registered_scores, read_members(layout.ensemble(dataset))
    assert scores is not None
    if comparison.registered_refit is not None:
        return [layout.refitted(dataset, scores.size, seed) for seed in scores.seeds]
    if comparison.members and members is not None:
        return member_folders(layout.runs(dataset), members)
    (seed,) = scores.seeds
    return [seed_folder(layout.run(dataset, scores.cell), scores.size, seed)]


def digest_in(folder: Path) -> str:
    """The digest of the model in a folder made by `candidate`."""
    return (folder / "digest").read_text(encoding="utf-8")


def find_version(client: MlflowClient, name: str, digest: str) -> ModelVersion | None:
    """Find the version with this digest; None if there is none."""
    versions = all_versions(client, name)
    return next((v for v in versions if v.tags.get(DIGEST) == digest), None)


def example_and_answer(layout: Layout, dataset: str, folder: Path) -> Examples:
    """An input of the dataset, and the answer of the trained model in a folder."""
    task, model = restore_registered(folder / RUN)
    example = task.example(layout.raw(dataset))
    return Examples(example, task.answer(model, example, task.AnswerParameters()))


def register(
    client: MlflowClient,
    name: str,
    folder: Path,
    run_id: str,
    examples: Examples,
    origin: Mapping[str, str] = MappingProxyType({}),
) -> ModelVersion:
    """Log the model to its run and make a version of it, without an alias.

    `origin` has tags about its origin.
    """
    restored, _ = restore_registered(folder / RUN)
    task = type(restored)
    write_json(folder / EXAMPLES, {k: rows_of(v) for k, v in vars(examples).items()})
    packages = (*REQUIREMENTS, *task.requirements)
    parameters = asdict(task.AnswerParameters()) or None
    with mlflow.start_run(run_id=run_id):
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("served_model.py")),
            artifacts={
                name: str(folder / name) for name in (RUN, "digest", SEEN, TRAITS, EXAMPLES)
            },
            code_paths=[str(Path(rnn_core.__file__).parent)],
            pip_requirements=[f"{package}=={installed(package)}" for package in packages],
            signature=signature_of(restored, examples, parameters),
        )
    make_model(client, name)
    tags = {DIGEST: digest_in(folder), FILES: digest_of_files(logged.model_uri), **origin}
    return client.create_model_version(
        name, logged.model_uri, run_id, tags=tags, model_id=logged.model_id
    )


def make_model(client: MlflowClient, name: str) -> None:
    """Make a registered model without versions, unless there is one of that name."""
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != EXISTS:
            raise


def signature_of(
    task: Task, examples: Examples, parameters: dict[str, Any] | None
) -> ModelSignature:
    """The schema of a model's input and output; columns of any kind of values stay open."""
    columns = task.input_columns()
    given = examples.given if columns is None else None
    signature = infer_signature(given, examples.answer)
    if parameters:
        signature.params = params_schema(parameters)
    if columns is None:
        return signature
    specs: list[ColSpec | TensorSpec] = [
        ColSpec(AnyType(), name, required)  # type: ignore[no-untyped-call]
        for name, required in columns.items()
    ]
    signature.inputs = Schema(specs)
    return signature


def params_schema(parameters: dict[str, Any]) -> ParamSchema:
    """The schema of the options of an answer, from their defaults; tuples become lists of texts."""
    kinds = {
        bool: DataType.boolean,
        int: DataType.long,
        float: DataType.double,
        str: DataType.string,
        tuple: DataType.string,
    }
    return ParamSchema(
        [
            ParamSpec(name, kinds[type(value)], list(value), (-1,))
            if isinstance(value, tuple)
            else ParamSpec(name, kinds[type(value)], value)
            for name, value in parameters.items()
        ]
    )


def write_evidence(client: MlflowClient, version: ModelVersion, comparison: Comparison) -> None:
    """Write the evidence for a version into its tags, in place of earlier evidence."""
    recommended, refit = comparison.recommended, comparison.registered_refit
    assert recommended is not None
    result, decision, metric = recommended.result, comparison.decision, comparison.metric.name
    write_tags(
        client,
        version,
        {
            "cell": result.cell,
            "hidden_size": result.hidden_size,
            "num_layers": result.num_layers,
            "seed": recommended.seed.seed,
            "members": len(comparison.members) if comparison.members else None,
            "refit_epochs": refit.epochs if refit else None,
            "refit_gain": refit.gain.mean if refit and refit.gain else None,
            "answer": "\n".join(answer(comparison).lines),
            "decision": decision.status,
            "alone": True if decision.alone else None,
            **risks(result),
            f"test_{metric}": comparison.registered_test_score,
            f"test_{metric}_mean": result.test.mean,
            f"test_{metric}_std": result.test.std,
        },
    )


def write_tags(client: MlflowClient, version: ModelVersion, tags: Mapping[str, object]) -> None:
    """Write new or changed tags of a version, and remove those that are None."""
    for key, value in tags.items():
        name = f"gatewise.{key}"
        there = version.tags.get(name)
        if value is None and there is not None:
            client.delete_model_version_tag(version.name, version.version, name)
        elif value is not None and there != str(value):
            client.set_model_version_tag(version.name, version.version, name, str(value))


def describe(client: MlflowClient, layout: Layout, dataset: str, version: ModelVersion) -> None:
    """Write the model card of a version, unless it is up to date."""
    card = model_card(collect(layout, read_study(layout.folder), dataset))
    if version.description != card:
        client.update_model_version(version.name, version.version, description=card)


def check_answers(version: ModelVersion, examples: Examples) -> None:
    """Check the answer of a registered model.

    Raises:
        StudyError: If it differs from the answer of the trained model.
    """
    try:
        served = load_registered(f"models:/{version.name}/{version.version}")
        pd.testing.assert_frame_equal(served.predict(examples.given), examples.answer)
    except Exception as error:
        cause = cause_of(error)
        raise StudyError(
            f"{version.name} version {version.version} does not answer as the trained model "
            f"does, so the alias was not moved: {cause}"
        ) from error
