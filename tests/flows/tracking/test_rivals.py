"""Many processes promote into one registered model at once: one champion is left, the right one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from safetensors.torch import load_file

from flows.layout import Layout
from flows.tracking.alias import ALIAS
from flows.tracking.judging import RUN
from flows.tracking.moves import history_of
from flows.tracking.projection import Projection
from rnn_core.comparison.outcome import read_comparison
from rnn_core.files import digest_of, write_bytes
from rnn_core.training.models import save_weights
from rnn_core.training.prepared import META
from rnn_core.training.run_folder import MODEL, seed_folder

pytestmark = pytest.mark.usefixtures("database")

ROUNDS = int(os.environ.get("GATEWISE_RIVAL_ROUNDS", "1"))
PROCESSES = 16 if ROUNDS > 1 else 5


def registered_seed(layout):
    champion = read_comparison(layout.comparison("sales")).champion
    return seed_folder(
        layout.run("sales", champion.result.cell), champion.result.size, champion.seed.seed
    )


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
    """Copies of a study, of which the first is the best, and the others as bad as one another."""
    folders = [layout.folder]
    for number in range(1, PROCESSES):
        folder = shutil.copytree(layout.folder, tmp_path / f"study{number}")
        spoilt(Layout(folder), 0.5 + number / 1e4)
        folders.append(folder)
    return folders


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
    champion = client.get_model_version_by_alias(name, ALIAS)
    assert champion.tags["gatewise.digest"] == best, history_of(client, name)
    digests = [v.tags["gatewise.digest"] for v in client.search_model_versions(f"name='{name}'")]
    assert len(digests) == len(set(digests)), "a model is registered twice"
    moves = history_of(client, name)
    assert [move.number for move in moves] == list(range(1, len(moves) + 1))
    assert [move.before for move in moves] == [None, *(move.version for move in moves[:-1])]
    assert moves[-1].version == str(champion.version)
