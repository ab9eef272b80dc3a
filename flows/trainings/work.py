"""The jobs of workers: train, evaluate, open datasets. All large imports are in this module."""

import fcntl
import os
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import torch

from flows.layout import Layout
from flows.trainings import scoring
from flows.trainings.identity import (
    DTYPE,
    Opened,
    Together,
    Work,
    evaluation_identity,
    public_version,
)
from flows.trainings.records import Answer, Record, append, epochs_in
from flows.trainings.store import Store, open_store
from rnn_core.comparison.reference import Reference, write_reference
from rnn_core.comparison.refits import MEASURED_SEEDS
from rnn_core.devices import make_deterministic, select_device
from rnn_core.diagnostics.measured_cost import measure_seed
from rnn_core.errors import ParameterError, StudyError
from rnn_core.files import digest_of, whole_folder
from rnn_core.parameters import FILE
from rnn_core.study import Study
from rnn_core.tasks import get_task
from rnn_core.tasks.base.divides import divide
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.task import Task
from rnn_core.training import loop
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.models import task_of
from rnn_core.training.prepared import read_meta, read_prepared
from rnn_core.training.run_folder import RunConfig
from rnn_core.training.search_space import own_values, search_space
from rnn_core.training.sizes import beside, ladder


def check_study(study: Study) -> None:
    """Check the parameters of a study that later stages would otherwise reject.

    Raises:
        ParameterError: If there are any.
        DeviceError: If this machine does not have the device.
    """
    select_device(study.device)
    for name, section in study.datasets.items():
        task = get_task(section.task)
        study.parameters(name, "data", task.DataParameters)
        model = study.parameters(name, "model", task.ModelParameters)
        training = study.parameters(name, "training", TrainingParameters)
        if tuning := study.tuning_of(name):
            search_space(tuning, own_values(asdict(model), asdict(training)))


def open_dataset(layout: Layout, study: Study, dataset: str) -> Opened:
    """Read what all trainings of a prepared dataset share.

    Raises:
        ParameterError: If the dataset's parameters or its refit are not possible.
        DataError: If the dataset is not prepared.
    """
    name = study.section(dataset).task
    kind = get_task(name)
    model = study.parameters(dataset, "model", kind.ModelParameters)
    training = study.parameters(dataset, "training", TrainingParameters)
    meta = read_meta(layout.prepared(dataset), kind)
    task, sizes, depths = kind(meta, model), study.sizes_of(dataset), study.depths_of(dataset)
    digest = digest_of(layout.prepared(dataset))
    if study.refit_of(dataset):
        check_refit(dataset, task, prepared(layout.prepared(dataset), digest, name), training)
    rungs = {cell: tuple(ladder(task, cell, sizes, depths)) for cell in study.cells_of(dataset)}
    return Opened(
        dataset=dataset,
        task=name,
        device=select_device(study.device).type,
        data=digest,
        metric=task.metric,
        margin=kind.margin,
        items=meta.items["validation"],
        model=asdict(model),
        training=asdict(training),
        rungs=rungs,
        references=beside(task, study.references_of(dataset) or (), rungs),
        torch=public_version(version("torch")),
        threads=torch.get_num_threads(),
    )


def check_refit(
    dataset: str, task: Task, whole: tuple[Data, Meta], training: TrainingParameters
) -> None:
    """Check, before anything is trained, that a refit can be measured.

    Args:
        dataset: Name of the dataset.
        task: Its task.
        whole: Its prepared data and meta.
        training: Parameters of the training.

    Raises:
        ParameterError: If the split cannot be moved back, or leaves too little to train on.
    """
    kind = type(task)
    try:
        data, meta = divide(kind, *whole, "moved_back")
        # Each seed may divide the data differently: with speakers, it has a fold for each.
        for seed in range(MEASURED_SEEDS):
            moved = kind(meta, task.model, seed)
            next(moved.training_batches(data, training.batch_size, torch.Generator()))
    except ParameterError as error:
        raise ParameterError(
            f"{FILE}: datasets.{dataset}: refit needs the split moved back by one validation set, "
            f"which is not possible here: {error}; set refit: false for this dataset"
        ) from None


def train_one(work: Work) -> None:
    """Train and evaluate, unless the store has the results.

    Raises:
        StudyError: If this worker would train with other code, data or another PyTorch.
    """
    check_same(work.config)
    make_deterministic()
    store, identity = open_store(work.layout), work.config.identity
    growing = work.layout.training / identity
    with alone(growing):
        if not store.has("training", identity):
            started, is_new = time.monotonic(), not any(growing.iterdir())
            train_in(growing, work)
            store.put("training", identity, growing)
            epochs = epochs_in(growing) if is_new else None
            append(work.layout, record_of("train", work.config, time.monotonic() - started, epochs))
        shutil.rmtree(growing, ignore_errors=True)
    if work.evaluates is not None:
        evaluate_one(work)


def check_same(config: RunConfig) -> None:
    """Check that this worker computes the same numbers as the training's identity promises.

    Raises:
        StudyError: If its version of PyTorch, number of threads or dtype differ.
    """
    here = {
        "torch": public_version(version("torch")),
        "threads": str(torch.get_num_threads()),
        "dtype": DTYPE,
    }
    for name, value in here.items():
        if config.environment[name] != value:
            raise StudyError(
                f"this worker has {name} {value}, but the study is trained with "
                f"{config.environment[name]}; give all workers the same"
            )


