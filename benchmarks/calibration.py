"""How often `gatewise compare` errs on studies whose truth is known.

    python benchmarks/calibration.py [--studies 1000] [--candidates 6] [--json FILE]

Each study is a folder of generated evaluations, which the stage `compare` itself reads. A loss
of an item is the sum of what the item, the seed's order, the candidate, its seed and chance
contribute; candidates differ in nothing else but cost. Printed for each setting: in how many
studies a candidate is called inferior that is not, in how many the one that is worse is found,
in how many the rule decides and how many of these are wrong, that is, the champion is worse than
the best by more than the margin or a cheaper one would have done. The rows "until decided" add
seeds as `gatewise run --until-decided` does; looking more than once errs more often.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml

from flows.commands.more_seeds import seeds_wanted
from flows.layout import Layout
from flows.stages.compare import compare
from flows.trainings.work import refer
from rnn_core.cells import REGISTRY as CELLS
from rnn_core.comparison.candidates import Candidate, SeedResult, write_scores
from rnn_core.comparison.outcome import Comparison, read_comparison
from rnn_core.files import write_json
from rnn_core.metric import Split
from rnn_core.study import read_study
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.copy_memory import CopyData, CopyMemory, CopyMeta
from rnn_core.training.evaluation import SeedScores
from rnn_core.training.item_scores import write_items
from rnn_core.training.prepared import write_prepared
from rnn_core.training.run_folder import Cost

MARGIN = 0.02
NUM_ITEMS = 300
ITEM_SPREAD = 0.5
"""Of what items contribute, for all candidates alike."""

OWN_ITEM_SPREAD = 0.04
"""Of what an item contributes for one candidate and not for others."""

DATASET = "generated"
HIDDEN_SIZE = 8

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Studies of one kind.

    Attributes:
        name: What it is called in the table.
        num_seeds: Seeds that every candidate starts with.
        deficit: By how many margins the first candidate, the cheapest, is worse than all others.
        spread: Standard deviation over seeds of a difference between two candidates, in
            margins.
        uneven: How many times as much one candidate spreads as the others.
        max_seeds: Seeds up to which they are added while the rule abstains; 0: none are.
    """

    name: str
    num_seeds: int
    deficit: float = 0.0
    spread: float = 1.5
    uneven: float = 1.0
    max_seeds: int = 0


