"""The origin of a registered model: its MLflow run, digests of its data, commit and flow run."""

from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from flows.layout import Layout
from flows.system.git import git, root_of
from flows.tracking.alias import asked_of, unless_absent
from flows.tracking.origin import locked
from flows.tracking.projection import connect, reachable
from flows.tracking.registered import DIGEST, existing
from rnn_core.errors import GatewiseError
from rnn_core.study import read_study


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """The MLflow run of the training that was registered.

    Attributes:
        id: MLflow's id of the run.
        name: A cell, its size and a random seed.
        experiment: Name of the experiment, from study and dataset.
        parent: The run of the cell with all of its seeds; empty if there is none.
        commit: Commit of the code when the training was first shown.
        flow_run: The run of the flow that first showed it.
        data: Digest of the prepared data.
    """

    id: str
    name: str
    experiment: str
    parent: str
    commit: str
    flow_run: str
    data: str


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """The origin of a version; unknown parts are empty or None.

    Attributes:
        model: Name of the registered model.
        version: Number of the version.
        digest: Digest of its files.
        run: Its MLflow run; None if that was deleted.
        lock: Digests in dvc.lock when it was registered, by the names of `flows.tracking.origin`.
        lock_now: Digests in the study's dvc.lock now; None if the study is not here.
        commit: Commit of the study's repository.
        title: Date and title of that commit; None if the repository here does not have it.
        study: Folder of the study in its repository.
        code: Commit of the code, or the installed version.
        uncommitted: Files that differed from that commit.
        flow_run: The run of the flow that registered it.
    """

    model: str
    version: str
    digest: str
    run: TrackedRun | None
    lock: dict[str, str]
    lock_now: dict[str, str] | None
    commit: str
    title: str | None
    study: str
    code: str
    uncommitted: list[str]
    flow_run: str

    @property
    def dataset(self) -> str:
        """Name of its dataset."""
        return self.model.partition(".")[2]


def trace(model: str, folder: Path) -> Lineage:
    """Find the origin of a version.

    Args:
        model: study.dataset, or study.dataset@VERSION.
        folder: Folder of the study, if it is here.

    Raises:
        ParameterError: If there is no such version.
        TrackingError: If MLflow does not answer.
    """
    client = connect()
    with reachable():
        version = existing(client, asked_of(model))
        run = run_of(client, version)
    tags = {name.removeprefix("gatewise."): value for name, value in version.tags.items()}
    commit = tags.get("commit", "")
    return Lineage(
        model=version.name,
        version=str(version.version),
        digest=version.tags.get(DIGEST, ""),
        run=run,
        lock={name: value for name, value in tags.items() if name.split("_")[0] == "lock"},
        lock_now=lock_now(version.name, folder, tags.get("study", "")),
        commit=commit,
        title=title_of(commit, folder),
        study=tags.get("study", ""),
        code=tags.get("code", ""),
        uncommitted=[name for name in tags.get("uncommitted", "").split(", ") if name],
        flow_run=tags.get("flow_run", ""),
    )


def run_of(client: MlflowClient, version: ModelVersion) -> TrackedRun | None:
    """The MLflow run of a version; None if it was deleted."""
    run_id = version.run_id
    run = unless_absent(lambda: client.get_run(run_id)) if run_id else None
    if run is None:
        return None
    experiment = unless_absent(lambda: client.get_experiment(run.info.experiment_id))
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return TrackedRun(
        id=run.info.run_id,
        name=run.info.run_name or "",
        experiment=experiment.name if experiment else "",
        parent=run.data.tags.get("mlflow.parentRunId", ""),
        commit=run.data.tags.get("mlflow.source.git.commit", ""),
        flow_run=run.data.tags.get("prefect.flow_run_id", ""),
        data=inputs[0].dataset.digest if inputs else "",
    )


def lock_now(model: str, folder: Path, recorded: str) -> dict[str, str] | None:
    """The digests in dvc.lock now; None if the model's study is not here.

    Args:
        model: Name of the model.
        folder: A folder, which may be its study.
        recorded: Where the study was in its repository, which may be that of the folder.
    """
    root = root_of(folder) if recorded else None
    for place in (folder, root / recorded) if root else (folder,):
        if is_study_of(model, place):
            return locked(Layout(place), model.partition(".")[2])
    return None


def is_study_of(model: str, folder: Path) -> bool:
    """Return whether a folder is the study of a model."""
    study, _, dataset = model.partition(".")
    try:
        found = read_study(folder)
    except GatewiseError:
        return False
    return found.study == study and dataset in found.datasets


def title_of(commit: str, folder: Path) -> str | None:
    """Date and title of a commit, if the repository of a folder has it."""
    root = root_of(folder) if commit else None
    return git(root, "log", "-1", "--format=%cs: %s", commit, "--") if root else None
