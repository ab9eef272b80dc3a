"""Record which entries of the store the results of a study come from."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from flows.layout import Layout
from flows.trainings.dataset import CodeOfCells
from flows.trainings.identity import evaluation_identity, together_identity
from rnn_core.comparison.refits import read_refit
from rnn_core.files import read_json, write_json
from rnn_core.training.members import member_folders, read_members
from rnn_core.training.run_folder import SEEDS, RunConfig, read_config


def note_kept(
    layout: Layout, datasets: Iterable[str], code_for: Callable[[RunConfig], CodeOfCells | None]
) -> None:
    """Write down the identities of the trainings and evaluations that a study's results use.

    Args:
        layout: Where the study keeps things.
        datasets: Those of the study.
        code_for: Returns the fingerprints of the code for a training, or None if the study no
            longer includes it.
    """
    found: set[str] = set()
    for dataset in datasets:
        runs = layout.runs(dataset)
        for config in configs_in(runs):
            found.add(config.identity)
            if code := code_for(config):
                evaluates = code.evaluation(config.cell, config.device, config.division)
                found.add(evaluation_identity(config.identity, evaluates))
        for configs in answering_together(layout, dataset):
            if code := code_for(configs[0]):
                together = code.ensemble(configs[0].cell, configs[0].device)
                found.add(together_identity(configs, together))
        if layout.tuning(dataset).exists():
            found |= tried_in(layout.tuning(dataset))
    content = sorted(found)
    if not layout.kept.exists() or json.loads(layout.kept.read_bytes()) != content:
        write_json(layout.kept, content)


def answering_together(layout: Layout, dataset: str) -> Iterator[list[RunConfig]]:
    """The configurations of an ensemble's trainings, and of a refit's if it has several."""
    members, refit = read_members(layout.ensemble(dataset)), read_refit(layout.refit(dataset))
    if members is not None:
        yield [read_config(one)[0] for one in member_folders(layout.runs(dataset), members)]
    if refit is not None and refit.members:
        folders = (layout.refitted(dataset, refit.size, seed) for seed in refit.members)
        yield [read_config(one)[0] for one in folders]


def configs_in(runs: Path) -> Iterator[RunConfig]:
    """The configuration of each training in the run folders."""
    for folder in sorted(runs.glob(f"*/*/{SEEDS}")):
        yield read_config(folder)[0]


def tried_in(tuning: Path) -> set[str]:
    """The identities of all trials, and of the trainings that led to tuning again."""
    records = [record for cell in read_json(tuning).values() for record in cell.values()]
    trials = {
        trial["training"]
        for record in records
        for search in record["searches"]
        for trials in search["rounds"]
        for trial in trials
    }
    return trials.union(*(record["failed"] for record in records))
