"""compare: decide which cell to use on a dataset, and at which size."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.layout import Layout
from rnn_core.comparison.decision import decide, eligible, summarise
from rnn_core.comparison.differences import Items
from rnn_core.comparison.policies import policies
from rnn_core.comparison.results import (
    SIDES,
    Candidate,
    SeedResult,
    Side,
    check_comparable,
    item_losses,
)
from rnn_core.errors import StudyError
from rnn_core.files import read_json, write_json
from rnn_core.study import Study, read_study
from rnn_core.tasks import get_task
from rnn_core.tasks.base.task import Metric
from rnn_core.training.evaluation import read_items
from rnn_core.training.run_folder import Cost, read_prepared, seed_name, sizes_in
from rnn_core.training.tuning import Tuned


def compare(layout: Layout, dataset: str) -> None:
    """Write `comparisons/<dataset>.json` from the evaluations of exactly the study's cells."""
    study = read_study(layout.folder)
    check_cells(layout, study, dataset)
    candidates = read_candidates(layout, study, dataset)
    check_comparable(candidates)
    data, meta = read_prepared(layout.prepared(dataset))
    kind = get_task(study.section(dataset).task)
    task = kind(meta, study.parameters(dataset, "model", kind.ModelParameters))
    metric, baselines = task.metric, task.baselines(data)
    margin = study.section(dataset).margin or kind.margin
    items = {side: read_losses(layout, dataset, candidates, metric, side) for side in SIDES}
    decision, standings = decide(candidates, items, metric, margin)
    advice = policies(candidates, metric, margin, baselines, decision.champion)
    comparison: dict[str, Any] = {
        "task": study.section(dataset).task,
        "metric": asdict(metric),
        "margin": margin,
        "device": candidates[0].device,
        "items": meta["items"],
        **asdict(decision),
        "candidates": {c.name: summarise(c, standings.get(c.name)) for c in candidates},
        "policies": {name: asdict(policy) for name, policy in advice.items()},
        "baselines": baselines,
        "optimum": task.optimum(),
    }
    layout.comparison(dataset).parent.mkdir(exist_ok=True)
    write_json(layout.comparison(dataset), comparison)


def check_cells(layout: Layout, study: Study, dataset: str) -> None:
    """Refuse evaluations that are missing or left over.

    Raises:
        StudyError: If there are any.
    """
    folder = layout.evaluation(dataset, "any").parent
    inside = [path.name for path in folder.iterdir()] if folder.exists() else []
    there = {name for name in inside if not name.startswith(".")}  # DVC keeps .gitignore there
    if missing := sorted(set(study.cells) - there):
        raise StudyError(f"{folder} lacks {', '.join(missing)}; run `gatewise run`")
    if left_over := sorted(there - set(study.cells)):
        raise StudyError(
            f"{folder} has {', '.join(left_over)}, which params.yaml does not name; "
            "run `gatewise prune`"
        )


def read_candidates(layout: Layout, study: Study, dataset: str) -> list[Candidate]:
    """Read the evaluations of all sizes of all cells of a dataset."""
    seeds = study.seeds_of(dataset)
    sizes = {size if isinstance(size, str) else f"{size:g}" for size in study.sizes_of(dataset)}
    candidates = []
    for cell in study.cells_of(dataset):
        folder = layout.evaluation(dataset, cell)
        found = [read_candidate(folder / str(size), seeds) for size in sizes_in(folder)]
        if {name for candidate in found for name in candidate.sizes} != sizes:
            raise StudyError(
                f"{folder} has not exactly the sizes of params.yaml; run `gatewise run`"
            )
        candidates += found
    return candidates


def read_candidate(folder: Path, wanted: tuple[int, ...]) -> Candidate:
    """Read the evaluation of a cell at one size.

    Raises:
        StudyError: If its seeds are not those that are wanted.
    """
    content = read_json(folder / "scores.json")
    seeds = tuple(SeedResult(**seed) for seed in content["seeds"])
    if tuple(seed.seed for seed in seeds) != wanted:
        raise StudyError(f"{folder} has not exactly the seeds of params.yaml; run `gatewise run`")
    return Candidate(
        cell=content["cell"],
        hidden_size=content["hidden_size"],
        sizes=tuple(content["sizes"]),
        deviations=content["deviations"],
        device=content["device"],
        data=content["data"],
        cost=Cost(**content["cost"]),
        seeds=seeds,
        tuning=Tuned(**content["tuning"]) if content["tuning"] else None,
    )


def read_losses(
    layout: Layout, dataset: str, candidates: Sequence[Candidate], metric: Metric, side: Side
) -> Items | None:
    """Read the losses of the items of a side; None if no candidate is complete."""
    scores = [
        [
            read_items(
                layout.evaluation(dataset, candidate.cell)
                / str(candidate.hidden_size)
                / f"{seed_name(seed.seed)}.safetensors",
                side,
            )
            for seed in candidate.seeds
        ]
        for candidate in eligible(candidates)
    ]
    return item_losses(scores, metric) if scores else None
