"""train: do all trainings of a dataset that its plan asks for, and write their run folders."""

from collections.abc import Sequence
from pathlib import Path

from flows.layout import Layout
from flows.report.foresight import after_first_seeds, before_training, margin_moved
from flows.trainings.adoption import adopt, leave_manifest
from flows.trainings.crew import OPEN, Crew
from flows.trainings.dataset import CodeOfCells, Trainings, plan_of
from flows.trainings.identity import Opened, evaluation_identity
from flows.trainings.planner import Asked, Look, Sizing, asked_for
from flows.trainings.store import open_store
from rnn_core.comparison.outcome import read_comparison
from rnn_core.comparison.refits import FILE, write_refit
from rnn_core.errors import DataError, StudyError
from rnn_core.files import whole_folder, write_json
from rnn_core.study import Study
from rnn_core.training.members import FOLDER, Members, write_members
from rnn_core.training.run_folder import seed_folder
from rnn_core.training.rung import write_rung
from rnn_core.training.tuning import Found, record, tuned


def train(layout: Layout, study: Study, dataset: str, code: CodeOfCells, crew: Crew) -> None:
    """Fill `runs/<dataset>` with a folder for each cell, or reference network, size and seed.

    Args:
        layout: Where the study keeps things.
        study: Its parameters.
        dataset: Name of the dataset.
        code: Fingerprints of the code that trains and that evaluates, by cell.
        crew: The workers that do missing trainings.
    """
    store = open_store(layout)
    adopt(layout.runs(dataset), store)
    opened: Opened = crew.call(OPEN, layout, study, dataset)
    plan = plan_of(study, opened)

    def tell(text: str) -> None:
        if text:
            crew.tell(f"{dataset}: {text}")

    def tell_smallest(smallest: float) -> None:
        tell(after_first_seeds(opened.metric, plan.margin, opened.items, smallest))

    tell(before_training(opened.metric, plan.margin, opened.items))
    tell(margin_moved(margin_before(layout.comparison(dataset)), plan.margin))
    trainings = Trainings(layout, opened, plan, code, store)
    found = trainings.do(crew, tell_smallest)
    with whole_folder(layout.runs(dataset), layout.scratch / f"train-{dataset}") as folder:
        lay_out(trainings, found, folder)


def margin_before(place: Path) -> float | None:
    """The margin of the last comparison of a dataset; None if there is none that can be read."""
    try:
        return read_comparison(place).margin
    except (DataError, StudyError):
        return None


def lay_out(trainings: Trainings, found: Look, folder: Path) -> None:
    """Write the folders of trainings, and the size and tuning of each candidate."""
    for asked in (*found.results, *found.references):
        lay_training(trainings, asked, folder / asked.cell)
    lay_ensemble(trainings, found, folder / FOLDER)
    lay_refit(trainings, found, folder)
    lay_rungs(trainings, found, folder)
    for name, rung in trainings.opened.references.items():
        write_rung(folder / name / rung.size, rung, None)


def lay_rungs(trainings: Trainings, found: Look, folder: Path) -> None:
    """Write what each size of a cell is, and what it was tuned to."""
    records: dict[str, dict[str, object]] = {}
    for cell, rungs in trainings.opened.rungs.items():
        for rung in rungs:
            candidate = Sizing(cell, rung.hidden_size, rung.num_layers)
            searches = found.searches.get(candidate.name)
            write_rung(folder / cell / rung.size, rung, tuned(searches) if searches else None)
            if searches:
                failed = found.failed.get(candidate.name, [])
                told = tuning_record(trainings, candidate, searches, failed)
                records.setdefault(cell, {})[rung.size] = told
    if records:
        write_json(folder / "tuning.json", records)


def tuning_record(
    trainings: Trainings, candidate: Sizing, searches: Sequence[Found], failed: Sequence[Asked]
) -> dict[str, object]:
    """The tuning of a candidate, with the identities of all trainings that it used."""

    def identity(asked: Asked) -> str:
        return trainings.work(asked).config.identity

    showed = []
    for one in failed:
        work = trainings.work(one)
        assert work.evaluates is not None
        showed += [identity(one), evaluation_identity(identity(one), work.evaluates)]
    return record(searches, lambda trial: identity(asked_for(candidate, trial)), showed)


def lay_training(trainings: Trainings, asked: Asked, place: Path) -> None:
    """Write the folder of a training, by its size and seed."""
    folder = seed_folder(place, asked.sizing.size, asked.seed)
    trainings.store.get("training", trainings.work(asked).config.identity, folder)
    leave_manifest(folder)


def lay_ensemble(trainings: Trainings, found: Look, place: Path) -> None:
    """Write the list of the ensemble's trainings, and the folders of those not in the race."""
    if not found.members:
        return
    seeds = tuple(one.seed for one in found.members)
    write_members(place, Members(**found.members[0].sizing._asdict(), seeds=seeds))
    for asked in found.members:
        if asked not in found.results:
            lay_training(trainings, asked, place)


def lay_refit(trainings: Trainings, found: Look, folder: Path) -> None:
    """Write the result of a refit, and its trainings by division of the data."""
    if found.refit is None:
        return
    write_refit(folder / FILE, found.refit)
    for asked in found.refits:
        lay_training(trainings, asked, folder / asked.division)
