"""The one reader of params.yaml.

params.yaml describes a study: its datasets, and what is tried on each. Everything below this module
receives values, never the file. What a section may hold is declared beside its owner:
`DataParameters` and `ModelParameters` of a task, and `TrainingParameters`.
"""

import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from rnn_core.cells import REGISTRY as CELLS
from rnn_core.errors import ParameterError, unknown
from rnn_core.parameters import FILE, check_complete, check_keys, parse, read_yaml
from rnn_core.references import REGISTRY as REFERENCES
from rnn_core.sources import REGISTRY as SOURCES
from rnn_core.tasks import REGISTRY as TASKS
from rnn_core.tasks import WITHOUT_REFERENCES

SOURCE_MODULES = Path(__file__).parent / "sources"
NAME = re.compile(r"[a-z][a-z0-9_]*")

T = TypeVar("T")
ChampionKind: TypeAlias = Literal["seed", "ensemble", "auto"]
Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Part: TypeAlias = Literal["data", "model", "training"]
Size: TypeAlias = float | Literal["equal"]
Range: TypeAlias = tuple[float, float]

TUNING_SEED = 1_000_003
"""The first random seed of trainings that tune, others follow it. No study has them: a value that
was picked because it went well with a seed would look better with that seed than it is."""

MOST_TUNING_SEEDS = 20
"""More would tell less than other values do."""

MOST_MEMBERS = 50
"""Largest number of models in an ensemble; a registered one runs all of them."""

MOST_LAYERS = 16
"""More layers do not train without connections around them, which a stack of cells lacks."""

