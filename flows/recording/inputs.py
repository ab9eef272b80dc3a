"""The inputs of a run: read at the start, and compared again before anything is recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.layout import Layout
from flows.stages import DATASET_VERBS
from flows.stages.code import Code, fingerprints
from flows.trainings.dataset import CodeOfCells
from rnn_core.parameters import read_yaml
from rnn_core.reach import refresh
from rnn_core.study import Study, own_source, read_study
from rnn_core.training.run_folder import RunConfig

PARTS = ("params.yaml", "the code", "the data")
"""Names of the parts of a dataset's inputs, for messages."""

Signature = tuple[tuple[str, int, int], ...]
"""Names, sizes and times of change of the files of a source, in nanoseconds."""


@dataclass(frozen=True)
class Inputs:
    """The inputs that a run began with.

    Attributes:
        study: The parameters in params.yaml.
        parameters: The content of params.yaml, unchecked.
        code: Fingerprints of the code.
        sources: Signatures of the user's own files, by dataset.
    """

    study: Study
    parameters: Mapping[str, Any]
    code: Code
    sources: Mapping[str, Signature]

    def code_of(self, dataset: str) -> CodeOfCells:
        """Fingerprints of the code that works on a dataset."""
        return CodeOfCells(
            trains=self.code.train[dataset].cells,
            evaluates=self.code.evaluate[dataset].cells,
            together=self.code.evaluate[dataset].together,
            gpu=self.code.gpu,
            divides=self.code.train[dataset].divides,
        )

    def code_for(self, config: RunConfig) -> CodeOfCells | None:
        """Fingerprints of the code for a training; None if the study no longer has its cell."""
        code = self.code_of(config.dataset)
        return code if config.cell in code.evaluates else None

    def changed(self, now: "Inputs") -> dict[str, list[str]]:
        """The datasets whose inputs have changed since, with the parts that changed."""
        found = {name: self.differing(now, name) for name in self.study.datasets}
        return {name: parts for name, parts in found.items() if parts}

    def differing(self, now: "Inputs", dataset: str) -> list[str]:
        """The parts of a dataset's inputs that have changed."""
        before, after = (inputs.of_dataset(dataset) for inputs in (self, now))
        return [what for what, a, b in zip(PARTS, before, after, strict=True) if a != b]

    def of_dataset(self, dataset: str) -> tuple[Any, ...]:
        """The inputs of a dataset, in the order of `PARTS`."""
        section = (self.parameters.get("datasets") or {}).get(dataset)
        of_all = {key: value for key, value in self.parameters.items() if key != "datasets"}
        stages = (getattr(self.code, verb) for verb in DATASET_VERBS)
        code = [stage[dataset] for stage in stages if dataset in stage]
        return (section, of_all), code, self.sources.get(dataset)


def read_inputs(layout: Layout) -> Inputs:
    """Read params.yaml, the code, and the signatures of the user's own files.

    Raises:
        ParameterError: If params.yaml is not valid.
    """
    refresh()  # the code may have been edited since it was last read
    study = read_study(layout.folder)
    content = read_yaml(layout.folder)
    sources = {
        name: signature(own)
        for name, section in study.datasets.items()
        if (own := own_source(layout.folder, section.source)) is not None
    }
    return Inputs(study, content, fingerprints(study, layout.folder), sources)


def signature(source: Path) -> Signature:
    """Names, sizes and times of change of a file, or of all files of a folder."""
    files: Iterable[Path] = [source] if source.is_file() else sorted(source.rglob("*"))
    return tuple(
        (str(file), file.stat().st_size, file.stat().st_ctime_ns)
        for file in files
        if file.is_file()
    )
