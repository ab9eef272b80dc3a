"""code: the fingerprints of the code that each stage runs, by which stages see it change.

A fingerprint is of what a stage reaches, without comments, docstrings and the names of files; see
`rnn_core.reach`. What is looked up by name while a stage runs, a task, a cell or a source, is
named here.
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
from rnn_core.reach import digest, fingerprint
from rnn_core.references import REGISTRY as REFERENCES
from rnn_core.study import Study, own_source, read_study

TRAINS: tuple[Reference, ...] = (("flows.trainings.work", "train_in"), ("rnn_core.devices", None))
"""What makes one training."""

EVALUATES: tuple[Reference, ...] = (
    ("flows.trainings.work", "evaluate_in"),
    ("rnn_core.devices", None),
)
"""What scores and diagnoses a training."""

TOGETHER: tuple[Reference, ...] = (
    ("flows.trainings.work", "score_together"),
    ("rnn_core.devices", None),
)
"""What scores several trainings that answer together, or one on a new division of the data."""

GPU: Reference = ("rnn_core.compiler.gpu", None)
"""What runs on a GPU alone. It has a fingerprint of its own, which no stage depends on, so that
that of a stage is the same on every machine; the identity of a training on a GPU takes it in."""

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
"""Where things are kept, who does the work, and what it takes: what no fingerprint follows."""

APART = (GPU, *ELSEWHERE)
"""What no stage's fingerprint follows."""

PLANS: tuple[Reference, ...] = (
    ("flows.stages.train", "train"),
    ("flows.trainings.work", "open_dataset"),
    ("rnn_core.cells.gru", "GRU.multiply_accumulates"),
)
"""What decides which trainings there are; the sizes of all cells follow from those of a gru."""

COLLECTS: tuple[Reference, ...] = (
    ("flows.stages.evaluate", "evaluate"),
    ("flows.trainings.work", "refer"),
)
"""What puts evaluations into place, with the baselines beside them."""

IN_WORKERS: tuple[Reference, ...] = (
    *(*TRAINS, *EVALUATES, *TOGETHER),
    ("rnn_core.training.models", None),
)
"""What has fingerprints of its own, by cell and by reference network."""

TRAINED = (
    *("__init__", "build_model", "num_batches", "training_batches"),
    *("loss", "metric", "scores", "settle"),
)
SHOWN = ("illustrate",)
DIVIDED = ("join", "move_back")
BASELINES = ("__init__", "baselines", "optimum")
"""The methods of a task's roles that each stage calls."""


@dataclass(frozen=True)
class Trains:
    """Code of the stage `train` of a dataset.

    Attributes:
        plan: What decides which trainings there are, and puts them into place.
        cells: What makes a training, by cell and by reference network.
        divides: What divides the data anew for a refit; empty if there is none.
    """

    plan: str
    cells: dict[str, str]
    divides: str


@dataclass(frozen=True)
class Evaluates:
    """Code of the stage `evaluate` of a dataset.

    Attributes:
        collect: What puts evaluations into place.
        cells: What makes an evaluation, by cell and by reference network.
        together: What scores several trainings that answer together, and those on a new division
            of the data, likewise.
    """

    collect: str
    cells: dict[str, str]
    together: dict[str, str]


@dataclass(frozen=True)
class Code:
    """Fingerprints of the code of a study, by stage and dataset.

    Attributes:
        ingest: By dataset; so are the next four.
        prepare: See `flows.stages.prepare`.
        train: See `flows.stages.train`.
        evaluate: See `flows.stages.evaluate`.
        compare: See `flows.stages.compare`.
        report: With the templates of the page.
        gpu: What else a training on a GPU runs; no stage depends on it.
    """

    ingest: dict[str, str]
    prepare: dict[str, str]
    train: dict[str, Trains]
    evaluate: dict[str, Evaluates]
    compare: dict[str, str]
    report: str
    gpu: str


def code(layout: Layout) -> None:
    """Write `code.json`; a file that says the same already is left as it is."""
    found = asdict(fingerprints(read_study(layout.folder), layout.folder))
    if found != recorded(layout):
        write_json(layout.code, found)


def check(layout: Layout) -> None:
    """Refuse a code.json that is not that of the code.

    Raises:
        StudyError: If it is not; names the keys that differ, and the command that writes it.
    """
    found = fingerprints(read_study(layout.folder), layout.folder)
    if keys := differing(found, layout):
        raise StudyError(
            f"{layout.code} is not that of the code in {', '.join(keys)}; run `gatewise code`"
        )


