"""Where a study keeps what it makes."""

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
"""The clone that Gatewise is used from; also the study `sample`."""


@dataclass(frozen=True)
class Layout:
    """The folders and files of a study.

    Attributes:
        folder: The study's folder, which holds its params.yaml.
    """

    folder: Path = Path()

    def raw(self, dataset: str) -> Path:
        """Output of ingest."""
        return self.folder / "data/raw" / dataset

    def prepared(self, dataset: str) -> Path:
        """Output of prepare."""
        return self.folder / "data/prepared" / dataset

    def tuning(self, dataset: str, cell: str) -> Path:
        """Output of tune."""
        return self.folder / "tunings" / dataset / cell

    def run(self, dataset: str, cell: str) -> Path:
        """Output of train."""
        return self.folder / "runs" / dataset / cell

    def curve(self, dataset: str, cell: str, hidden_size: int, seed: int) -> Path:
        """The record of every epoch of a seed, in `run`; see `rnn_core.training.run_folder`."""
        return self.run(dataset, cell) / str(hidden_size) / f"seed-{seed}" / "metrics.jsonl"

    def evaluation(self, dataset: str, cell: str) -> Path:
        """Output of evaluate."""
        return self.folder / "evaluations" / dataset / cell

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
        """The results of the study for a person, in `reports`."""
        return self.reports / "index.html"

    @property
    def state(self) -> Path:
        """What is neither in git nor in DVC."""
        return self.folder / ".gatewise"

    @property
    def training(self) -> Path:
        """Seeds and trials that are being trained, by what determines them."""
        return self.state / "training"

    @property
    def seeds(self) -> Path:
        """Seeds and trials that are finished, by what determines them."""
        return self.state / "seeds"

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
        """What stages and servers print."""
        return self.state / "logs"

    @property
    def timings(self) -> Path:
        """Measured seconds and megabytes of stages, a JSON object a line."""
        return self.state / "timings.jsonl"

    @property
    def timings_page(self) -> Path:
        """The same for a person."""
        return self.state / "timings.html"
