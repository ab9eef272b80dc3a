"""Common parts of most trainings in tests."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from rnn_core.tasks.base.task import Task
from rnn_core.training.models import count_cost
from rnn_core.training.prepared import META
from rnn_core.training.run_folder import MODEL, RunConfig, write_config

USUAL: Mapping[str, Any] = {
    "dataset": "data",
    "cell": "gru",
    "seed": 0,
    "device": "cpu",
    "data": "",
    "model": {},
    "training": {},
}


def config_of(task: str, **others: Any) -> RunConfig:
    """Configuration of a training: of a GRU with random seed 0, except as given."""
    return RunConfig(**{**USUAL, "task": task, **others})


def write_run(folder: Path, name: str, task: Task, model: nn.Module) -> None:
    """Lay a model into a folder as its training leaves it when it is registered."""
    folder.mkdir(exist_ok=True)
    write_config(folder, config_of(name, model=asdict(task.model)), count_cost(model))
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / MODEL)
    (folder / META).write_text(json.dumps(task.meta.to_json()))
