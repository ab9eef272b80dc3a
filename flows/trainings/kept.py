"""Which entries of the store the results of a study are made of."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from flows.layout import Layout
from flows.trainings.identity import evaluation_identity, together_identity
from rnn_core.comparison.refits import read_refit
from rnn_core.files import read_json, write_json
from rnn_core.training.members import member_folders, read_members
from rnn_core.training.run_folder import RunConfig, read_config


def note_kept(
    layout: Layout, datasets: Iterable[str], evaluates: Callable[[RunConfig], str]
) -> None:
    """Write down the trainings and evaluations that the runs of a study consist of.

    Args:
        layout: Where the study keeps things.
        datasets: Those of the study.
        evaluates: Fingerprint of the code that evaluates a training.
    """
    found: set[str] = set()
    for dataset in datasets:
        runs = layout.runs(dataset)
        for config in configs_in(runs):
            identity = config.identity
            found |= {identity, evaluation_identity(identity, evaluates(config))}
        members = read_members(layout.ensemble(dataset))
        if members is not None:
            configs = [read_config(folder)[0] for folder in member_folders(runs, members)]
            found.add(together_identity(configs, evaluates(configs[0])))
        found |= {*refitted_in(layout, dataset, evaluates)}
        if layout.tuning(dataset).exists():
            found |= tried_in(layout.tuning(dataset))
    content = sorted(found)
    if not layout.kept.exists() or json.loads(layout.kept.read_bytes()) != content:
        write_json(layout.kept, content)


def refitted_in(
    layout: Layout, dataset: str, evaluates: Callable[[RunConfig], str]
) -> Iterator[str]:
    """The identity of what evaluates several refits together, if there are several."""
    refit = read_refit(layout.refit(dataset))
    if refit is not None and refit.members:
        folders = [layout.refitted(dataset, refit.hidden_size, seed) for seed in refit.members]
        configs = [read_config(folder)[0] for folder in folders]
        yield together_identity(configs, evaluates(configs[0]))


def configs_in(runs: Path) -> Iterator[RunConfig]:
    """What determined each training that is laid out."""
    for folder in sorted(runs.glob("*/*/seed-*")):
        yield read_config(folder)[0]


def tried_in(tuning: Path) -> set[str]:
    """The identities of all trials, and of what showed that candidates had to be tuned again."""
    records = [record for cell in read_json(tuning).values() for record in cell.values()]
    trials = {
        trial["training"]
        for record in records
        for search in record["searches"]
        for trials in search["rounds"]
        for trial in trials
    }
    return trials.union(*(record["failed"] for record in records))