MOST_SEEDS = 1000
"""More would be trained for no reason that is known."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The search for the values that a candidate is trained with, the same for each.

    See `rnn_core.training.tuning`. Ranges hold the dataset's own value, which is always in the
    last round. A range that is null is not searched; all cells have the dataset's value there.

    Attributes:
        trials: Values that are drawn for each candidate, and tried in the first round.
        share: Epochs of a trial of the first round, as a share of those of a training, at least 1.
        eta: Each round keeps one in `eta`, and trains it `eta` times as long.
        finalists: How many are trained to the full length, besides the dataset's own values.
        seeds: Number of random seeds that each finalist is trained with.
        learning_rate: Lowest and highest, as multiples of the dataset's own; searched on a
            logarithmic scale.
        clip_norm: Lowest and highest, as multiples of the dataset's own; searched in the same way.
        dropout: Lowest and highest value of `dropout` in `model`.
    """

    trials: int
    share: float = 0.25
    eta: int = 2
    finalists: int = 2
    seeds: int = 2
    learning_rate: Range | None = None
    clip_norm: Range | None = None
    dropout: Range | None = None

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ValueError("trials must be at least 1")
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {self.share}")
        if self.eta < 2:
            raise ValueError(f"eta must be at least 2, not {self.eta}")
        if not 1 <= self.finalists <= self.trials:
            raise ValueError(
                f"finalists must be from 1 to trials, {self.trials}, not {self.finalists}"
            )
        if not 2 <= self.seeds <= MOST_TUNING_SEEDS:
            raise ValueError(f"seeds must be from 2 to {MOST_TUNING_SEEDS}, not {self.seeds}")
        if self.learning_rate is self.clip_norm is self.dropout is None:
            raise ValueError("give a range for learning_rate, clip_norm or dropout")
        for name in ("learning_rate", "clip_norm"):
            low, high = getattr(self, name) or (1, 1)
            if not 0 < low <= 1 <= high < math.inf:
                raise ValueError(
                    f"{name} must be [low, high] with 0 < low <= 1 <= high, multiples of the "
                    f"dataset's own, not [{low}, {high}]"
                )
        low, high = self.dropout or (0, 0)
        if not 0 <= low <= high < 1:
            raise ValueError(
                f"dropout must be [low, high] with 0 <= low <= high < 1, not [{low}, {high}]"
            )


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Number of random seeds that candidates are trained with: 0, 1, 2 and so on.

    Attributes:
        first: Number that every candidate is trained with.
        most: Largest number that a candidate is trained with.
    """

    first: int
    most: int

    def __post_init__(self) -> None:
        if self.first < 1:
            raise ValueError(f"first must be at least 1, not {self.first}")
        if self.most < self.first:
            raise ValueError(f"most must be at least first, {self.first}, not {self.most}")
        if self.most > MOST_SEEDS:
            raise ValueError(f"most must be at most {MOST_SEEDS}, not {self.most}")


@dataclass(frozen=True, kw_only=True)
class EnsembleOf:
    """Largest number of random seeds of the chosen candidate in an ensemble.

    Attributes:
        members: Number of models; only the chosen candidate is trained up to this number of seeds.
    """

    members: int = 5

    def __post_init__(self) -> None:
        if not 2 <= self.members <= MOST_MEMBERS:
            raise ValueError(f"members must be from 2 to {MOST_MEMBERS}, not {self.members}")


@dataclass(frozen=True, kw_only=True)
class Section:
    """One dataset of the file.

    Attributes:
        source: Where the data comes from, as a path from the study's folder: a module of
            `rnn_core/sources`, or your own file or folder.
        task: Name of the task.
        data: How the data is read and split; the keys depend on the task.
        model: What is around the cell; the keys depend on the task.
        training: How every cell is trained; the keys are the same for every task.
        cells: Those of the study's cells that are tried; null: all.
        seeds: How many random seeds there are for this dataset; null: as the study says.
        sizes: Sizes of this dataset; null: those of the study.
        depths: Numbers of layers of this dataset; null: those of the study.
        tuning: How the cells of this dataset are tuned; null: as the study says.
        champion: What is registered; null: as the study says.
        ensemble: How many answer together; null: as the study says.
        refit: Whether to train the registered model on the validation set too; null: as the study.
        references: Networks without a recurrence to compare with; null: as the study says.
        margin: Largest difference of the metric that does not matter; null: the task's own.
    """

    source: str
    task: str
    data: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    cells: tuple[str, ...] | None = None
    seeds: Seeds | None = None
    sizes: tuple[Size, ...] | None = None
    depths: tuple[int, ...] | None = None
    tuning: Tuning | None = None
    champion: ChampionKind | None = None
    ensemble: EnsembleOf | None = None
    refit: bool | None = None
    references: tuple[str, ...] | None = None
    margin: float | None = None

    def __post_init__(self) -> None:
        if self.margin is not None and not 1e-12 <= self.margin < math.inf:
            raise ValueError(f"margin must be at least 1e-12, and finite, not {self.margin}")
        if "num_layers" in self.model:
            layers = self.model["num_layers"]
            raise ValueError(f"write `depths: [{layers}]` beside `model` instead of num_layers")


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study: datasets, and the cells and seeds that are tried on each.

    The file has every key, since the stages of dvc.yaml depend on them: a default is what
    `read_study` advises where one is missing.

    Attributes:
        root: The folder with Gatewise's code, from the study's folder; for dvc.yaml.
        study: Name of the study, which its models are registered under.
        device: Where models are trained.
        seeds: How many random seeds each candidate is trained with: see
            `rnn_core.comparison.race`.
        cells: Cells that are compared, by name: see `rnn_core.cells`.
        sizes: Sizes that every cell is trained at: a number is a budget of weights, as a
            multiple of what a gru with `hidden_size` units has; "equal" is `hidden_size`
            units for every cell. See `rnn_core.training.sizes`.
        depths: Numbers of recurrent layers that every cell is trained with at each size. A
            budget is that of all layers together; "equal" is `hidden_size` units in each.
        tuning: How every cell is tuned before it is trained; null: every cell is trained with
            the dataset's own values.
        champion: What is registered of the chosen candidate: the seed that is best on the
            validation set, an ensemble of its seeds, or the ensemble if it is better there
            beyond chance.
        ensemble: How many answer together.
        refit: Whether what is registered is trained on the training and validation set, where
            that is better on a rolling origin: see `rnn_core.comparison.rolling_origin`.
        references: Networks without a recurrence to compare with, which are no candidates:
            `linear`, `tcn` and `transformer`; null: none. See `rnn_core.references`.
        datasets: Datasets by name.
    """

    root: str
    study: str
    device: Device = "auto"
    seeds: Seeds
    cells: tuple[str, ...]
    sizes: tuple[Size, ...]
    depths: tuple[int, ...] = (1,)
    datasets: dict[str, Section]
    tuning: Tuning | None = None
    champion: ChampionKind = "auto"
    ensemble: EnsembleOf = EnsembleOf()
    refit: bool = False
    references: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in (self.study, *self.datasets):
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} must be lower-case letters, digits and _")
        check_lists(self, "")
        for name, section in self.datasets.items():
            check_lists(section, f"datasets.{name}.")
        if not self.datasets:
            raise ValueError("datasets must hold at least one dataset")

    def section(self, name: str) -> Section:
        """A dataset of the file.

        Raises:
            ParameterError: If there is no such dataset.
        """
        if name not in self.datasets:
            raise ParameterError(f"{FILE}: {unknown('dataset', name, self.datasets)}")
        return self.datasets[name]

    def cells_of(self, dataset: str) -> tuple[str, ...]:
        """The cells that are compared on a dataset."""
        return self.section(dataset).cells or self.cells

    def seeds_of(self, dataset: str) -> Seeds:
        """Number of random seeds for each candidate of a dataset."""
        return self.section(dataset).seeds or self.seeds

    def champion_of(self, dataset: str) -> ChampionKind:
        """Kind of model that is registered for a dataset."""
        return self.section(dataset).champion or self.champion

    def members_of(self, dataset: str) -> int:
        """Number of models in the ensemble of a dataset; 1 if there is none."""
        several = self.section(dataset).ensemble or self.ensemble
        return 1 if self.champion_of(dataset) == "seed" else several.members

    def refit_of(self, dataset: str) -> bool:
        """Return whether a dataset's registered model is trained on the validation set too."""
        own = self.section(dataset).refit
        return self.refit if own is None else own

    def sizes_of(self, dataset: str) -> tuple[Size, ...]:
        """The sizes that every cell of a dataset is trained at."""
        return self.section(dataset).sizes or self.sizes

    def depths_of(self, dataset: str) -> tuple[int, ...]:
        """The numbers of layers that every cell of a dataset is trained with."""
        return self.section(dataset).depths or self.depths

    def tuning_of(self, dataset: str) -> Tuning | None:
        """Tuning of every cell of a dataset; None if there is none."""
        return self.section(dataset).tuning or self.tuning

    def references_of(self, dataset: str) -> tuple[str, ...] | None:
        """Networks beside the candidates of a dataset; None: its task cannot use those."""
        section = self.section(dataset)
        asked = self.references if section.references is None else section.references
        return None if asked and section.task in WITHOUT_REFERENCES else asked or ()

    def parameters(self, dataset: str, part: Part, kind: type[T]) -> T:
        """A part of a dataset's section, checked and with every default filled in.

        Args:
            dataset: Name of the dataset.
            part: Which part.
            kind: The dataclass that declares what the part may hold.

        Raises:
            ParameterError: If a parameter is unknown, missing or out of range.
        """
        content = getattr(self.section(dataset), part)
        return parse(kind, content, f"datasets.{dataset}.{part}")


