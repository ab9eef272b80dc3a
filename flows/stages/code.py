"""code: write fingerprints of the code that each stage runs, so that DVC sees when it changes.

A fingerprint covers all code that a stage reaches, without comments, docstrings and names of files;
see `rnn_core.reach`. Code that a stage looks up by name while it runs, such as a task, a cell or a
source, is named here.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.layout import Layout
from flows.trainings.dataset import CodeOfCells
from rnn_core.definitions import Reference
from rnn_core.errors import StudyError
from rnn_core.files import write_json
from rnn_core.reach import digest, fingerprint, keep_for_later
from rnn_core.references import REGISTRY as REFERENCES
from rnn_core.study import Study, own_source, read_study

TRAINS: tuple[Reference, ...] = (("flows.trainings.work", "train_in"), ("rnn_core.devices", None))
"""Code that does one training."""

EVALUATES: tuple[Reference, ...] = (
    ("flows.trainings.work", "evaluate_in"),
    ("rnn_core.devices", None),
)
"""Code that scores and diagnoses a training."""

TOGETHER: tuple[Reference, ...] = (
    ("flows.trainings.work", "score_together"),
    ("rnn_core.devices", None),
)
"""Code that scores an ensemble, or a training on another division of the data."""

GPU: Reference = ("rnn_core.compiler.gpu", None)
"""Code that runs only on a GPU. It has its own fingerprint, which no stage depends on: those of
stages are the same on every machine. The identity of a training on a GPU includes it."""

ELSEWHERE: tuple[Reference, ...] = (
    ("flows.layout", None),
    ("flows.trainings.adoption", None),
    ("flows.trainings.crew", None),
    ("flows.trainings.manifest", None),
    ("flows.trainings.places", None),
    ("flows.trainings.records", None),
    ("flows.trainings.store", None),
    ("rnn_core.diagnostics.measured_cost", None),
)
"""Code that no fingerprint covers: it stores results, distributes work or measures time."""

APART = (GPU, *ELSEWHERE)
"""Code that no fingerprint of a stage covers."""

PLANS: tuple[Reference, ...] = (
    ("flows.stages.train", "train"),
    ("flows.trainings.work", "open_dataset"),
    ("rnn_core.cells.gru", "GRU.multiply_accumulates"),
)
"""Code that decides which trainings there are; the sizes of all cells follow from the GRU's."""

COLLECTS: tuple[Reference, ...] = (
    ("flows.stages.evaluate", "evaluate"),
    ("flows.trainings.work", "refer"),
)
"""Code that collects evaluations, and computes the baselines."""

IN_WORKERS: tuple[Reference, ...] = (
    *(*TRAINS, *EVALUATES, *TOGETHER),
    ("rnn_core.training.models", None),
)
"""Code with its own fingerprints, by cell and by reference network."""

TRAINED = (
    *("__init__", "build_model", "num_batches", "training_batches"),
    *("loss", "metric", "scores", "settle"),
)
SHOWN = ("illustrate",)
DIVIDED = ("join", "move_back")
BASELINES = ("__init__", "baselines", "optimum")
"""The methods of a task's roles that each stage calls."""

MOST_NAMED = 10
"""Keys that a message names one by one."""


@dataclass(frozen=True)
class Trains:
    """Code of the stage `train` of a dataset.

    Attributes:
        plan: Fingerprint of the code that decides on the trainings and writes their folders.
        cells: Fingerprints of the code that does a training, by cell and by reference network.
        divides: Fingerprint of the code that divides the data differently for a refit; empty if
            there is no refit.
    """

    plan: str
    cells: dict[str, str]
    divides: str


@dataclass(frozen=True)
class Evaluates:
    """Code of the stage `evaluate` of a dataset.

    Attributes:
        collect: Fingerprint of the code that collects evaluations.
        cells: Fingerprints of the code that makes one, by cell and by reference network.
        together: Fingerprints of the code that scores ensembles and trainings on another division
            of the data, by cell and by reference network.
    """

    collect: str
    cells: dict[str, str]
    together: dict[str, str]


@dataclass(frozen=True)
class Code:
    """Fingerprints of the code of a study, by stage and dataset.

    Attributes:
        ingest: Of `flows.stages.ingest`, by dataset.
        prepare: Of `flows.stages.prepare`, by dataset.
        train: Of `flows.stages.train`, by dataset.
        evaluate: Of `flows.stages.evaluate`, by dataset.
        compare: Of `flows.stages.compare`, by dataset.
        report: Of `flows.stages.report`, with the templates of the page.
        gpu: Of the additional code of a training on a GPU; no stage depends on it.
    """

    ingest: dict[str, str]
    prepare: dict[str, str]
    train: dict[str, Trains]
    evaluate: dict[str, Evaluates]
    compare: dict[str, str]
    report: str
    gpu: str


def code(layout: Layout) -> None:
    """Write `code.json`, unless its content is up to date."""
    found = asdict(fingerprints(read_study(layout.folder), layout.folder))
    if found != recorded(layout):
        write_json(layout.code, found)


def check(layout: Layout) -> None:
    """Check that code.json is up to date.

    Raises:
        StudyError: If it is not; names the keys that differ, or of many their stages, and the
            command that writes it.
    """
    found = fingerprints(read_study(layout.folder), layout.folder)
    if keys := differing(found, layout):
        stages = sorted({key.partition(".")[0] for key in keys if key})
        named = ", ".join(keys if len(keys) <= MOST_NAMED else stages)
        raise StudyError(f"{layout.code} is out of date for {named}; run `gatewise code`")


