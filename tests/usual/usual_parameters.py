"""A `params.yaml` that a test changes, and what is read of it."""

from pathlib import Path

import yaml
from usual_study import USUAL

from rnn_core.study import read_study
from rnn_core.tasks import get_task
from rnn_core.training.loop import TrainingParameters

REPOSITORY = Path(__file__).parents[2]
CO2 = str(REPOSITORY / "rnn_core/sources/mauna_loa_co2.py")

TUNING = {"trials": 8, "learning_rate": [0.25, 4], "clip_norm": [0.5, 2], "dropout": [0, 0.5]}


def content(**changes):
    study = {
        **USUAL,
        "root": ".",
        "study": "tiny",
        "device": "auto",
        "seeds": {"first": 2, "most": 2},
        "cells": ["gru", "lstm"],
        "datasets": {
            "co2": {
                "source": CO2,
                "task": "forecasting",
                "data": {"targets": ["co2"], "lookback": 8, "horizon": 2},
                "model": {"hidden_size": 4},
                "training": {"epochs": 2, "learning_rate": 1e-3},
            }
        },
    }
    for place, value in changes.items():
        *way, last = place.split("__")
        section = study
        for step in way:
            section = section[step]
        if value is None:
            del section[last]
        else:
            section[last] = value
    return study


def read(tmp_path, **changes):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content(**changes)))
    return read_study(tmp_path)


def read_all(tmp_path, **changes):
    study = read(tmp_path, **changes)
    task = get_task(study.section("co2").task)
    return (
        study.parameters("co2", "data", task.DataParameters),
        study.parameters("co2", "model", task.ModelParameters),
        study.parameters("co2", "training", TrainingParameters),
    )
