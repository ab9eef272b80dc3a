"""train: train a cell on a dataset, once for each size and seed."""

import shutil
from dataclasses import asdict
from pathlib import Path

from flows.layout import Layout
from flows.trainings.seeds import open_trainings
from rnn_core.files import whole_folder, write_json
from rnn_core.study import Study, read_study
from rnn_core.training.run_folder import RUNG, leave_out, seed_folder
from rnn_core.training.tuning import read_tuned


def train(layout: Layout, dataset: str, cell: str) -> None:
    """Fill `runs/<dataset>/<cell>` with a folder for each size, if the cell is tried there."""
    study = read_study(layout.folder)
    scratch = layout.scratch / f"train-{dataset}-{cell}"
    with whole_folder(layout.run(dataset, cell), scratch) as folder:
        if cell in study.cells_of(dataset):
            train_sizes(layout, study, dataset, cell, folder)
        else:
            leave_out(folder)


def train_sizes(layout: Layout, study: Study, dataset: str, cell: str, run: Path) -> None:
    """Fill a run with a folder for each size, and in it for each seed.

    Each size is trained with the values that were chosen for it, and its rung.json says what
    it took to choose them.
    """
    trainings = open_trainings(layout, study, dataset, cell)
    for rung in trainings.rungs(study):
        tuned = read_tuned(layout.tuning(dataset, cell), rung.hidden_size)
        mine = trainings.with_values(tuned.chosen if tuned else {})
        for seed in study.seeds_of(dataset):
            finished = mine.finished(rung.hidden_size, seed)
            shutil.copytree(finished, seed_folder(run, rung.hidden_size, seed))
        facts = {**asdict(rung), "tuning": asdict(tuned) if tuned else None}
        write_json(run / str(rung.hidden_size) / RUNG, facts)