def fingerprints(study: Study, folder: Path) -> Code:
    """The fingerprints of the code of a study.

    Args:
        study: The study.
        folder: Its folder, which paths of sources start from.
    """
    tasks = {name: section.task for name, section in study.datasets.items()}
    layers = {name: (*study.cells_of(name), *(study.references_of(name) or ())) for name in tasks}
    found = Code(
        ingest={name: ingests(folder, s.source) for name, s in study.datasets.items()},
        prepare={n: stage("prepare", [preparing(task)]) for n, task in tasks.items()},
        train={n: trains(task, layers[n], study.refit_of(n)) for n, task in tasks.items()},
        evaluate={n: evaluates(task, layers[n]) for n, task in tasks.items()},
        compare={n: stage("compare") for n in tasks},
        report=stage("report"),
        gpu=fingerprint(TRAINS, ELSEWHERE),
    )
    keep_for_later()
    return found


def ingests(folder: Path, source: str) -> str:
    """Fingerprint of the code of ingest; the user's own file or folder is not code."""
    ours = own_source(folder, source) is None
    return stage("ingest", [(f"rnn_core.sources.{Path(source).stem}", None)] if ours else [])


def trains(task: str, cells: tuple[str, ...], refit: bool) -> Trains:
    """Fingerprints of the code of train."""
    plan = fingerprint(PLANS, (*APART, *IN_WORKERS))
    return Trains(plan, training(task, cells), dividing(task) if refit else "")


def evaluates(task: str, cells: tuple[str, ...]) -> Evaluates:
    """Fingerprints of the code of evaluate."""
    collect = fingerprint([*COLLECTS, *showing(task, BASELINES)], (*APART, *IN_WORKERS))
    return Evaluates(collect, evaluation(task, cells), together(task, cells))


def code_of_cell(task: str, cell: str) -> CodeOfCells:
    """Fingerprints of the code that a worker runs, for one cell on a dataset of a task."""
    return CodeOfCells(
        trains=training(task, (cell,)),
        evaluates=evaluation(task, (cell,)),
        together=together(task, (cell,)),
        gpu=fingerprint(TRAINS, ELSEWHERE),
        divides=dividing(task),
    )


def training(task: str, cells: tuple[str, ...]) -> dict[str, str]:
    """Fingerprints of the code that does a training, by cell."""
    return with_cells(task, [*TRAINS, *learning(task, TRAINED)], cells)


def evaluation(task: str, cells: tuple[str, ...]) -> dict[str, str]:
    """Fingerprints of the code that makes an evaluation, by cell."""
    roots = [*EVALUATES, *learning(task, TRAINED), *showing(task, SHOWN)]
    return with_cells(task, roots, cells)


def together(task: str, cells: tuple[str, ...]) -> dict[str, str]:
    """Fingerprints of the code that scores several trainings of a cell together, by cell."""
    return with_cells(task, [*TOGETHER, *learning(task, TRAINED), *divided(task)], cells)


def dividing(task: str) -> str:
    """Fingerprint of the code that divides the prepared data of a task differently."""
    return fingerprint(divided(task), APART)


def divided(task: str) -> list[Reference]:
    """References to the methods by which a task moves items from one split to another."""
    return [(f"rnn_core.tasks.{task}.divide", f"Dividing.{name}") for name in DIVIDED]


def with_cells(task: str, roots: list[Reference], cells: tuple[str, ...]) -> dict[str, str]:
    """Fingerprints of some code together with that of each cell or reference network."""
    common = fingerprint(roots, APART)
    return {cell: digest([common, fingerprint(named(task, cell), APART)]) for cell in cells}


def named(task: str, cell: str) -> list[Reference]:
    """References to the code that is looked up by the name of a cell or reference network."""
    if cell in REFERENCES:
        return [(f"rnn_core.references.{cell}", REFERENCES[cell]), *learning(task, ("reach",))]
    return [(f"rnn_core.cells.{cell}", None)]


def stage(verb: str, more: Sequence[Reference] = ()) -> str:
    """The fingerprint of a stage that neither trains nor evaluates.

    Args:
        verb: The stage's verb, which is also its module and function.
        more: References to code that it looks up by name.
    """
    return fingerprint([(f"flows.stages.{verb}", verb), *more], APART)


def preparing(task: str) -> Reference:
    """The reference to the function that prepares a task's data."""
    return f"rnn_core.tasks.{task}.prepare", "prepare"


def learning(task: str, names: Iterable[str]) -> list[Reference]:
    """References to methods of a task's role `learn`."""
    return [(f"rnn_core.tasks.{task}.learn", f"Learning.{name}") for name in names]


def showing(task: str, names: Iterable[str]) -> list[Reference]:
    """References to methods of a task's role `show`."""
    return [(f"rnn_core.tasks.{task}.show", f"Showing.{name}") for name in names]


def differing(found: Code, layout: Layout) -> list[str]:
    """The keys of code.json that are missing, out of date or no longer needed."""
    there = dict(leaves(recorded(layout)))
    needed = dict(leaves(asdict(found)))
    return sorted(key for key in {*there, *needed} if there.get(key) != needed.get(key))


def recorded(layout: Layout) -> object:
    """The content of code.json; None if it is missing or is not JSON."""
    try:
        return json.loads(layout.code.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def leaves(content: object, place: str = "") -> Iterator[tuple[str, object]]:
    """The values in nested JSON, each with its path: the keys joined by dots."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, f"{place}.{key}" if place else key)
    else:
        yield place, content
