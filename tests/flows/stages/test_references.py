"""Networks without a recurrence from params.yaml to the report; the race knows nothing of them."""

import json
import shutil
from datetime import date, timedelta
from statistics import fmean, stdev

import numpy as np
import pytest
import yaml

from flows.layout import Layout
from flows.report.timings import write_timings
from flows.stages.report import report
from flows.trainings.kept import configs_in
from flows.trainings.records import read_answers
from rnn_core.comparison.outcome import read_comparison
from rnn_core.errors import StudyError
from rnn_core.files import read_json, write_json
from rnn_core.sources.number_words import NumberWords
from rnn_core.study import read_study
from rnn_core.training.item_scores import read_items
from rnn_core.training.run_folder import read_config

SERIES = "date,y\n" + "".join(
    f"{date(2024, 1, 1) + timedelta(days=i)},{(i * 29 % 13) + i / 17:.3f}\n" for i in range(260)
)
NAMES = ("tcn", "linear", "transformer")
MARGIN = 0.3


def parameters(references, most=3):
    """Of a study that asks for some reference networks."""
    training = {"epochs": 2, "learning_rate": 0.01}
    return {
        "root": ".",
        "study": "beside",
        "device": "cpu",
        "seeds": {"first": min(most, 2), "most": most},
        "cells": ["gru", "rnn_tanh"],
        "sizes": [0.5, 1],
        "tuning": None,
        "champion": "seed",
        "ensemble": {"members": 2},
        "references": references,
        "datasets": {
            "sales": {
                "source": "sales.csv",
                "task": "forecasting",
                "margin": MARGIN,
                "data": {"targets": ["y"], "lookback": 13, "horizon": 2},
                "model": {"hidden_size": 6},
                "training": training,
            },
            "sums": {
                "source": "sums",
                "task": "translation",
                "cells": ["gru"],
                "sizes": ["equal"],
                "seeds": {"first": 1, "most": 1},
                "data": {"source_file": "sums.en", "max_vocabulary": 60},
                "model": {"hidden_size": 4},
                "training": training,
            },
        },
    }


@pytest.fixture(scope="module")
def compared(tmp_path_factory, perform):
    """Makes a study up to its comparisons."""

    def make(references, names=("sales",), most=3):
        layout = Layout(tmp_path_factory.mktemp("study"))
        (layout.folder / "sales.csv").write_text(SERIES)
        (layout.folder / "sums").mkdir()
        NumberWords(num_sums=300, largest=20, seed=1).fetch(layout.folder / "sums")
        text = yaml.safe_dump(parameters(references, most))
        (layout.folder / "params.yaml").write_text(text)
        for name in names:
            perform(layout, name, "ingest", "prepare", "train", "evaluate", "compare")
        return layout

    return make


@pytest.fixture(scope="module")
def beside(compared):
    layout = compared(list(NAMES), ("sales", "sums"))
    report(layout, read_study(layout.folder))
    return layout


def test_it(beside):
    c = read_comparison(beside.comparison("sales"))
    for n, r in c.references.items():
        print(n, r)
    print((beside.reports / "report.md").read_text())
    print(beside.timings.read_text())
    write_timings(beside, read_study(beside.folder))
    print(beside.timings_page.read_text()[-4000:])
    assert 0