SETTINGS = (
    *(Setting(name="all equal", num_seeds=number) for number in (3, 5, 10)),
    *(Setting(name="equal, one spreads 4 times", num_seeds=n, uneven=4.0) for n in (3, 10)),
    *(Setting(name="one worse by 2 margins", num_seeds=n, deficit=2.0) for n in (3, 10)),
    Setting(name="equal, until decided", num_seeds=3, max_seeds=10),
    Setting(name="one worse, until decided", num_seeds=3, deficit=2.0, max_seeds=10),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the rule says of one study.

    Attributes:
        wrongly_inferior: Whether a candidate is called inferior that is not.
        found: Whether the one that is worse is called inferior.
        decided: Whether it decides.
        wrong: Whether it decides for a candidate that is more than the margin worse than the
            best, or that is dearer than one that is not.
        unfounded: Whether it decides for one although a cheaper one is not called inferior.
        num_seeds: Seeds that it came to have.
    """

    wrongly_inferior: bool
    found: bool
    decided: bool
    wrong: bool
    unfounded: bool
    num_seeds: int


def main() -> None:
    """Simulate, print a table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--candidates", type=int, default=6)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    with ProcessPoolExecutor() as pool:
        for setting in SETTINGS:
            one = partial(simulate, setting, arguments.candidates)
            outcomes = list(pool.map(one, range(arguments.studies), chunksize=8))
            rows.append(summary(setting, outcomes))
            sys.stdout.write(line(rows[-1]) + "\n")
            sys.stdout.flush()
    if arguments.json:
        write_json(arguments.json, rows)


def summary(setting: Setting, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Counts over the studies of a setting."""
    counts = {
        name: sum(getattr(outcome, name) for outcome in outcomes)
        for name in ("wrongly_inferior", "found", "decided", "wrong", "unfounded")
    }
    seeds = sum(outcome.num_seeds for outcome in outcomes) / len(outcomes)
    return {**asdict(setting), "studies": len(outcomes), **counts, "mean_seeds": seeds}


def line(row: dict[str, Any]) -> str:
    """A setting for a person."""
    counts = ", ".join(
        f"{name.replace('_', ' ')} {row[name]}"
        for name in ("wrongly_inferior", "found", "decided", "wrong", "unfounded")
    )
    return (
        f"{row['name']}, {row['num_seeds']} seeds: of {row['studies']} studies {counts}; "
        f"{row['mean_seeds']:.1f} seeds in the mean"
    )


def simulate(setting: Setting, num_candidates: int, number: int) -> Outcome:
    """Make one study and have the stage `compare` judge it.

    Args:
        setting: What kind of study.
        num_candidates: Candidates that it compares.
        number: Which of the studies of its kind; they differ by chance.
    """
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        cells = list(CELLS)[:num_candidates]
        splits = generate(setting, num_candidates, number)
        seeds = list(range(setting.num_seeds))
        while seeds:
            write_study(layout, cells, seeds, splits)
            last, plan = seeds, read_study(layout.folder)
            refer(layout, plan, DATASET, layout.reference(DATASET))
            compare(layout, plan, DATASET)
            comparison = read_comparison(layout.comparison(DATASET))
            seeds = seeds_wanted(layout, plan, DATASET, setting.max_seeds)
    return judge(setting, cells, comparison, len(last))


def generate(setting: Setting, num_candidates: int, number: int) -> list[Floats]:
    """Losses (C, S, N) of both splits, with all seeds that may be asked for.

    What a seed contributes is the same on both splits, since it is the same model.
    """
    draw = np.random.default_rng([number, setting.num_seeds]).standard_normal
    num_seeds = max(setting.num_seeds, setting.max_seeds)
    shape = (num_candidates, num_seeds, NUM_ITEMS)
    means = np.ones((num_candidates, 1, 1))
    means[0] += setting.deficit * MARGIN
    spread = np.full((num_candidates, 1, 1), setting.spread * MARGIN / 2**0.5)
    spread[-1] *= setting.uneven
    models = means + spread * draw((*shape[:2], 1)) + MARGIN * draw((1, num_seeds, 1))
    return [
        np.asarray(
            models
            + ITEM_SPREAD * draw((1, 1, NUM_ITEMS))
            + OWN_ITEM_SPREAD * draw((num_candidates, 1, NUM_ITEMS))
            + OWN_ITEM_SPREAD * draw(shape)
        )
        for _ in range(2)
    ]


def write_study(
    layout: Layout, cells: Sequence[str], seeds: Sequence[int], splits: Sequence[Floats]
) -> None:
    """Write params.yaml, the prepared data and the evaluations of a study."""
    section = {"source": "x", "task": "copy_memory", "margin": MARGIN}
    content = {
        "root": str(Path(__file__).resolve().parents[1]),
        "study": "generated",
        "seeds": list(seeds),
        "cells": list(cells),
        "sizes": ["equal"],
        "tuning": None,
        "datasets": {DATASET: {**section, "data": {}, "model": {}, "training": {}}},
    }
    (layout.folder / "x").touch()
    (layout.folder / "params.yaml").write_text(yaml.safe_dump(content))
    items: dict[Split, int] = {"validation": NUM_ITEMS, "test": NUM_ITEMS}
    meta = CopyMeta(parameters=CopyData(), symbols=["a", "b"], num_recalled=1, items=items)
    layout.prepared(DATASET).mkdir(parents=True, exist_ok=True)
    write_prepared(layout.prepared(DATASET), {"test": torch.zeros(1)}, meta)
    for place, cell in enumerate(cells):
        folder = layout.evaluation(DATASET, cell) / str(HIDDEN_SIZE)
        folder.mkdir(parents=True, exist_ok=True)
        scores = dict(each_seed(seeds, [split[place] for split in splits]))
        for seed, score in scores.items():
            write_items(folder / f"seed-{seed}.safetensors", score.items())
        write_scores(folder, evaluation_of(cell, place, scores))


def each_seed(seeds: Sequence[int], losses: Sequence[Floats]) -> Iterator[tuple[int, SeedScores]]:
    """The scores of each seed of a candidate, of its losses (S, N) on both splits."""
    for seed in seeds:
        values = [torch.from_numpy(split[seed]) for split in losses]
        validation, test = (Scores(split, torch.ones_like(split)) for split in values)
        yield seed, SeedScores(validation, test)


def evaluation_of(cell: str, place: int, scores: dict[int, SeedScores]) -> Candidate:
    """The evaluation of a candidate; each is dearer than the one before."""
    weights = 1000 + place
    cost = Cost(parameters=weights, recurrent_parameters=weights, multiply_accumulates=weights)
    seeds = tuple(
        SeedResult(
            seed=seed,
            epochs=1,
            steps=1,
            validation=score.validation.overall,
            test=score.test.overall,
        )
        for seed, score in scores.items()
    )
    return Candidate(
        cell=cell,
        hidden_size=HIDDEN_SIZE,
        sizes=("equal",),
        deviations={},
        device="cpu",
        data="generated",
        metric=CopyMemory.metric,
        cost=cost,
        seeds=seeds,
    )


def judge(
    setting: Setting, cells: Sequence[str], comparison: Comparison, num_seeds: int
) -> Outcome:
    """Compare what a comparison says with the truth."""
    names = [f"{cell}-{HIDDEN_SIZE}" for cell in cells]
    standings = [comparison.candidates[name].validation.standing for name in names]
    inferior = [standing is not None and standing.inferior for standing in standings]
    decided = comparison.decision.status == "decided"
    chosen = names.index(comparison.decision.champion or "")
    is_worse = setting.deficit > 0
    right = 1 if setting.deficit > 1 else 0
    return Outcome(
        wrongly_inferior=any(inferior[1:] if is_worse else inferior),
        found=is_worse and inferior[0],
        decided=decided,
        wrong=decided and chosen != right,
        unfounded=decided and not all(inferior[:chosen]),
        num_seeds=num_seeds,
    )


if __name__ == "__main__":
    main()
