"""The only writer of the model registry: one model per dataset, its alias `champion`.

The tags of a version hold the evidence for it, and its digest binds the alias to bytes.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import version as installed
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

import rnn_core
from flows.layout import Layout
from flows.report import advice
from flows.report.card import model_card
from flows.report.details import collect
from flows.system.exclusive import exclusive
from flows.tracking.logged import risks
from flows.tracking.projection import reachable
from flows.tracking.promoted import Action, Promotion
from rnn_core.comparison.outcome import Champion, Comparison, read_comparison
from rnn_core.errors import StudyError
from rnn_core.files import digest_of, write_text
from rnn_core.metric import Direction
from rnn_core.study import read_study
from rnn_core.tasks import get_task
from rnn_core.training.item_scores import ItemScores, read_items
from rnn_core.training.models import restore_registered
from rnn_core.training.prepared import META
from rnn_core.training.run_folder import read_config, seed_folder, seed_name

ALIAS = "champion"
ITEMS = "items.safetensors"
REQUIREMENTS = ("numpy", "pandas", "safetensors", "torch")
"""What every model needs to answer; a task may need more."""

ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What MLflow says of a model, or of an alias, that it does not have."""

WORSE = 0.05
"""A challenger that is worse than the champion at this level is not promoted."""


def promote(layout: Layout, study: str, dataset: str, run_ids: dict[int, str]) -> Promotion:
    """Register the decided seed of a dataset's champion and point the alias to it.

    Args:
        layout: Where the study keeps things.
        study: Name of the study.
        dataset: Name of the dataset.
        run_ids: The MLflow run of each of the champion's seeds.

    Raises:
        StudyError: If there is no champion, or its registered model does not answer as
            the trained one does; the alias is then where it was.
        TrackingError: If MLflow does not answer.
    """
    comparison = read_comparison(layout.comparison(dataset))
    champion = comparison.champion
    if champion is None:
        raise StudyError(f"{dataset} has no champion to register: {advice.because(comparison)}")
    client, name = MlflowClient(), f"{study}.{dataset}"
    with exclusive(layout, f"registry-{name}"), candidate(layout, dataset, champion) as folder:
        digest = digest_of(folder)
        with reachable():
            incumbent = champion_of(client, name)
            if incumbent and incumbent.tags.get("gatewise.digest") == digest:
                why = incumbent.tags["gatewise.promoted_because"]
                write_evidence(client, incumbent, comparison, champion, why)
                describe(client, layout, dataset, incumbent)
                reason = "it is registered already"
                return told(dataset, incumbent, "unchanged", reason, champion.seed.test)
            action, reason = challenge(incumbent, folder, comparison)
            if incumbent and action == "kept":
                score = registered_score(incumbent, comparison.metric.name)
                return told(dataset, incumbent, action, reason, score)
            examples = example_and_answer(layout, dataset, folder)
            version = find_version(client, name, digest)
            if version is None:
                run_id = run_ids[champion.seed.seed]
                version = register(client, name, folder, digest, run_id, *examples)
            write_evidence(client, version, comparison, champion, reason)
            describe(client, layout, dataset, version)
            point_alias(client, version, incumbent, *examples)
    return told(dataset, version, action, reason, champion.seed.test)


def told(
    dataset: str, version: ModelVersion, action: Action, reason: str, test_score: float | None
) -> Promotion:
    """Tell what became of a champion."""
    return Promotion(
        dataset=dataset,
        model=version.name,
        version=str(version.version),
        action=action,
        reason=reason,
        test_score=test_score,
    )


def registered_score(version: ModelVersion, metric: str) -> float | None:
    """The test score of a registered version; None if it has none of this metric."""
    score = version.tags.get(f"gatewise.test_{metric}")
    return None if score is None else float(score)


@contextmanager
def candidate(layout: Layout, dataset: str, champion: Champion) -> Iterator[Path]:
    """A folder with all that is registered: the seed, its meta, and its test items."""
    cell, size, seed = champion.result.cell, champion.result.hidden_size, champion.seed.seed
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        shutil.copytree(seed_folder(layout.run(dataset, cell), size, seed), folder)
        shutil.copy(layout.prepared(dataset) / META, folder)
        items = layout.evaluation(dataset, cell) / str(size) / f"{seed_name(seed)}.safetensors"
        shutil.copy(items, folder / ITEMS)
        yield folder


def champion_of(client: MlflowClient, name: str) -> ModelVersion | None:
    """The version that the alias points to, if it points anywhere."""
    try:
        return client.get_model_version_by_alias(name, ALIAS)
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise


def find_version(client: MlflowClient, name: str, digest: str) -> ModelVersion | None:
    """A version of these bytes, left by a promotion that was cut off."""
    versions = client.search_model_versions(f"name = '{name}'")
    return next((v for v in versions if v.tags.get("gatewise.digest") == digest), None)


