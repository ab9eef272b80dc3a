"""Loss curves that a refactor must reproduce, for every task and cell.

    GATEWISE_WRITE_GOLDEN=1 pytest tests/rnn_core/training/test_golden.py

writes them again; the reason belongs in CHANGELOG.md. On the machine and with the torch
that wrote them they are reproduced exactly; elsewhere processors round differently. The models
are made in float64 too: a matrix that is made orthogonal in float32 differs between processors by
1e-8, which `lstm_layernorm` turns into 1e-3 within twelve steps.
"""

import json
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch

from rnn_core.cells import REGISTRY
from rnn_core.sources.agreement_text import AgreementText
from rnn_core.sources.number_words import NumberWords
from rnn_core.sources.random_symbols import RandomSymbols
from rnn_core.sources.synthetic_digits import SyntheticDigits
from rnn_core.tasks import REGISTRY as TASKS
from rnn_core.tasks import get_task
from rnn_core.training.models import build_model, stream

GOLDEN = Path(__file__).parent / "golden"
STEPS = 12

SINE = "\n".join(["y", *(f"{np.sin(i / 4) + i / 50:.6f}" for i in range(150))]) + "\n"

WORDS = ("dull", "fine")
OPINIONS = "\n".join(
    ["text\tlabel", *(f"the {'abc'[i % 3]} is {WORDS[i % 2]}\t{i % 2}" for i in range(40))]
)

SETUPS = {
    "forecasting": (
        lambda raw: (raw / "sine.csv").write_text(SINE),
        {"targets": ("y",), "date": None, "lookback": 16, "horizon": 4},
        {"hidden_size": 6},
    ),
    "speech_recognition": (
        lambda raw: SyntheticDigits(num_voices=3, num_takes=1, noise=0.3, seed=1).fetch(raw),
        {"split_by": "speaker", "validation": ("voice01",), "test": ("voice02",), "num_mels": 10},
        {"hidden_size": 6, "bidirectional": True},
    ),
    "speech_transcription": (
        lambda raw: SyntheticDigits(num_voices=3, num_takes=1, noise=0.3, seed=1).fetch(raw),
        {
            "split_by": "speaker",
            "validation": ("voice01",),
            "test": ("voice02",),
            "strings": (8, 2, 2),
            "num_mels": 10,
        },
        {"hidden_size": 6},
    ),
    "sentiment": (
        lambda raw: (raw / "opinions.tsv").write_text(OPINIONS),
        {},
        {"hidden_size": 6, "embedding_size": 4},
    ),
    "copy_memory": (
        lambda raw: RandomSymbols(40, length=3, seed=1).fetch(raw),
        {"lag": 4},
        {"hidden_size": 6},
    ),
    "translation": (
        lambda raw: NumberWords(60, largest=99, seed=1).fetch(raw),
        {"source_file": "sums.en", "max_vocabulary": 60},
        {"hidden_size": 6, "embedding_size": 4, "num_layers": 2},
    ),
    "text_generation": (
        lambda raw: AgreementText(3000, seed=1).fetch(raw),
        {},
        {"hidden_size": 6, "embedding_size": 4, "sequence_length": 16, "num_layers": 2},
    ),
}


@cache
def prepared(name):
    make, data_parameters, model_parameters = SETUPS[name]
    kind = get_task(name)
    with TemporaryDirectory() as folder:
        make(Path(folder))
        data, meta = kind.prepare(Path(folder), kind.DataParameters(**data_parameters))
    return kind(meta, kind.ModelParameters(**model_parameters)), data


def curve(task_name, cell):
    """Training loss of every step, in float64."""
    task, data = prepared(task_name)
    model = build_model(task, cell, seed=0)
    data = {k: t.double() if t.is_floating_point() else t for k, t in data.items()}
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    losses, state, epoch = [], None, 0
    while len(losses) < STEPS:
        order = torch.Generator().manual_seed(stream(0, "order", epoch))
        for batch in task.training_batches(data, 8, order):
            loss, state = task.loss(model, batch, state if task_name == "text_generation" else None)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        epoch += 1
    return losses[:STEPS]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("cell", REGISTRY)
@pytest.mark.parametrize("task_name", TASKS)
@pytest.mark.one_in(3)
def test_loss_curve_is_the_recorded_one(task_name, cell):
    file = GOLDEN / f"{task_name}.json"
    losses = curve(task_name, cell)
    if os.environ.get("GATEWISE_WRITE_GOLDEN"):
        recorded = json.loads(file.read_text()) if file.exists() else {}
        recorded[cell] = losses
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
    recorded = json.loads(file.read_text())[cell]
    assert losses == pytest.approx(recorded, rel=1e-8, abs=0)
