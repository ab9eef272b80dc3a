"""evaluate: collect the evaluations of a dataset's trainings; workers make those that are missing.

Next to the scores of a candidate there are `diagnostics.json`, with the findings of the diagnostics
for each seed, and `illustration.json`, with examples of the best seed's model on the test set.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.layout import REFIT, Layout
from flows.trainings.adoption import adopt
from flows.trainings.crew import EVALUATE_TOGETHER, REFERENCE, Crew
from flows.trainings.dataset import CodeOfCells
from flows.trainings.entries import RESULT, Evaluation
from flows.trainings.identity import Together, Work, evaluation_identity
from flows.trainings.store import Store, open_store
from rnn_core.comparison.candidates import Candidate, write_scores
from rnn_core.comparison.ensembles import ITEMS
from rnn_core.comparison.refits import ALONE, FILE, TOGETHER, read_refit, write_refit
from rnn_core.diagnostics.findings import Findings, write_findings
from rnn_core.files import whole_folder, write_bytes
from rnn_core.metric import best_seed
from rnn_core.records import parse_record
from rnn_core.study import Study
from rnn_core.training.illustration import illustration_of, write_illustration
from rnn_core.training.members import APART, FOLDER, member_folders, read_members
from rnn_core.training.run_folder import SEEDS, RunConfig, read_config, seed_name, sizes_in
from rnn_core.training.rung import read_rung


def evaluate(layout: Layout, study: Study, dataset: str, code: CodeOfCells, crew: Crew) -> None:
    """Fill `evaluations/<dataset>` from `runs/<dataset>`.

    Args:
        layout: Where the study keeps things.
        study: Its parameters.
        dataset: Name of the dataset.
        code: Fingerprints of the code that trains and that evaluates, by cell.
        crew: The workers that make missing evaluations.
    """
    store, runs = open_store(layout), layout.runs(dataset)
    adopt(runs, store)
    complete(layout, store, runs, code, crew)
    scratch = layout.scratch / f"evaluate-{dataset}"
    with whole_folder(layout.evaluations(dataset), scratch) as folder:
        crew.call(REFERENCE, layout, study, dataset, folder / layout.reference(dataset).name)
        for size in sizes_of(runs):
            place = folder / size.relative_to(runs)
            place.mkdir(parents=True)
            collect(store, size, code, place)
        lay_ensemble(layout, dataset, code, crew, folder / FOLDER)
        lay_refit(layout, dataset, code, crew, folder / REFIT)


def sizes_of(runs: Path) -> list[Path]:
    """The folders of all candidates."""
    cells = sorted(path for path in runs.iterdir() if path.is_dir() and path.name not in APART)
    return [cell / size for cell in cells for size in sizes_in(cell)]


def seeds_of(size: Path) -> list[int]:
    """The random seeds that a candidate has been trained with."""
    return sorted(int(folder.name.rpartition("-")[2]) for folder in size.glob(SEEDS))


def complete(layout: Layout, store: Store, runs: Path, code: CodeOfCells, crew: Crew) -> None:
    """Have the evaluations made that the store lacks."""
    begun = [crew.evaluate(work) for work in missing(layout, store, runs, code)]
    for one in begun:
        one.result()


def missing(layout: Layout, store: Store, runs: Path, code: CodeOfCells) -> Iterator[Work]:
    """The trainings whose evaluation the store lacks."""
    for size in sizes_of(runs):
        for seed in seeds_of(size):
            config, _ = read_config(size / seed_name(seed))
            evaluates = code.evaluation(config.cell, config.device)
            key = evaluation_identity(config.identity, evaluates)
            if not store.has("evaluation", key):
                yield Work(layout=layout, config=config, evaluates=evaluates)
            else:  # a worker killed just after it put it there leaves its folder
                shutil.rmtree(layout.growing_evaluation(key), ignore_errors=True)


@dataclass(frozen=True)
class Evaluated:
    """A training in the run folders, and its evaluation in the store."""

    config: RunConfig
    evaluation: Evaluation
    items: bytes | None


def read_evaluated(store: Store, folder: Path, code: CodeOfCells) -> Evaluated:
    """Read the evaluation of a training in the run folders.

    Raises:
        StoreError: If it is missing or broken.
    """
    config, _ = read_config(folder)
    key = evaluation_identity(config.identity, code.evaluation(config.cell, config.device))
    found = parse_record(store.read("evaluation", key, RESULT), Evaluation, RESULT)
    items = None if found.scores.diverged else store.read("evaluation", key, ITEMS)
    return Evaluated(config, found, items)


def collect(store: Store, size: Path, code: CodeOfCells, folder: Path) -> None:
    """Write the evaluation of a candidate from those of its seeds."""
    seeds = seeds_of(size)
    found = [read_evaluated(store, size / seed_name(seed), code) for seed in seeds]
    config, cost = read_config(size / seed_name(seeds[0]))
    rung, first = read_rung(size), found[0].evaluation
    losses = {one.config.seed: one.evaluation.validation_loss for one in found}
    candidate = Candidate(
        cell=config.cell,
        hidden_size=rung.hidden_size,
        num_layers=rung.num_layers,
        sizes=rung.sizes,
        deviations=rung.deviations,
        device=config.device,
        data=config.data,
        metric=first.metric,
        cost=cost,
        seeds=tuple(one.evaluation.scores for one in found),
        tuning=rung.tuning,
        validation_losses={seed: loss for seed, loss in losses.items() if loss is not None},
    )
    write_scores(folder, candidate)
    findings = {one.config.seed: one.evaluation.findings for one in found}
    write_findings(folder, Findings(cell=config.cell, most_steps=first.most_steps, seeds=findings))
    show_best(folder, candidate, [one.evaluation for one in found])
    for one in found:
        if one.items is not None:
            write_bytes(folder / f"{seed_name(one.config.seed)}.safetensors", one.items)


def show_best(folder: Path, candidate: Candidate, found: Sequence[Evaluation]) -> None:
    """Write the illustration of the seed that is best on the validation set."""
    reached = candidate.reached()
    best = best_seed(reached, candidate.metric) if reached else None
    shown = next((e.illustration for e in found if e.scores.seed == best), None)
    write_illustration(folder, None if shown is None else illustration_of(shown))


def lay_ensemble(layout: Layout, dataset: str, code: CodeOfCells, crew: Crew, folder: Path) -> None:
    """Write the scores of the ensemble, if there is one."""
    members = read_members(layout.ensemble(dataset))
    if members is None:
        return
    score(layout, member_folders(layout.runs(dataset), members), code, crew, folder)


def lay_refit(layout: Layout, dataset: str, code: CodeOfCells, crew: Crew, folder: Path) -> None:
    """Write the result of a refit, and the scores of its models that may be registered."""
    refit = read_refit(layout.refit(dataset))
    if refit is None:
        return
    folder.mkdir()
    write_refit(folder / FILE, refit)
    alone = () if refit.alone is None else (refit.alone,)
    for name, seeds in {TOGETHER: refit.members, ALONE: alone}.items():
        if seeds:
            runs = [layout.refitted(dataset, refit.size, seed) for seed in seeds]
            score(layout, runs, code, crew, folder / name)


def score(
    layout: Layout, runs: Sequence[Path], code: CodeOfCells, crew: Crew, folder: Path
) -> None:
    """Write the scores of an ensemble, or of one training; a worker makes them if necessary."""
    configs = tuple(read_config(run)[0] for run in runs)
    evaluates = code.ensemble(configs[0].cell, configs[0].device)
    together = Together(layout=layout, configs=configs, evaluates=evaluates)
    store = open_store(layout)
    if not store.has("evaluation", together.identity):
        crew.call(EVALUATE_TOGETHER, together)
    store.get("evaluation", together.identity, folder)
