"""A registered model answers with the packages that it names, and no others."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from good_files import lay_out
from usual_training import write_run

from flows.tracking.registry import REQUIREMENTS
from rnn_core.parameters import parse
from rnn_core.tasks import REGISTRY, get_task
from rnn_core.training.models import build_model, restore

ANSWER = """
import sys, json
from importlib.metadata import packages_distributions
from pathlib import Path

allowed, folder = set(json.loads(sys.argv[1])), Path(sys.argv[2])
owners = packages_distributions()

class Guard:
    # Only what the requirements themselves import may be imported besides them.
    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while frame and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        ours = "/rnn_core/" in frame.f_code.co_filename
        top = name.partition(".")[0]
        if ours and top in owners and top != "rnn_core" and not allowed & set(owners[top]):
            raise ImportError(f"{name} is not among the requirements")
        return None

import torch, pandas
sys.meta_path.insert(0, Guard())
torch.use_deterministic_algorithms(True)
torch.set_num_threads(1)
from rnn_core.training.models import restore_registered
task, model = restore_registered(folder)
answer = task.answer(model, pandas.read_pickle(folder / "example"), task.AnswerParameters())
answer.to_pickle(folder / "answer")
"""


@pytest.mark.parametrize("name", REGISTRY)
def test_answers_need_no_more_than_the_requirements(tmp_path, name):
    kind = get_task(name)
    parameters = parse(kind.DataParameters, lay_out(name, tmp_path / "raw"), "")
    _, meta = kind.prepare(tmp_path / "raw", parameters)
    again = kind.Meta.from_json(json.loads(json.dumps(meta.to_json())))
    task = kind(again, kind.ModelParameters(hidden_size=4))
    model = build_model(task, "gru").eval()
    write_run(tmp_path, name, task, model)
    example = task.example(tmp_path / "raw")
    example.to_pickle(tmp_path / "example")
    allowed = json.dumps([*REQUIREMENTS, *kind.requirements])
    done = subprocess.run(
        [sys.executable, "-c", ANSWER, allowed, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    restored, network = restore(tmp_path, meta)
    expected = restored.answer(network, example, kind.AnswerParameters())
    answer = pd.read_pickle(tmp_path / "answer")  # noqa: S301 - written just above
    pd.testing.assert_frame_equal(answer, expected)