def fingerprints(study: Study, folder: Path) -> Code:
    """The fingerprints of the code of a study.

    Args:
        study: The study.
        folder: Its folder, from which its sources are named.
    """
    tasks = {name: section.task for name, section in study.datasets.items()}
    layers = {name: (*study.cells_of(name), *(study.references_of(name) or ())) for name in tasks}
    return Code(
        ingest={name: ingests(folder, s.source) for name, s in study.datasets.items()},
        prepare={n: stage("prepare", [preparing(task)]) for n, task in tasks.items()},
        train={n: trains(task, layers[n], study.refit_of(n)) for n, task in tasks.items()},
        evaluate={n: evaluates(task, layers[n]) for n, task in tasks.items()},
        compare={n: stage("compare") for n in tasks},
        report=stage("report"),
        gpu=fingerprint(TRAINS, ELSEWHERE),
    )


def ingests(folder: Path, source: str) -> str:
    """What ingest runs; a file or folder of one's own is no code."""
    ours = own_source(folder, source) is None
    return stage("ingest", [(f"rnn_core.sources.{Path(source).stem}", None)] if ours else [])


def trains(task: str, cells: tuple[str, ...], refit: bool) -> Trains:
    """What train runs."""
    plan = fingerprint(PLANS, (*APART, *IN_WORKERS))
    return Trains(plan, training(task, cells), dividing(task) if refit else "")


def evaluates(task: str, cells: tuple[str, ...]) -> Evaluates:
    """What evaluate runs."""
    collect = fingerprint([*COLLECTS, *showing(task, BASELINES)], (*APART, *IN_WORKERS))
    return Evaluates(collect, evaluation(task, cells), together(task, cells))


def code_of_cell(task: str, cell: str) -> CodeOfCells:
    """The fingerprints of what a worker runs, for one cell on a dataset of a task."""
    return CodeOfCells(
        trains=training(task, (cell,)),
        evaluates=evaluation(task, (cell,)),
        together=together(task, (cell,)),
        gpu=fingerprint(TRAINS, ELSEWHERE),
        divides=dividing(task),
    )


def training(task: str, cells: tuple[str, ...]) -> dict[str, str]:
    """The fingerprint of what makes a training, by cell."""
    return with_cells(task, [*TRAINS, *learning(task, TRAINED)], cells)


def evaluation(task: str, cells: tuple[str, ...]) -> dict[str, str]:
    """The fingerprint of what makes an evaluation, by cell."""
    roots = [*EVALUATES, *learning(task, TRAINED), *showing(task, SHOWN)]
    return with_cells(task, roots, cells)


def together(task: str, cells: tuple[str, ...]) -> dict[str, str]:
    """The fingerprint of what scores several trainings of a cell together, by cell."""
    return with_cells(task, [*TOGETHER, *learning(task, TRAINED), *divided(task)], cells)


def dividing(task: str) -> str:
    """The fingerprint of what divides the prepared data of a task anew."""
    return fingerprint(divided(task), APART)


def divided(task: str) -> list[Reference]:
    """Methods of the role in which a task moves items from one split to another."""
    return [(f"rnn_core.tasks.{task}.divide", f"Dividing.{name}") for name in DIVIDED]


def with_cells(task: str, roots: list[Reference], cells: tuple[str, ...]) -> dict[str, str]:
    """The fingerprint of some code with each cell, or reference network."""
    common = fingerprint(roots, APART)
    return {cell: digest([common, fingerprint(named(task, cell), APART)]) for cell in cells}


def named(task: str, cell: str) -> list[Reference]:
    """What is looked up by the name of a cell, or of a reference network."""
    if cell in REFERENCES:
        return [(f"rnn_core.references.{cell}", REFERENCES[cell]), *learning(task, ("reach",))]
    return [(f"rnn_core.cells.{cell}", None)]


def stage(verb: str, more: Sequence[Reference] = ()) -> str:
    """The fingerprint of a stage that neither trains nor evaluates.

    Args:
        verb: The stage's verb, which is also its module and function.
        more: What it looks up by name.
    """
    return fingerprint([(f"flows.stages.{verb}", verb), *more], APART)


def preparing(task: str) -> Reference:
    """What prepares a task's data."""
    return f"rnn_core.tasks.{task}.prepare", "prepare"


def learning(task: str, names: Iterable[str]) -> list[Reference]:
    """Methods of the role in which a task learns."""
    return [(f"rnn_core.tasks.{task}.learn", f"Learning.{name}") for name in names]


def showing(task: str, names: Iterable[str]) -> list[Reference]:
    """Methods of the role in which a task shows."""
    return [(f"rnn_core.tasks.{task}.show", f"Showing.{name}") for name in names]


def differing(found: Code, layout: Layout) -> list[str]:
    """The keys under which code.json does not hold what the code is."""
    there = dict(leaves(recorded(layout)))
    needed = dict(leaves(asdict(found)))
    return sorted(key for key in {*there, *needed} if there.get(key) != needed.get(key))


def recorded(layout: Layout) -> object:
    """What code.json holds; None if it is not there or is not JSON."""
    try:
        return json.loads(layout.code.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def leaves(content: object, place: str = "") -> Iterator[tuple[str, object]]:
    """The values of JSON, with the keys that lead to them and points between."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, f"{place}.{key}" if place else key)
    else:
        yield place, content
