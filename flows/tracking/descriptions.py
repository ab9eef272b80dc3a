"""Names and descriptions for MLflow's pages."""

from collections.abc import Mapping
from types import MappingProxyType

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from flows.report import words
from rnn_core.training.run_folder import candidate_name

NOTE = "mlflow.note.content"
"""The tag that MLflow shows as a description."""

NAME = "mlflow.runName"

OF_MODELS = MappingProxyType({"mlflow.experimentKind": "custom_model_development"})
"""Tags that make an experiment's page open on its runs, not on traces of agents."""


def name_of(tags: Mapping[str, str]) -> str:
    """The name of a run: candidate, random seed, and whether it is recommended or outdated.

    Args:
        tags: Tags of the run.
    """
    name, _, _ = tags[NAME].partition(" (")
    if tags["gatewise.current"] == "false":
        return f"{name} (earlier)"
    return f"{name} (recommended)" if tags.get("gatewise.champion") == "true" else name


def describe_experiment(client: MlflowClient, experiment: str, text: str) -> None:
    """Set the description of an experiment, unless it is up to date."""
    if client.get_experiment(experiment).tags.get(NOTE) != text:
        client.set_experiment_tag(experiment, NOTE, text)


def describe_model(client: MlflowClient, version: ModelVersion, because: str) -> None:
    """Say on the page of a registered model which version answers, and why.

    Args:
        client: Client of MLflow.
        version: The version that the alias `champion` points to.
        because: The reason, in a sentence.
    """
    name, number = version.name, version.version
    reason = because.rstrip(".")
    text = (
        f"**Version {number} answers{what(version)}.**{risk(version)} It is the champion because: "
        f"{reason}. Its card is on the page of the version: scores, data and limits.\n\n"
        f"```sh\ngatewise predict {name} FILE\ngatewise champion history {name}\n```\n\n"
        f'```python\nmlflow.pyfunc.load_model("models:/{name}@champion")\n```'
    )
    client.update_registered_model(name, text)


def what(version: ModelVersion) -> str:
    """Name the candidate of a version; empty if its tags do not have it."""
    sizes = [version.tags.get(f"gatewise.{part}") for part in ("hidden_size", "num_layers")]
    cell = version.tags.get("gatewise.cell")
    if cell is None or None in sizes:
        return ""
    return f": {candidate_name(cell, *(int(size) for size in sizes if size))}"


def risk(version: ModelVersion) -> str:
    """Describe the risk in the choice of a version's cell; empty if its tags do not have it."""
    chance = version.tags.get("gatewise.validation_chance_within_margin")
    if chance is None:
        return ""
    return (
        " The chance that its cell is as good as the best candidate, within the margin, is "
        f"{words.chance_of(float(chance))} by the validation set."
    )
