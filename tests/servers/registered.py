"""Models registered without a study: untrained, but with all that a champion has."""

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from safetensors.numpy import save_file
from usual_training import write_run

from flows.tracking import registry
from flows.tracking.alias import ALIAS
from flows.tracking.judging import RUN, SEEN
from flows.tracking.registry import Examples
from rnn_core.files import digest_of
from rnn_core.parameters import parse
from rnn_core.tasks import get_task
from rnn_core.tasks.base.task import Task
from rnn_core.training.models import build_model

TABLES = Path(__file__).parents[1] / "rnn_core/malformed"


@dataclass(frozen=True)
class Registered:
    """A version of a registered model."""

    name: str
    number: str
    task: Task
    model: Any
    example: Any

    @property
    def answer(self) -> Any:
        """What the model answers to its example."""
        return self.task.answer(self.model, self.example, self.task.AnswerParameters())


def good_files(task: str, raw: Path) -> dict[str, Any]:
    """Lay out small raw files of a task; returns its data parameters."""
    spec = importlib.util.spec_from_file_location(f"good_{task}", TABLES / f"{task}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, content in module.good().items():
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(content)
    return module.PARAMETERS


def register(
    task: str,
    *,
    name: str = "",
    seed: int = 0,
    cell: str = "gru",
    hidden: int = 4,
    alias=ALIAS,
    **data: Any,
) -> Registered:
    """Register an untrained model of small data, and point the alias to it."""
    folder, kind = Path(mkdtemp(prefix="registered-")), get_task(task)
    parameters = parse(kind.DataParameters, good_files(task, folder / "raw") | data, "")
    _, meta = kind.prepare(folder / "raw", parameters)
    made = kind(meta, kind.ModelParameters(hidden_size=hidden))
    return put(
        made,
        build_model(made, cell, seed).eval(),
        folder,
        task,
        name or f"tiny.{task}",
        cell,
        alias,
    )


def put(made, model, folder, task, name, cell, alias) -> Registered:
    """Make a version of a model."""
    write_run(folder / RUN, task, made, model)
    (folder / "digest").write_text(digest_of(folder / RUN))
    save_file({"marks": np.zeros(0, dtype=np.uint64)}, folder / SEEN)
    example = made.example(folder / "raw")
    answer = made.answer(model, example, made.AnswerParameters())
    client = MlflowClient()
    with mlflow.start_run() as run:
        pass
    version = registry.register(client, name, folder, run.info.run_id, Examples(example, answer))
    registry.write_tags(client, version, {"cell": cell, "decision": "decided"})
    if alias:
        client.set_registered_model_alias(name, alias, str(version.version))
    shutil.rmtree(folder)
    return Registered(name, str(version.version), made, model, example)