def challenge(
    incumbent: ModelVersion | None, challenger: Path, comparison: Comparison
) -> tuple[Action, str]:
    """Compare two fixed models over the same test items, as far as they have any.

    Returns:
        "promoted" or "kept", and why.
    """
    if incumbent is None:
        return "promoted", "it is the first"
    decided = incumbent.tags.get("gatewise.decision") == "decided"
    if decided and comparison.decision.status != "decided":
        return "kept", "the champion is decided, and the challenger is not"
    with TemporaryDirectory() as temporary:
        place = f"models:/{incumbent.name}/{incumbent.version}/artifacts/run"
        try:
            theirs = Path(mlflow.artifacts.download_artifacts(place, dst_path=temporary))
        except (MlflowException, OSError) as error:
            if isinstance(error, MlflowException) and error.error_code not in ABSENT:
                raise
            return "promoted", "the files of the champion before it are gone"
        if read_config(theirs)[0].data != read_config(challenger)[0].data:
            return "promoted", "the champion before it was made from other data"
        items = [read_items(folder / ITEMS, "test") for folder in (challenger, theirs)]
    p = p_worse(items[0], items[1], comparison.metric.direction)
    said = f"(paired t-test over {len(items[0].values)} test items, p = {p:.2g})"
    if p < WORSE:
        return "kept", f"the challenger is worse {said}"
    return "promoted", f"it is not worse than the champion before it {said}"


def p_worse(challenger: ItemScores, incumbent: ItemScores, direction: Direction) -> float:
    """One-sided p value of the challenger being worse, item by item."""
    import scipy.stats  # noqa: PLC0415 - takes a second, and most runs register nothing

    difference = challenger.values - incumbent.values
    if len(difference) < 2 or not difference.any():
        return 1.0
    if (difference == difference[0]).all():
        return 0.0 if (difference[0] > 0) == (direction == "lower") else 1.0
    worse: Literal["greater", "less"] = "greater" if direction == "lower" else "less"
    return float(scipy.stats.ttest_1samp(difference, 0.0, alternative=worse).pvalue)


def example_and_answer(
    layout: Layout, dataset: str, folder: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """An input of the dataset, and what the trained model answers."""
    task, model = restore_registered(folder)
    example = task.example(layout.raw(dataset))
    return example, task.answer(model, example, task.AnswerParameters())


def register(
    client: MlflowClient,
    name: str,
    folder: Path,
    digest: str,
    run_id: str,
    example: pd.DataFrame,
    answer: pd.DataFrame,
) -> ModelVersion:
    """Log the model to its run and make a version of it, without an alias."""
    digest_file = folder.parent / "digest"
    write_text(digest_file, digest)
    task = get_task(read_config(folder)[0].task)
    packages = (*REQUIREMENTS, *task.requirements)
    with mlflow.start_run(run_id=run_id):
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("served_model.py")),
            artifacts={"run": str(folder), "digest": str(digest_file)},
            code_paths=[str(Path(rnn_core.__file__).parent)],
            pip_requirements=[f"{package}=={installed(package)}" for package in packages],
            signature=infer_signature(example, answer, asdict(task.AnswerParameters()) or None),
        )
    with suppress(MlflowException):  # it exists
        client.create_registered_model(name)
    return client.create_model_version(
        name,
        logged.model_uri,
        run_id,
        tags={"gatewise.digest": digest},
        model_id=logged.model_id,
    )


def write_evidence(
    client: MlflowClient,
    version: ModelVersion,
    comparison: Comparison,
    champion: Champion,
    reason: str,
) -> None:
    """Write into the tags of a version what speaks for it, as far as they do not say so."""
    result, decision, metric = champion.result, comparison.decision, comparison.metric.name
    tags = {
        "cell": result.cell,
        "hidden_size": result.hidden_size,
        "seed": champion.seed.seed,
        "decision": decision.status,
        "decided_because": advice.because(comparison),
        **risks(result),
        f"test_{metric}": champion.seed.test,
        f"test_{metric}_mean": result.test.mean,
        f"test_{metric}_std": result.test.std,
        "promoted_because": reason,
    }
    for key, value in tags.items():
        name = f"gatewise.{key}"
        if value is not None and version.tags.get(name) != str(value):
            client.set_model_version_tag(version.name, version.version, name, str(value))


def describe(client: MlflowClient, layout: Layout, dataset: str, version: ModelVersion) -> None:
    """Give a version its card, unless it has it."""
    card = model_card(collect(layout, read_study(layout.folder), dataset))
    if version.description != card:
        client.update_model_version(version.name, version.version, description=card)


def point_alias(
    client: MlflowClient,
    version: ModelVersion,
    incumbent: ModelVersion | None,
    example: pd.DataFrame,
    answer: pd.DataFrame,
) -> None:
    """Move the alias to a version, and back if the model behind it does not answer.

    Raises:
        StudyError: If it does not answer what the trained model does.
    """
    client.set_registered_model_alias(version.name, ALIAS, version.version)
    try:
        served = mlflow.pyfunc.load_model(f"models:/{version.name}@{ALIAS}")
        pd.testing.assert_frame_equal(served.predict(example), answer)
    except Exception as error:
        if incumbent is None:
            client.delete_registered_model_alias(version.name, ALIAS)
        else:
            client.set_registered_model_alias(version.name, ALIAS, incumbent.version)
        cause = str(error).strip().splitlines()[0]
        raise StudyError(
            f"{version.name} version {version.version} does not answer as the trained model "
            f"does, and the alias is back where it was: {cause}"
        ) from error


def registered_models() -> list[str]:
    """Names of all registered models."""
    return sorted(model.name for model in MlflowClient().search_registered_models())