def train_in(folder: Path, work: Work) -> None:
    """Train in a folder, from its checkpoint if it has one."""
    config = work.config
    prepared_data = prepared(work.layout.prepared(config.dataset), config.data, config.task)
    data, meta = divide(get_task(config.task), *prepared_data, config.division)
    task = task_of(config, meta)
    loop.train(task, data, config, TrainingParameters(**config.training), folder)


@lru_cache(maxsize=2)
def prepared(folder: Path, digest: str, task: str) -> tuple[Data, Meta]:
    """Read the prepared data; cached, since a worker often trains on the same data again.

    Raises:
        StudyError: If the data has another digest than the training's identity.
    """
    if digest_of(folder) != digest:
        raise StudyError(f"{folder} has changed while the study ran; run it again")
    return read_prepared(folder, get_task(task))


def evaluate_one(work: Work) -> None:
    """Evaluate a training in the store, unless its evaluation is there too."""
    assert work.evaluates is not None
    store, config = open_store(work.layout), work.config
    key = evaluation_identity(config.identity, work.evaluates)
    place, is_compared = work.layout.growing_evaluation(key), config.division == "prepared"
    with alone(place):
        if not store.has("evaluation", key):
            started = time.monotonic()
            if is_compared:
                evaluate_in(place, store, work)
            else:
                alike = Together(layout=work.layout, configs=(config,), evaluates=work.evaluates)
                score_together(place, store, alike)
            store.put("evaluation", key, place / "evaluation")
            append(work.layout, record_of("evaluate", config, time.monotonic() - started))
            if is_compared:
                note_answer(place / "run", work)
        shutil.rmtree(place, ignore_errors=True)


def note_answer(run: Path, work: Work) -> None:
    """Measure the time of an answer, for one seed of a candidate: the others take the same."""
    config = work.config
    if config.seed != 0:
        return
    data, meta = prepared(work.layout.prepared(config.dataset), config.data, config.task)
    found = measure_seed(run, data, meta, torch.device(config.device))
    if found is None:
        return
    answer = Answer(
        dataset=config.dataset,
        cell=config.cell,
        hidden_size=config.model["hidden_size"],
        num_layers=config.model["num_layers"],
        seed=config.seed,
        median_ms=round(found.median_ms, 4),
        p95_ms=round(found.p95_ms, 4),
        peak_megabytes=None if found.peak_bytes is None else round(found.peak_bytes / 2**20, 2),
        processor=torch.backends.cpu.get_cpu_capability(),
        time=round(time.time()),
    )
    append(work.layout, answer)


def evaluate_in(place: Path, store: Store, work: Work) -> None:
    """Evaluate a training in a folder where a killed worker may have left files."""
    for left in place.iterdir():
        shutil.rmtree(left)
    make_deterministic()
    config = work.config
    data, meta = prepared(work.layout.prepared(config.dataset), config.data, config.task)
    store.get("training", config.identity, place / "run")
    with whole_folder(place / "evaluation", place / "growing") as folder:
        scoring.score(place / "run", data, meta, torch.device(config.device), folder)


def evaluate_together(together: Together) -> None:
    """Score an ensemble, unless its evaluation is in the store."""
    store, key = open_store(together.layout), together.identity
    place = together.layout.growing_evaluation(key)
    with alone(place):
        if not store.has("evaluation", key):
            score_together(place, store, together)
            store.put("evaluation", key, place / "evaluation")
        shutil.rmtree(place, ignore_errors=True)


def score_together(place: Path, store: Store, together: Together) -> None:
    """Score an ensemble in a folder where a killed worker may have left files."""
    for left in place.iterdir():
        shutil.rmtree(left)
    make_deterministic()
    first = together.configs[0]
    data, meta = prepared(together.layout.prepared(first.dataset), first.data, first.task)
    runs = [place / f"run-{config.seed}" for config in together.configs]
    for config, run in zip(together.configs, runs, strict=True):
        store.get("training", config.identity, run)
    with whole_folder(place / "evaluation", place / "growing") as folder:
        scoring.score_together(runs, data, meta, torch.device(first.device), folder)


def refer(layout: Layout, study: Study, dataset: str, file: Path) -> None:
    """Write the baselines that the candidates of a dataset are compared with."""
    kind = get_task(study.section(dataset).task)
    data, meta = read_prepared(layout.prepared(dataset), kind)
    task = kind(meta, study.parameters(dataset, "model", kind.ModelParameters))
    reference = Reference(
        metric=task.metric,
        margin=kind.margin,
        items=meta.items,
        baselines=task.baselines(data),
        optimum=task.optimum(),
    )
    write_reference(file, reference)


def record_of(what: str, config: RunConfig, seconds: float, epochs: int | None = None) -> Record:
    """The record of a piece of work on this machine."""
    return Record(
        what=what,
        dataset=config.dataset,
        cell=config.cell,
        hidden_size=config.model["hidden_size"],
        num_layers=config.model["num_layers"],
        seed=config.seed,
        division=config.division,
        seconds=round(seconds, 3),
        epochs=epochs,
        peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        processor=torch.backends.cpu.get_cpu_capability(),
        time=round(time.time()),
    )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make a folder that one process at a time works in; the lock ends with the process.

    A process that had to wait finds the folder removed, and makes it again.
    """
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists() and os.path.samestat(os.fstat(descriptor), folder.stat()):
                yield
                return
        finally:
            os.close(descriptor)
