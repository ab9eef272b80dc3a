"""Show the content of run folders in MLflow.

Run folders are the results, and MLflow is a view of them: one experiment for each study and
dataset, in it a run for each cell and size with means over seeds, and below that a run for
each seed with its curves. A run is identified by the digest of the folder that it shows. So
showing a folder twice changes nothing, and one that was missed can be shown later.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Run, RunTag

from flows.layout import Layout
from flows.report import figures, notes, words
from flows.report.details import collect
from flows.report.svg import alone
from flows.system.environment import TRACKING, artifact_root, database_file
from flows.tracking import descriptions
from flows.tracking.logged import Kind, measured, metrics_of_result, metrics_of_seed, parameters_of
from flows.tracking.refusals import FAILURES, refusal_of
from flows.trainings.records import Record as Measured
from flows.trainings.records import last_records, read_records
from rnn_core.comparison.outcome import Comparison, read_comparison
from rnn_core.errors import DataError, GatewiseError
from rnn_core.files import digest_of, read_json_lines
from rnn_core.reach import fingerprint
from rnn_core.study import read_study
from rnn_core.training.run_folder import (
    METRICS,
    RunConfig,
    read_config,
    read_summary,
    seed_name,
    size_of,
)

BATCH = 900
"""Metrics sent at once; MLflow accepts at most 1,000."""

DATASET_DIGEST = 36
"""Most characters of a dataset's digest that MLflow accepts."""

DRAWS = (("flows.report.figures", "charts"), ("flows.report.svg", "alone"))
"""The code that draws the figures of a dataset."""

Record: TypeAlias = dict[str, float]


class TrackingError(GatewiseError):
    """MLflow cannot be reached, or refuses what we ask."""


@contextmanager
def reachable() -> Iterator[None]:
    """Turn any error of MLflow into one line on what is wrong, and what to do.

    Raises:
        TrackingError: If there is one.
    """
    try:
        file = database_file(os.environ[TRACKING])
        if file is not None and file.exists():
            file.open("rb").close()  # MLflow would try again for two minutes
        yield
    except FAILURES as error:
        raise TrackingError(refusal_of(error)) from None  # its text may hold a password


def connect() -> MlflowClient:
    """Make a client of MLflow, and its database if there is none, which takes seconds.

    Raises:
        TrackingError: If that is not possible.
    """
    with reachable():
        return MlflowClient()


class GrowingSeed(NamedTuple):
    """A seed, or a trial, that is being trained, and a record for each epoch so far."""

    key: str
    config: RunConfig
    records: list[Record]


