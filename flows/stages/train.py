"""train: train a cell on a dataset, once for each size and seed."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.layout import Layout
from rnn_core import training
from rnn_core.devices import make_deterministic, select_device
from rnn_core.files import digest_of, whole_folder, write_json
from rnn_core.ladder import ladder
from rnn_core.params import Study, read_study
from rnn_core.provenance import code_digest, environment
from rnn_core.runs import RUNG, SUMMARY, RunConfig, leave_out, read_prepared, seed_folder
from rnn_core.tasks import get_task
from rnn_core.tasks.base import Data, Task
from rnn_core.training import OnEpoch, TrainingParameters


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
    """Fill a run with a folder for each size, and in it for each seed."""
    kind = get_task(study.section(dataset).task)
    model = study.parameters(dataset, "model", kind.ModelParameters)
    make_deterministic()
    prepared = layout.prepared(dataset)
    data, meta = read_prepared(prepared)
    digest = digest_of(prepared)
    rungs = ladder(kind(meta, model), cell, study.sizes_of(dataset))
    for rung in rungs:
        for seed in study.seeds_of(dataset):
            task = kind(meta, replace(model, hidden_size=rung.hidden_size), seed)
            finished = finished_seed(layout, study, dataset, cell, task, data, digest)
            shutil.copytree(finished, seed_folder(run, rung.hidden_size, seed))
        write_json(run / str(rung.hidden_size) / RUNG, asdict(rung))


def finished_seed(
    layout: Layout, study: Study, dataset: str, cell: str, task: Task, data: Data, digest: str
) -> Path:
    """The finished run folder of a seed, trained now unless it is there.

    It is kept under the hash of what determines it, so that a further seed costs one
    training, and an interrupted stage repeats none.
    """
    parameters = study.parameters(dataset, "training", TrainingParameters)
    config = RunConfig(
        dataset=dataset,
        task=study.section(dataset).task,
        cell=cell,
        seed=task.seed,
        device=select_device(study.device).type,
        data=digest,
        model=asdict(task.model),
        training=asdict(parameters),
    )
    modules = ("training", f"tasks.{config.task}", f"cells.{config.cell}")
    code = code_digest(*(f"rnn_core.{module}" for module in modules))
    key = config.identity(code=code, **environment())
    finished = layout.seeds / key
    if not (finished / SUMMARY).exists():
        growing = layout.training / key
        with progress_bar(config, parameters.epochs) as on_epoch:
            training.train(task, data, config, parameters, growing, on_epoch)
        finished.parent.mkdir(parents=True, exist_ok=True)
        growing.rename(finished)
    return finished


@contextmanager
def progress_bar(config: RunConfig, epochs: int) -> Iterator[OnEpoch]:
    """Show on a terminal how far a training is; elsewhere, one line when it is done."""
    name = f"{config.dataset} {config.cell}-{config.model['hidden_size']} seed {config.seed}"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        row = bar.add_task(name, total=epochs)
        yield lambda record: bar.update(row, completed=record["epoch"])
    sys.stderr.write(f"{name}: trained\n")
