"""Versions of one model as rivals: many promoted at once, and a challenger that is scored."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from safetensors.torch import load_file

from flows.layout import Layout
from flows.operations import champion
from flows.tracking.moves import history_of
from flows.tracking.projection import Projection
from flows.tracking.promoted import ALIAS
from flows.tracking.promotion import promote
from flows.tracking.registered import RUN
from rnn_core.comparison.outcome import read_comparison
from rnn_core.errors import ParameterError, StudyError
from rnn_core.files import digest_of, write_bytes
from rnn_core.training.models import save_weights
from rnn_core.training.prepared import META
from rnn_core.training.run_folder import MODEL, seed_folder

pytestmark = pytest.mark.usefixtures("database")

ROUNDS = int(os.environ.get("GATEWISE_RIVAL_ROUNDS", "1"))
PROCESSES = 16 if ROUNDS > 1 else 5


def registered_seed(layout):
    best = read_comparison(layout.comparison("sales")).recommended
    return seed_folder(layout.run("sales", best.result.cell), best.result.size, best.seed.seed)


def spoilt(layout, by):
    """Make the weights of the seed that is to be registered worse, the more the larger `by` is."""
    file = registered_seed(layout) / MODEL
    weights = {name: weight + by for name, weight in load_file(file).items()}
    write_bytes(file, save_weights(weights))


def digest_of_candidate(layout, tmp_path):
    folder = tmp_path / "candidate" / RUN
    shutil.copytree(registered_seed(layout), folder)
    shutil.copy(layout.prepared("sales") / META, folder)
    return digest_of(folder)


@pytest.fixture
def studies(layout, tmp_path):
    """Copies of a study; the first is the best, and the others are equally bad."""
    folders = [layout.folder]
    for number in range(1, PROCESSES):
        folder = shutil.copytree(layout.folder, tmp_path / f"study{number}")
        spoilt(Layout(folder), 0.5 + number / 1e4)
        folders.append(folder)
    return folders


def test_challenger_is_scored_on_what_neither_has_seen(layout, tmp_path):
    """Rows that came in later, and those of the test set; a file and a folder are one."""
    own, good = registered_seed(layout), tmp_path / "good"
    shutil.copytree(own, good)
    spoilt(layout, 0.5)
    runs = Projection(layout, "tiny", {}).project("sales")
    promote(layout, "tiny", "sales", runs)
    with pytest.raises(StudyError, match="has no two to compare"):
        champion.score("tiny.sales", layout.raw("sales"))
    shutil.copytree(good, own, dirs_exist_ok=True)
    assert promote(layout, "tiny", "sales", runs).version == "2"
    champion.shadow("tiny.sales", "1")
    file = tmp_path / "later" / "sales.csv"
    file.parent.mkdir()
    dates = pd.date_range("2024-01-01", periods=400).astype(str)
    values = [(i * 37 % 11) + i / 9 for i in range(400)]
    pd.DataFrame({"date": dates, "y": values}).to_csv(file, index=False)
    found = champion.score("tiny.sales", file)
    assert found == champion.score("tiny.sales", file.parent)
    assert found.pair.better_by < 0
    assert (found.pair.p_worse < 0.01, found.pair.p_better > 0.99) == (True, True)
    assert found.pair.num_items + found.left_out == 400 * 0.2 - 2
    assert found.left_out == 0
    with pytest.raises(ParameterError, match="there is no"):
        champion.score("tiny.sales", tmp_path / "none.csv")


def test_one_champion_is_left_and_it_is_the_best(layout, studies, tmp_path):
    """Whoever comes last: what is worse beyond chance takes the alias from nobody."""
    runs = Projection(layout, "tiny", {}).project("sales")
    given = {
        "studies": [str(folder) for folder in reversed(studies)],
        "runs": runs,
        "rounds": ROUNDS,
        "gate": str(tmp_path / "gate"),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", Path(__file__).with_name("rivals.py"), json.dumps(given)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    codes = [json.loads(line) for line in done.stdout.splitlines()]
    assert codes == [[0] * PROCESSES] * ROUNDS, done.stderr
    best = digest_of_candidate(layout, tmp_path)
    for number in range(ROUNDS):
        check_round(f"round{number}.sales", best)


def check_round(name, best):
    """The alias is one, it is at the best, and what is noted of its moves is one chain."""
    client = MlflowClient()
    assert list(client.get_registered_model(name).aliases) == [ALIAS]
    found = client.get_model_version_by_alias(name, ALIAS)
    assert found.tags["gatewise.digest"] == best, history_of(client, name)
    digests = [v.tags["gatewise.digest"] for v in client.search_model_versions(f"name='{name}'")]
    assert len(digests) == len(set(digests)), "a model is registered twice"
    moves = history_of(client, name)
    assert [move.number for move in moves] == list(range(1, len(moves) + 1))
    assert [move.before for move in moves] == [None, *(move.version for move in moves[:-1])]
    assert moves[-1].version == str(found.version)