def read_study(folder: Path) -> Study:
    """Read the params.yaml of a study's folder.

    Raises:
        ParameterError: If it is missing, is not YAML, or holds something impossible.
    """
    content = read_yaml(folder)
    check_keys(Study, content, "", FILE)
    check_complete(Study, content)
    study = parse(Study, content, "")
    check_names(study.cells, "cell", CELLS, "cells")
    check_names(study.references, "reference", REFERENCES, "references")
    for name, section in study.datasets.items():
        where = f"datasets.{name}"
        check_names([section.task], "task", TASKS, f"{where}.task")
        check_source(folder, section.source, f"{where}.source")
        check_names(section.cells, "cell of the study", study.cells, f"{where}.cells")
        check_names(section.references, "reference", REFERENCES, f"{where}.references")
        if section.references and section.task in WITHOUT_REFERENCES:
            raise ParameterError(
                f"{FILE}: {where}.references: a model for {section.task} uses the states of its "
                "cell, which these networks lack; set it to []"
            )
    return study


def check_lists(lists: Study | Section, place: str) -> None:
    """Refuse lists of what is tried that are empty, hold a value twice or an impossible one.

    Args:
        lists: Owner of the lists.
        place: Prefix of their names in errors.
    """
    for what in ("cells", "sizes", "depths"):
        values = getattr(lists, what)
        if values is not None and (not values or len(set(values)) < len(values)):
            raise ValueError(f"{place}{what} must hold at least one value, and none twice")
    if any(size != "equal" and size <= 0 for size in lists.sizes or ()):
        raise ValueError(f"{place}sizes must be above 0, or equal")
    for depth in lists.depths or ():
        if not 1 <= depth <= MOST_LAYERS:
            raise ValueError(f"{place}depths must be from 1 to {MOST_LAYERS}, not {depth}")
    networks = lists.references or ()
    if len(set(networks)) < len(networks):
        raise ValueError(f"{place}references must hold none twice")


def is_for_tuning(seed: int) -> bool:
    """Return whether a random seed is one of trainings that tune."""
    return seed >= TUNING_SEED


def own_source(folder: Path, source: str) -> Path | None:
    """The user's own file or folder that `source` names; None for a source module."""
    path = folder / source
    return None if path.parent.resolve() == SOURCE_MODULES else path


def check_source(folder: Path, source: str, where: str) -> None:
    """Refuse a source that is neither a registered module nor there."""
    own = own_source(folder, source)
    if own is None:
        check_names([Path(source).stem], "source", SOURCES, where)
    elif not own.exists():
        raise ParameterError(f"{FILE}: {where}: there is no {own}")


def check_names(names: Iterable[str] | None, kind: str, known: Collection[str], where: str) -> None:
    """Refuse names that are in no registry."""
    for name in names or ():
        if name not in known:
            raise ParameterError(f"{FILE}: {where}: {unknown(kind, name, known)}")
