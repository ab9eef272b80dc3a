"""The folders and files of a study."""

from dataclasses import dataclass
from pathlib import Path

from rnn_core.comparison.refits import FILE
from rnn_core.training.members import FOLDER
from rnn_core.training.run_folder import METRICS, seed_folder

REFIT = "refit"
"""The folder of a refit, in `runs` and in `evaluations`."""

REPORT_PARTS = ("details", "curves", "scores")
"""Folders of the report that have a file for each dataset."""


@dataclass(frozen=True)
class Layout:
    """The folders and files of a study.

    Attributes:
        folder: The study's folder, which holds its params.yaml.
    """

    folder: Path = Path()

    @property
    def code(self) -> Path:
        """Output of code."""
        return self.folder / "code.json"

    def raw(self, dataset: str) -> Path:
        """Output of ingest."""
        return self.folder / "data/raw" / dataset

    def prepared(self, dataset: str) -> Path:
        """Output of prepare."""
        return self.folder / "data/prepared" / dataset

    def runs(self, dataset: str) -> Path:
        """Output of train: a folder for each cell, size and seed."""
        return self.folder / "runs" / dataset

    def run(self, dataset: str, cell: str) -> Path:
        """The part of `runs` that is about a cell."""
        return self.runs(dataset) / cell

    def tuning(self, dataset: str) -> Path:
        """The tuning of a dataset's candidates, in `runs`; absent if they were not tuned."""
        return self.runs(dataset) / "tuning.json"

    def curve(self, dataset: str, cell: str, size: str, seed: int) -> Path:
        """The record of every epoch of a seed, in `runs`; see `rnn_core.training.run_folder`."""
        return seed_folder(self.run(dataset, cell), size, seed) / METRICS

    def evaluations(self, dataset: str) -> Path:
        """Output of evaluate: a folder for each cell and size."""
        return self.folder / "evaluations" / dataset

    def evaluation(self, dataset: str, cell: str) -> Path:
        """The part of `evaluations` that is about a cell."""
        return self.evaluations(dataset) / cell

    def ensemble(self, dataset: str) -> Path:
        """The trainings of the ensemble, in `runs`; see `rnn_core.training.members`."""
        return self.runs(dataset) / FOLDER

    def ensemble_evaluation(self, dataset: str) -> Path:
        """The scores of the ensemble, in `evaluations`; absent if there is none."""
        return self.evaluations(dataset) / FOLDER

    def refit(self, dataset: str) -> Path:
        """The result of a refit, in `runs`; absent if there is none."""
        return self.runs(dataset) / FILE

    def refitted(self, dataset: str, size: str, seed: int) -> Path:
        """A training on the training and validation set, in `runs`; see `size_name`."""
        return seed_folder(self.runs(dataset) / REFIT, size, seed)

    def refit_evaluation(self, dataset: str) -> Path:
        """The scores of a refit, in `evaluations`; absent if there is none."""
        return self.evaluations(dataset) / REFIT

    def reference(self, dataset: str) -> Path:
        """Scores that candidates are compared with, such as baselines, in `evaluations`."""
        return self.evaluations(dataset) / "reference.json"

    def comparison(self, dataset: str) -> Path:
        """Output of compare."""
        return self.folder / "comparisons" / f"{dataset}.json"

    @property
    def reports(self) -> Path:
        """Output of report."""
        return self.folder / "reports"

    @property
    def metrics(self) -> Path:
        """The results of the study in brief, in `reports`."""
        return self.reports / "metrics.json"

    @property
    def page(self) -> Path:
        """The page with the results of the study, in `reports`."""
        return self.reports / "index.html"

    @property
    def state(self) -> Path:
        """The folder for files that are neither in git nor in DVC."""
        return self.folder / ".gatewise"

    @property
    def training(self) -> Path:
        """Trainings that are running, by identity."""
        return self.state / "training"

    @property
    def store(self) -> Path:
        """Finished trainings, evaluations and prepared data, unless they are kept elsewhere."""
        return original(self.folder) / ".gatewise/store"

    @property
    def kept(self) -> Path:
        """The identities of the entries that the study's results come from, as a JSON list."""
        return self.state / "kept.json"

    def growing_evaluation(self, key: str) -> Path:
        """The evaluation of a training that is being made, by identity."""
        return self.scratch / f"evaluate-{key}"

    @property
    def scratch(self) -> Path:
        """Outputs that are not complete."""
        return self.state / "scratch"

    @property
    def locks(self) -> Path:
        """Locks of stages and flows."""
        return self.state / "locks"

    @property
    def logs(self) -> Path:
        """The output of workers and servers."""
        return self.state / "logs"

    @property
    def shown(self) -> Path:
        """Notes on the datasets that MLflow shows; see `flows.tracking.shown`."""
        return self.state / "shown.json"

    @property
    def timings(self) -> Path:
        """Measured seconds and megabytes of trainings and stages, a JSON object a line."""
        return original(self.folder) / ".gatewise/timings.jsonl"

    @property
    def timings_page(self) -> Path:
        """The page with these measurements."""
        return self.state / "timings.html"


def original(folder: Path) -> Path:
    """The study that DVC copied for an experiment; the folder itself if it is not a copy.

    DVC clones the repository into its `.dvc/tmp/exps/` for the time of the experiment.
    """
    whole = folder.resolve()
    above, mark, _ = str(whole).partition("/.dvc/tmp/exps/")
    copy, repository = repository_of(whole), repository_of(Path(above))
    if not mark or copy is None or repository is None or copy == repository:
        return folder
    return repository / whole.relative_to(copy)


def repository_of(folder: Path) -> Path | None:
    """The root of the git repository that a folder is in; None if it is in none."""
    return next((path for path in (folder, *folder.parents) if (path / ".git").exists()), None)
