"""The fingerprints of the code of the sample study, and edits of files."""

from dataclasses import asdict
from pathlib import Path

from flows.stages import code
from rnn_core.study import read_study

REPOSITORY = Path(__file__).parents[2]


def keys_of_sample():
    study = read_study(REPOSITORY)
    return dict(code.leaves(asdict(code.fingerprints(study, REPOSITORY))))


def edit(file, old, new):
    text = file.read_text()
    assert old in text, "the test's edit is of nothing"
    file.write_text(text.replace(old, new))


DATASETS = ("agreement", "numbers", "co2", "reviews", "sums")
CELLS = ("memoryless", "rnn_tanh", "lstm", "gru")
