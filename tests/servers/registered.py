"""Models registered without a study: untrained, but with all that a champion has."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import mlflow
import numpy as np
import pytest
from good_files import lay_out
from mlflow import MlflowClient
from safetensors.numpy import save_file
from torch import nn
from usual_training import write_run

from flows.tracking import registry
from flows.tracking.drift.training_set import note_traits
from flows.tracking.promoted import ALIAS
from flows.tracking.registered import RUN, SEEN
from flows.tracking.registry import Examples
from rnn_core.files import digest_of
from rnn_core.parameters import parse
from rnn_core.tasks import get_task
from rnn_core.tasks.base.task import Task
from rnn_core.training.models import build_model


@contextmanager
def tracked_at(folder: Path) -> Iterator[None]:
    """MLflow keeps everything in a folder."""
    uri = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        patch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        mlflow.set_tracking_uri(uri)
        yield
        mlflow.set_tracking_uri(None)


@dataclass(frozen=True)
class Registered:
    """A version of a registered model."""

    name: str
    number: str
    task: Task
    model: nn.Module
    example: Any

    @property
    def answer(self) -> Any:
        """Answer of the model to its example."""
        return self.task.answer(self.model, self.example, self.task.AnswerParameters())


def register(
    task: str, *, name: str = "", seed: int = 0, hidden: int = 4, alias: bool = True
) -> Registered:
    """Register an untrained GRU on small data, and point the alias to it unless told not to."""
    folder, kind = Path(mkdtemp(prefix="registered-")), get_task(task)
    try:
        parameters = parse(kind.DataParameters, lay_out(task, folder / "raw"), "")
        _, meta = kind.prepare(folder / "raw", parameters)
        made = kind(meta, kind.ModelParameters(hidden_size=hidden))
        model = build_model(made, "gru", seed).eval()
        write_run(folder / RUN, task, made, model)
        return put(folder, name or f"tiny.{task}", made, model, alias)
    finally:
        shutil.rmtree(folder)


def experiment(client: MlflowClient) -> str:
    """The experiment whose files are in the current folder."""
    if found := client.get_experiment_by_name("here"):
        return str(found.experiment_id)
    return str(client.create_experiment("here", (Path.cwd() / "mlartifacts").as_uri()))


def put(folder: Path, name: str, task: Task, model: nn.Module, alias: bool = True) -> Registered:
    """Make a version of the model of a folder, which has the raw files too."""
    (folder / "digest").write_text(digest_of(folder / RUN))
    save_file({"marks": np.zeros(0, dtype=np.uint64)}, folder / SEEN)
    note_traits(folder, folder / "raw")
    example = task.example(folder / "raw")
    answer = task.answer(model, example, task.AnswerParameters())
    client = MlflowClient()
    run = client.create_run(experiment(client))
    version = registry.register(client, name, folder, run.info.run_id, Examples(example, answer))
    evidence = {
        "cell": "gru",
        "decision": "decided",
        "answer": "use gru-4 (the only candidate)",
        "test_chance_within_margin": 0.75,
        "test_score": 0.5,
    }
    registry.write_tags(client, version, evidence)
    if alias:
        client.set_registered_model_alias(name, ALIAS, str(version.version))
    return Registered(name, str(version.version), task, model, example)
