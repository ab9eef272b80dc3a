"""Names and descriptions for MLflow's pages."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from flows.report import notes
from flows.report.markdown import points
from flows.report.notes import CANDIDATES
from flows.tracking import shared_view
from flows.tracking.logged import score_name
from rnn_core.comparison.outcome import Comparison
from rnn_core.training.run_folder import candidate_name

NOTE = "mlflow.note.content"
"""The tag that MLflow shows as a description."""

NAME = "mlflow.runName"

CHOSEN = " (chosen)"
EARLIER = " (earlier)"

WRITTEN = "gatewise.description"
"""The tag with the digest of the last description that Gatewise wrote."""

OF_MODELS = MappingProxyType({"mlflow.experimentKind": "custom_model_development"})
"""Tags that make an experiment's page open on its runs, not on traces of agents."""


def name_of(tags: Mapping[str, str]) -> str:
    """The name of a run: candidate, random seed, and whether it is chosen or outdated.

    Args:
        tags: Tags of the run.
    """
    name = tags[NAME].removesuffix(CHOSEN).removesuffix(EARLIER)
    if tags["gatewise.current"] == "false":
        return f"{name}{EARLIER}"
    return f"{name}{CHOSEN}" if tags.get("gatewise.recommended") == "true" else name


def is_theirs(text: str | None, digest: str | None) -> bool:
    """True if users wrote a description, which then stays.

    Args:
        text: The description; None if there is none.
        digest: Of the last one that Gatewise wrote; None if it wrote none.
    """
    return bool(text) and digest_of_text(str(text)) != digest


def digest_of_text(text: str) -> str:
    """A short digest of a description."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe_experiment(
    client: MlflowClient, experiment: str, comparison: Comparison, model: str
) -> None:
    """Show the recommendation on the page of an experiment, with a view of the candidates.

    Args:
        client: Client of MLflow.
        experiment: Id of the experiment.
        comparison: Comparison of the dataset.
        model: Name of its registered model.
    """
    text = notes.experiment(comparison, model, shared_view.address(experiment))
    there = client.get_experiment(experiment).tags
    wanted = {
        shared_view.TAG: candidates_view(comparison),
        "gatewise.recommended": comparison.decision.recommended or "none",
        "gatewise.decision": comparison.decision.status,
    }
    if not is_theirs(there.get(NOTE), there.get(WRITTEN)):
        wanted |= {NOTE: text, WRITTEN: digest_of_text(text)}
    for name, value in wanted.items():
        if there.get(name) != value:
            client.set_experiment_tag(experiment, name, value)


def candidates_view(comparison: Comparison) -> str:
    """A table of the candidates: score, chance and cost, the best test score first.

    MLflow sorts columns by name, and on a usual screen has room for three.
    """
    score = score_name("test", comparison.metric.name)
    return shared_view.view(
        search=CANDIDATES,
        order_by=score,
        ascending=comparison.metric.direction == "lower",
        metrics=[score, "validation_chance_within_margin", "multiply_accumulates"],
    )


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
        f"**Version {number} answers{what(version)}.** It is the champion because: {reason}.\n\n"
        f"{evidence(version)}"
        f"Open version {number} below for its card: scores, data and limits.\n\n"
        f"```sh\ngatewise predict {name} FILE\ngatewise champion history {name}\n```\n\n"
        f'```python\nmlflow.pyfunc.load_model("models:/{name}@champion")\n```'
    )
    model = client.get_registered_model(name)
    ours = not is_theirs(model.description, model.tags.get(WRITTEN))
    if ours and model.description != text:
        client.update_registered_model(name, text)
        client.set_registered_model_tag(name, WRITTEN, digest_of_text(text))


def what(version: ModelVersion) -> str:
    """Name the candidate of a version; empty if its tags do not have it."""
    sizes = [version.tags.get(f"gatewise.{part}") for part in ("hidden_size", "num_layers")]
    cell = version.tags.get("gatewise.cell")
    if cell is None or None in sizes:
        return ""
    return f": {candidate_name(cell, *(int(size) for size in sizes if size))}"


def evidence(version: ModelVersion) -> str:
    """The answer of the comparison that a version comes from; empty if its tags do not have it."""
    told = version.tags.get("gatewise.answer", "")
    return f"{points(told.splitlines())}\n\n" if told else ""
