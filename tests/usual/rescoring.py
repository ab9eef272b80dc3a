"""Models with random weights, scored on files that came after their training."""

import torch
from good_files import read_table

from rnn_core.parameters import parse
from rnn_core.tasks import get_task
from rnn_core.training.models import build_model


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def model_of(name, raw, parameters, seed=0, **model):
    """A task on some files, its data, and a model with weights that tell inputs apart."""
    kind = get_task(name)
    data, meta = kind.prepare(raw, parameters)
    task = kind(meta, kind.ModelParameters(**{"hidden_size": 6, **model}), seed)
    network = build_model(task, "gru", seed).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(0, 0.7, generator=generator)
    return task, network, data


def rescored(task, model, raw, parameters, seed=0, other=None):
    with torch.inference_mode():
        return task.rescore(model, raw, parameters, seed, other or task.meta)


def parameters_of(name, **changes):
    return parse(get_task(name).DataParameters, read_table(name).PARAMETERS | changes, "")
