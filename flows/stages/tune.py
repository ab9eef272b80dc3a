"""tune: choose what each size of a cell is trained with on a dataset, by short trainings."""

from functools import partial
from pathlib import Path

from flows.layout import Layout
from rnn_core.files import whole_folder
from rnn_core.study import Study, Tuning, read_study
from rnn_core.training.tuning import leave_untuned, search, search_space, write_tuning


def tune(layout: Layout, dataset: str, cell: str) -> None:
    """Fill `tunings/<dataset>/<cell>` with a record for each size, if the cell is tuned there."""
    study = read_study(layout.folder)
    tuning = study.tuning_of(dataset)
    scratch = layout.scratch / f"tune-{dataset}-{cell}"
    with whole_folder(layout.tuning(dataset, cell), scratch) as folder:
        if tuning is None or cell not in study.cells_of(dataset):
            leave_untuned(folder)
        else:
            tune_sizes(layout, study, tuning, dataset, cell, folder)


def tune_sizes(
    layout: Layout, study: Study, tuning: Tuning, dataset: str, cell: str, folder: Path
) -> None:
    """Write a record for each size of a cell."""
    # PyTorch takes seconds to import, and every cell that is not tuned has a stage too.
    from flows.trainings.seeds import open_trainings, own_values  # noqa: PLC0415

    trainings = open_trainings(layout, study, dataset, cell)
    space = search_space(tuning, own_values(trainings.model, trainings.parameters))
    short, direction = trainings.shortened(tuning.share), trainings.metric.direction
    for rung in trainings.rungs(study):
        size = rung.hidden_size
        trials = search(space, tuning.trials, direction, partial(short.trial, size))
        write_tuning(folder, size, space, trials, direction)
