"""compare: decide which cell to use on a dataset, and at which size."""

from collections.abc import Sequence

from flows.layout import Layout
from rnn_core.comparison.candidates import (
    Candidate,
    SeedResult,
    check_comparable,
    read_scores,
)
from rnn_core.comparison.ensembles import BETTER, ITEMS, EnsembleResult, read_ensemble
from rnn_core.comparison.outcome import Comparison, Decision, write_comparison
from rnn_core.comparison.policies import policies
from rnn_core.comparison.race import Trained, trained
from rnn_core.comparison.reference import read_reference
from rnn_core.comparison.refits import ALONE, FILE, TOGETHER, RefitResult, read_refit
from rnn_core.comparison.statistics.pair import compare_pair
from rnn_core.comparison.verdict import Entry, decide, set_beside, summarise
from rnn_core.errors import StudyError
from rnn_core.metric import SCORED, ScoredSplit
from rnn_core.study import Study
from rnn_core.training.item_scores import read_items
from rnn_core.training.members import APART
from rnn_core.training.run_folder import seed_name, sizes_in


def compare(layout: Layout, study: Study, dataset: str) -> None:
    """Write `comparisons/<dataset>.json` from the evaluations of exactly the study's cells."""
    check_cells(layout, study, dataset)
    candidates = read_candidates(layout, study, dataset)
    networks = read_networks(layout, study, dataset)
    check_comparable([*candidates, *(networks or ())])
    reference = read_reference(layout.reference(dataset))
    margin = study.section(dataset).margin or reference.margin
    entries = [read_entry(layout, dataset, candidate) for candidate in candidates]
    verdict = decide(entries, study.seeds_of(dataset), margin)
    beside = {n.name: read_entry(layout, dataset, n) for n in networks or ()}
    ensemble = judge_ensemble(layout, study, dataset, verdict.decision, candidates)
    comparison = Comparison(
        task=study.section(dataset).task,
        metric=reference.metric,
        margin=margin,
        device=candidates[0].device,
        items=reference.items,
        decision=verdict.decision,
        effort=verdict.effort,
        evidence={split: judged.evidence for split, judged in verdict.judged.items()},
        candidates={c.name: summarise(c, verdict) for c in candidates},
        ensemble=ensemble,
        refit=judge_refit(layout, dataset, verdict.decision, ensemble),
        policies=policies(candidates, margin, reference.baselines, verdict.decision.recommended),
        baselines=reference.baselines,
        references=None
        if networks is None
        else {n: set_beside(one, entries, verdict.decision, margin) for n, one in beside.items()},
        optimum=reference.optimum,
    )
    write_comparison(layout.comparison(dataset), comparison)


def check_cells(layout: Layout, study: Study, dataset: str) -> None:
    """Check that exactly the evaluations of the study are there.

    Raises:
        StudyError: If some are missing or left over.
    """
    folder = layout.evaluations(dataset)
    there = {path.name for path in folder.glob("*") if path.is_dir()} - {*APART}
    wanted = {*study.cells_of(dataset), *(study.references_of(dataset) or ())}
    if missing := sorted(wanted - there):
        raise StudyError(f"{folder} lacks {', '.join(missing)}; run `gatewise run`")
    if left_over := sorted(there - wanted):
        raise StudyError(
            f"{folder} has {', '.join(left_over)}, which params.yaml does not name; "
            "run `gatewise run`"
        )


def read_candidates(layout: Layout, study: Study, dataset: str) -> list[Candidate]:
    """Read the evaluations of all sizes of all cells of a dataset."""
    sizes = {size if isinstance(size, str) else f"{size:g}" for size in study.sizes_of(dataset)}
    wanted = {(name, depth) for name in sizes for depth in study.depths_of(dataset)}
    candidates = []
    for cell in study.cells_of(dataset):
        folder = layout.evaluation(dataset, cell)
        found = [read_scores(folder / size) for size in sizes_in(folder)]
        if {(name, one.num_layers) for one in found for name in one.sizes} != wanted:
            raise StudyError(
                f"{folder} does not match the sizes and depths in params.yaml; run `gatewise run`"
            )
        candidates += found
    return candidates


def read_networks(layout: Layout, study: Study, dataset: str) -> list[Candidate] | None:
    """Read the evaluations of reference networks, each of one size; None if the task has none."""
    names = study.references_of(dataset)
    if names is None:
        return None
    folders = [layout.evaluation(dataset, name) for name in names]
    return [read_scores(folder / size) for folder in folders for size in sizes_in(folder)]


def read_entry(layout: Layout, dataset: str, candidate: Candidate) -> Entry:
    """Read the results of each training of a candidate on the validation and test sets."""
    folder = layout.evaluation(dataset, candidate.cell) / candidate.size

    def on(seed: SeedResult, split: ScoredSplit) -> Trained:
        file = folder / f"{seed_name(seed.seed)}.safetensors"
        items = None if seed.diverged else read_items(file, split)
        return trained(getattr(seed, split), items, candidate.metric)

    each = {split: [on(seed, split) for seed in candidate.seeds] for split in SCORED}
    return Entry(candidate=candidate, trained=each)


def judge_ensemble(
    layout: Layout,
    study: Study,
    dataset: str,
    decision: Decision,
    candidates: Sequence[Candidate],
) -> EnsembleResult | None:
    """Compare the recommended candidate's ensemble with its best seed; None without an ensemble.

    Raises:
        StudyError: If the ensemble belongs to another candidate than the recommended one.
    """
    place = layout.ensemble_evaluation(dataset)
    scores, best = read_ensemble(place), decision.registered_seed
    if scores is None or best is None:
        return None
    name = scores.name
    if name != decision.recommended:
        raise StudyError(
            f"{place} belongs to {name}, not {decision.recommended}; run `gatewise run`"
        )
    own = next(one for one in candidates if one.name == name)
    seeds = layout.evaluation(dataset, own.cell) / own.size
    alone = read_items(seeds / f"{seed_name(best)}.safetensors", "validation")
    together = read_items(place / ITEMS, "validation")
    found = compare_pair(together, alone, own.metric)
    choice = study.champion_of(dataset)
    return EnsembleResult(
        scores=scores,
        better_by=found.better_by,
        p_value=found.p_better,
        trainings=len(set(scores.seeds) - {seed.seed for seed in own.seeds}),
        registered=choice == "ensemble" or (choice == "auto" and found.p_better < BETTER),
    )


def judge_refit(
    layout: Layout, dataset: str, decision: Decision, ensemble: EnsembleResult | None
) -> RefitResult | None:
    """Read the result of a refit, as an ensemble if that would be registered.

    Raises:
        StudyError: If the refit belongs to another candidate, or to another random seed than the
            registered one.
    """
    place = layout.refit_evaluation(dataset)
    refit = read_refit(place / FILE)
    if refit is None:
        return None
    if refit.name != decision.recommended:
        raise StudyError(
            f"{place} belongs to {refit.name}, not {decision.recommended}; run `gatewise run`"
        )
    several = ensemble is not None and ensemble.registered
    scores = read_ensemble(place / (TOGETHER if several else ALONE))
    best = decision.registered_seed
    if scores is not None and not several and scores.seeds != (best,):
        raise StudyError(
            f"{place / ALONE} belongs to random seed {scores.seeds[0]}, but the best one of "
            f"{refit.name} is {best}; run `gatewise run`"
        )
    return RefitResult(refit=refit, scores=scores)