def in_batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Divide records into batches of at most `BATCH` metrics, or of one record."""
    batch: list[Record] = []
    for record in records:
        if batch and sum(map(len, batch)) + len(record) > BATCH:
            yield batch
            batch = []
        batch.append(record)
    if batch:
        yield batch


def growing_seeds(layout: Layout) -> list[GrowingSeed]:
    """The trainings of this study that are running now, in any process."""
    seeds = []
    for folder in sorted(layout.training.glob("*")):
        # The folder may be new, or be removed at this moment.
        with suppress(DataError, FileNotFoundError):
            config, _ = read_config(folder)
            records = read_json_lines(folder / METRICS)
            if records:
                seeds.append(GrowingSeed(folder.name, config, records))
    return seeds


class Projection:
    """The runs of a study in MLflow; may be used from several threads.

    Tags that begin with `gatewise.` say what a run shows: its `kind`, `dataset`, `cell`
    and `seed`; `identity`, a hash of what determines it; `digest`, a hash of the finished
    folder; and whether it is `current`, that is, shows what the study's folders hold.

    Args:
        layout: Where the study keeps things.
        study: Name of the study.
        tags: Further tags for new runs.
    """

    def __init__(self, layout: Layout, study: str, tags: Mapping[str, str]) -> None:
        self.layout = layout
        self.study = study
        self.tags = tags
        self.client = connect()
        self.experiments: dict[str, str] = {}
        self.runs: dict[str, list[Run]] = {}
        self.epochs_logged: dict[str, int] = {}
        self.sent: dict[str, int] = {}  # when epochs were first sent that are not known to be there
        self.lock = threading.RLock()

    def open(self, dataset: str) -> str:
        """The id of a dataset's experiment, made if necessary; its runs are read once."""
        if dataset not in self.experiments:
            name = f"{self.study}/{dataset}"
            found = self.client.get_experiment_by_name(name)
            experiment = found.experiment_id if found else self.create_experiment(name)
            self.runs[dataset] = list(self.client.search_runs([experiment], max_results=50_000))
            self.experiments[dataset] = experiment
        return self.experiments[dataset]

    def create_experiment(self, name: str) -> str:
        """Make an experiment."""
        root = artifact_root()
        place = f"{root}/{quote(name)}" if root else None
        experiment: str = self.client.create_experiment(
            name, artifact_location=place, tags=dict(descriptions.OF_MODELS)
        )
        return experiment

    def find(self, config: RunConfig, kind: Kind, **tags: str | None) -> Run | None:
        """A run of the dataset with these tags; None as a value means absent."""
        self.open(config.dataset)
        wanted = {"kind": kind, **tags}
        for run in self.runs[config.dataset]:
            found = {name: run.data.tags.get(f"gatewise.{name}") for name in wanted}
            if found == wanted:
                return run
        return None

    def create(self, config: RunConfig, kind: Kind, parent: str | None, **tags: str) -> Run:
        """Make a run for a cell at one size, or for a seed below it."""
        candidate = f"{config.cell}-{size_of(config)}"
        name = candidate if kind == "cell" else f"{candidate} seed {config.seed}"
        known = {"kind": kind, "dataset": config.dataset, "cell": config.cell, **tags}
        known |= {part: str(config.model[part]) for part in ("hidden_size", "num_layers")}
        if kind == "seed":
            known["seed"] = str(config.seed)
        named = {f"gatewise.{key}": value for key, value in known.items()}
        if parent:
            named["mlflow.parentRunId"] = parent
        run = self.client.create_run(
            self.open(config.dataset),
            run_name=name,
            tags={**self.tags, **named, "mlflow.source.name": "gatewise"},
        )
        self.client.log_batch(run.info.run_id, params=parameters_of(config, kind))
        self.client.log_inputs(run.info.run_id, [self.dataset_input(config)])
        self.runs[config.dataset].append(run)
        return run

    def dataset_input(self, config: RunConfig) -> DatasetInput:
        """The prepared data, known by its digest."""
        place = str(self.layout.prepared(config.dataset))
        source = json.dumps({"path": place, "sha256": config.data})
        dataset = Dataset(config.dataset, config.data[:DATASET_DIGEST], "dvc", source)
        return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])

    def forget(self, config: RunConfig, run: Run) -> None:
        """Delete a run that shows the same as another one."""
        self.client.delete_run(run.info.run_id)
        self.runs[config.dataset].remove(run)

    def log_growing(self, seed: GrowingSeed) -> None:
        """Log new records in the folder of a seed that is being trained.

        Raises:
            TrackingError: If MLflow does not answer.
        """
        with self.lock, reachable():
            self.log_records(self.growing_seed(seed.config, seed.key), seed.records)

    def growing_seed(self, config: RunConfig, key: str) -> Run:
        """The run of a seed that is being trained, below the run of its cell."""
        run = self.find(config, "seed", identity=config.identity, digest=None)
        if run and run.data.tags.get("gatewise.key") != key:
            self.forget(config, run)
            run = None
        if run:
            return run
        whole = replace(config, seed=-1)
        cell = self.find(config, "cell", identity=whole.identity, digest=None)
        cell = cell or self.create(config, "cell", None, identity=whole.identity)
        return self.create(config, "seed", cell.info.run_id, identity=config.identity, key=key)

    def log_records(self, run: Run, records: list[Record]) -> None:
        """Log the records of epochs that the run does not have yet.

        An answer can be lost of a batch that is stored. Sent again with the same times, its
        metrics are the same to MLflow; and no record is in two batches, so that the last epoch
        of a run is whole.
        """
        run_id = run.info.run_id
        if run_id not in self.epochs_logged:
            history = self.client.get_metric_history(run_id, "epoch")
            self.epochs_logged[run_id] = max((metric.step for metric in history), default=0)
        new = [r for r in records if r["epoch"] > self.epochs_logged[run_id]]
        now = self.sent.setdefault(run_id, round(time.time() * 1000))
        for batch in in_batches(new):
            metrics = [
                Metric(name, value, now, int(record["epoch"]))
                for record in batch
                for name, value in record.items()
            ]
            self.client.log_batch(run_id, metrics=metrics)
            self.epochs_logged[run_id] = metrics[-1].step
        del self.sent[run_id]

    def project(self, dataset: str) -> dict[int, str]:
        """Make the runs of a dataset show its finished folders, evaluations and decision.

        Returns:
            The id of the run of each seed of the recommended candidate.

        Raises:
            TrackingError: If MLflow does not answer.
        """
        comparison = read_comparison(self.layout.comparison(dataset))
        recommended: dict[int, str] = {}
        current: set[str] = set()
        trained = [
            one
            for one in last_records(read_records(self.layout))
            if (one.what, one.dataset) == ("train", dataset) and one.is_compared
        ]
        with self.lock, reachable():
            for name in comparison.results:
                run, seed_runs = self.project_result(dataset, name, comparison, trained)
                current |= {run, *seed_runs.values()}
                if name == comparison.decision.recommended:
                    recommended = seed_runs
                    self.log_figures(dataset, run)
            self.mark_current(dataset, current)
            self.describe(dataset, comparison)
        return recommended

    def describe(self, dataset: str, comparison: Comparison) -> None:
        """Say on the page of the experiment what the study recommends."""
        descriptions.describe_experiment(
            self.client, self.experiments[dataset], comparison, f"{self.study}.{dataset}"
        )

    def project_result(
        self, dataset: str, name: str, comparison: Comparison, trained: Sequence[Measured]
    ) -> tuple[str, dict[int, str]]:
        """Show a cell, or a reference network, and its seeds; returns the ids of their runs."""
        result, metric = comparison.results[name], comparison.metric.name
        folder = self.layout.run(dataset, result.cell) / result.size
        config, _ = read_config(folder / seed_name(result.seeds[0].seed))
        whole = replace(config, seed=-1)
        run = self.finished(whole, "cell", digest_of(folder), None)
        seeds = {}
        for seed in result.seeds:
            place = folder / seed_name(seed.seed)
            seed_config, _ = read_config(place)
            seed_run = self.finished(seed_config, "seed", digest_of(place), run.info.run_id)
            self.log_records(seed_run, read_json_lines(place / METRICS))
            ending: dict[str, str] = {"status": read_summary(place).status}
            scores = metrics_of_seed(seed, metric) | asdict(result.cost)
            self.log_result(seed_run, scores, ending)
            seeds[seed.seed] = seed_run.info.run_id
        chosen = {
            "decision": comparison.decision.status,
            "recommended": str(name == comparison.decision.recommended).lower(),
            "candidate": str(name in comparison.candidates).lower(),
            "outcome": words.outcome(result),
        }
        self.set_tags(run, {descriptions.NOTE: notes.run(comparison, name)})
        metrics = metrics_of_result(result, metric) | measured(trained, name)
        self.log_result(run, metrics, chosen)
        return run.info.run_id, seeds

    def finished(self, config: RunConfig, kind: Kind, digest: str, parent: str | None) -> Run:
        """The run that shows a finished folder: a known one, a growing one, or a new one."""
        growing = self.find(config, kind, identity=config.identity, digest=None)
        run = self.find(config, kind, digest=digest)
        if run and growing:
            self.forget(config, growing)
        run = run or growing or self.create(config, kind, parent, identity=config.identity)
        tags = {"gatewise.digest": digest}
        if parent:
            tags["mlflow.parentRunId"] = parent
        self.set_tags(run, tags)
        if run.info.status != "FINISHED":  # it may have been given up and taken up again
            self.client.set_terminated(run.info.run_id)
        return run

    def log_result(self, run: Run, metrics: dict[str, float], tags: dict[str, str]) -> None:
        """Log final results, unless the run has them."""
        now = round(time.time() * 1000)
        if any(run.data.metrics.get(name) != value for name, value in metrics.items()):
            entries = [Metric(name, value, now, 0) for name, value in metrics.items()]
            self.client.log_batch(run.info.run_id, metrics=entries)
            run.data.metrics.update(metrics)
        self.set_tags(run, {f"gatewise.{name}": value for name, value in tags.items()})

    def set_tags(self, run: Run, tags: dict[str, str]) -> None:
        """Set tags that the run does not have."""
        new = {name: value for name, value in tags.items() if run.data.tags.get(name) != value}
        if new:
            entries = [RunTag(name, value) for name, value in new.items()]
            self.client.log_batch(run.info.run_id, tags=entries)
            run.data.tags.update(new)

    def log_figures(self, dataset: str, run_id: str) -> None:
        """Log the figures of a dataset to the run of what is recommended, unless it has them."""
        details = collect(self.layout, read_study(self.layout.folder), dataset)
        content = json.dumps(asdict(details), sort_keys=True) + fingerprint(DRAWS)
        digest = hashlib.sha256(content.encode()).hexdigest()
        run = next(run for run in self.runs[dataset] if run.info.run_id == run_id)
        if run.data.tags.get("gatewise.figures") != digest:
            for chart in figures.charts(details):
                self.client.log_text(run_id, alone(chart.svg), f"figures/{chart.name}.svg")
            self.set_tags(run, {"gatewise.figures": digest})

    def mark_current(self, dataset: str, current: set[str]) -> None:
        """Mark which runs show the current folders of the study, and which are outdated."""
        for run in self.runs[dataset]:
            if "gatewise.kind" not in run.data.tags:  # it shows no training of the study
                continue
            value = str(run.info.run_id in current).lower()
            self.set_tags(run, {"gatewise.current": value})
            given_up = value == "false" and "gatewise.digest" not in run.data.tags
            if given_up and run.info.status == "RUNNING":
                self.client.set_terminated(run.info.run_id, "KILLED")
            self.set_tags(run, {descriptions.NAME: descriptions.name_of(run.data.tags)})
