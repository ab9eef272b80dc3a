"""A study that nobody trained: what its stages would leave, with every way it can go wrong."""

import json
import math
import pickle
import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from usual_study import USUAL

from flows.layout import Layout
from flows.report import page
from flows.stages import report as stage
from rnn_core.comparison.candidates import Candidate, SeedResult
from rnn_core.comparison.outcome import Comparison, write_comparison
from rnn_core.comparison.policies import policies
from rnn_core.comparison.race import Runner, race, trained
from rnn_core.comparison.verdict import Entry, decide, summarise
from rnn_core.diagnostics.findings import (
    Findings,
    GradientByLag,
    LayerFindings,
    SaturatedShare,
    SeedFindings,
    write_findings,
)
from rnn_core.metric import SCORED, Metric
from rnn_core.study import Seeds
from rnn_core.training.illustration import (
    Confusion,
    Continuation,
    Forecasts,
    Pair,
    Pairs,
    Series,
    Texts,
    write_illustration,
)
from rnn_core.training.item_scores import ItemScores
from rnn_core.training.run_folder import METRICS, Cost, seed_folder
from rnn_core.training.tuning import Finalist, Round, Tuned

ACCURACY = Metric("accuracy", "accuracy", "higher", "share of items <that> are right")
SQUARES = Metric("mse", "mse", "lower")
MARGIN = 0.02
SCRIPT = "<script>document.title = 'taken over'</script> & <b>bold</b>"


@dataclass
class Dataset:
    """Files of one dataset of the study.

    Attributes:
        task: Its task.
        metric: Its metric.
        scores: Of each cell the mean score, or None where every seed diverged.
        on_test: Of each cell the mean score on the test set, if that is another.
        seeds: Seeds of each cell at first.
        most: Seeds of a cell at most; those that it starts with if None.
        diverged: Seeds that diverged, by cell, with the epoch.
        sizes: Hidden sizes of each cell.
        noise: How far seeds lie apart.
        baselines: Of the dataset.
        example: What is shown of a candidate, if anything.
        epochs: Records of each seed.
        folders: Whether runs and evaluations are there.
    """

    task: str = "sentiment"
    metric: Metric = ACCURACY
    scores: dict = field(default_factory=lambda: {"memoryless": 0.6, "gru": 0.9, "lstm": 0.8})
    on_test: dict = field(default_factory=dict)
    seeds: int = 3
    most: int | None = None
    diverged: dict = field(default_factory=dict)
    sizes: tuple = (8,)
    noise: float = 0.004
    baselines: dict = field(default_factory=lambda: {"most_frequent": 0.5})
    example: object = None
    epochs: int = 6
    folders: bool = True


SHOWN = {"seed": 0, "split": "test"}
TEXTS = Texts(**SHOWN, texts=(Continuation(prompt="the dog ", text=f"the dog {SCRIPT}"),) * 2)
PAIRS = Pairs(
    **SHOWN,
    pairs=tuple(
        Pair(source=f"a source of {i}", reference=f"a reference of {i}", output="made " * i)
        for i in range(8)
    ),
)
FORECAST = Forecasts(
    **SHOWN,
    series=tuple(
        Series(
            name=f"price in $ of {name} <i>$</i>",
            past=tuple(math.sin(i / 9) for i in range(60)),
            truth=tuple(math.sin(i / 9) for i in range(60, 84)),
            forecast=tuple(0.9 * math.sin(i / 9) for i in range(60, 84)),
        )
        for name in ("tea", "salt")
    ),
)
CONFUSION = Confusion(
    **SHOWN,
    labels=tuple(f"label_{i}" for i in range(12)),
    counts=tuple(tuple(40 if i == j else (i * j) % 5 for j in range(12)) for i in range(12)),
)
RATE = {"learning_rate": 0.00123456}
TUNED = Tuned(
    rounds=(Round(values=8, share=0.25, seeds=1), Round(values=3, share=1.0, seeds=2)),
    trials=14,
    steps=12345,
    searches=2,
    finalists=(
        Finalist(values={"learning_rate": 0.002}, mean=0.7, std=0.01),
        Finalist(values=RATE, mean=0.8123, std=0.02),
        Finalist(values={"learning_rate": 0.1}, mean=None, std=None),
    ),
    chosen=RATE,
    score=0.8123,
)

STUDY = {
    "letters": Dataset(task="text_generation", example=TEXTS),
    "prices": Dataset(
        task="forecasting",
        metric=SQUARES,
        scores={"memoryless": 0.4, "gru": 0.2, "lstm": 0.21},
        seeds=1,
        baselines={"linear": 0.1},
        example=FORECAST,
        sizes=(8, 16),
    ),
    "sounds": Dataset(
        task="speech_recognition", seeds=5, diverged={"lstm": {3: 2}}, example=CONFUSION
    ),
    "phrases": Dataset(
        task="translation",
        scores={"memoryless": 0.5, "gru": 0.5, "lstm": 0.5},
        noise=0.0,
        example=PAIRS,
    ),
    "lost": Dataset(scores={"memoryless": None, "gru": None, "lstm": None}),
    "one_lost": Dataset(scores={"memoryless": 0.5, "gru": 0.7, "lstm": None}),
    "bare": Dataset(baselines={}, folders=False),
    "close": Dataset(
        scores={"memoryless": 0.6, "gru": 0.8, "lstm": 0.81}, noise=0.05, most=5, diverged={}
    ),
    "turned": Dataset(on_test={"gru": 0.5, "lstm": 0.7}),
    "equalled": Dataset(baselines={"naive_bayes": 0.89, "most_frequent": 0.5}),
    "lone": Dataset(scores={"gru": 0.9}),
    "thinned": Dataset(scores={"gru": 0.8, "lstm": 0.9}, diverged={"gru": {0: 2}, "lstm": {2: 3}}),
    "one_left": Dataset(scores={"memoryless": None, "gru": 0.7, "lstm": None}),
    "later": None,
}
"""Kinds of examples, one seed, a seed that diverged, a tie, all diverged, no folders, a race to its
end, a test set that contradicts, a simple baseline that is as good, a single candidate, two of
which the same seed finished only once, all diverged but one."""


def seed_results(data, cell, size, draw):
    """Results of `evaluate` for the seeds of a candidate."""
    mean, lost = data.scores[cell], data.diverged.get(cell, {})
    for seed in range(data.most or data.seeds):
        epochs = 4 if mean is None else lost.get(seed, data.epochs)
        if mean is None or seed in lost:
            yield SeedResult(seed=seed, epochs=epochs, steps=10, validation=None, test=None)
        else:
            means = (mean, data.on_test.get(cell, mean))
            validation, test = (each + data.noise * draw.uniform(-1, 1) for each in means)
            others = {"f1": test / 2}
            yield SeedResult(
                seed=seed,
                epochs=epochs,
                steps=10 * epochs,
                validation=validation,
                test=test,
                others=others,
            )


def candidates_of(data, draw):
    found = []
    for place, cell in enumerate(data.scores):
        for size in data.sizes:
            cost = Cost(
                parameters=1234 * size * (place + 1),
                recurrent_parameters=1000,
                multiply_accumulates=1000 * size * (place + 1),
            )
            seeds = tuple(seed_results(data, cell, size, draw))
            facts = {"sizes": (str(size),), "deviations": {}, "device": "cpu", "data": "d"}
            facts["metric"] = data.metric
            found.append(Candidate(cell=cell, hidden_size=size, cost=cost, seeds=seeds, **facts))
    return found


def seeds_of(data):
    """Numbers of seeds that are allowed."""
    return Seeds(first=data.seeds, most=data.most or data.seeds)


def entry_of(candidate):
    """A candidate with the items of each of its trainings, which differ alike in all of them."""
    alike = np.linspace(-0.1, 0.1, 40)

    def on(seed, split):
        score = getattr(seed, split)
        items = None if score is None else ItemScores(values=score + alike, weights=np.ones(40))
        return trained(score, items, candidate.metric)

    each = {split: [on(seed, split) for seed in candidate.seeds] for split in SCORED}
    return Entry(candidate=candidate, trained=each)


def raced(candidates, seeds):
    """The candidates with those of their seeds that the race asks for."""
    entries = [entry_of(candidate) for candidate in candidates]
    entries.sort(key=lambda entry: entry.candidate.cost.multiply_accumulates)
    runners = [Runner(name=e.candidate.name, trained=e.trained["validation"]) for e in entries]
    asked = race(runners, seeds, MARGIN).asked
    return [replace(one, seeds=one.seeds[: asked[one.name]]) for one in candidates]


def compare(layout, name, data, candidates):
    """Results of `compare`."""
    verdict = decide([entry_of(one) for one in candidates], seeds_of(data), MARGIN)
    advice = policies(candidates, MARGIN, data.baselines, verdict.decision.recommended)
    found = {c.name: summarise(c, verdict) for c in candidates}
    last = candidates[-1].name
    found[last] = replace(found[last], tuning=TUNED)
    comparison = Comparison(
        task=data.task,
        metric=data.metric,
        margin=MARGIN,
        device="cpu",
        items={"train": 12000, "validation": 1500, "test": 1500},
        decision=verdict.decision,
        effort=verdict.effort,
        evidence={split: judged.evidence for split, judged in verdict.judged.items()},
        candidates=found,
        ensemble=None,
        policies=advice,
        baselines=data.baselines,
        references={},
        optimum=None,
    )
    write_comparison(layout.comparison(name), comparison)


def by_lag(scale, reach, lags=40):
    norms = tuple(scale * 0.9**lag if lag <= reach else 0.0 for lag in range(lags))
    return GradientByLag(norm=norms, relative=tuple(norm / scale for norm in norms))


def layers(scale, reach):
    return {
        "recurrent": LayerFindings(
            gradient_by_lag=by_lag(scale, reach),
            spectral_radius={"n": 1.234567, "z": 0.9},
            saturated_share=SaturatedShare(left=0.01, right=0.0, tanh=None),
        )
    }


def train_and_evaluate(layout, name, data, candidate):
    """Results of `train` and `evaluate`, as far as the report reads them."""
    run = layout.run(name, candidate.cell)
    key = f"validation_{data.metric.name}"
    for seed in candidate.seeds:
        end = 0.1 if seed.validation is None else seed.validation
        lines = [
            {"epoch": i, "step": 10 * i, key: end * (1 - 0.5 / i) * (1 + 0.05 * math.sin(i * i))}
            for i in range(1, seed.epochs + 1)
        ]
        if seed.diverged:
            del lines[-1][key]  # it was no number
        folder = seed_folder(run, candidate.size, seed.seed)
        folder.mkdir(parents=True)
        (folder / METRICS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    place = layout.evaluation(name, candidate.cell) / candidate.size
    reach = 0 if candidate.cell == "memoryless" else 100
    seeds = {
        seed.seed: SeedFindings(
            before=layers(0.1, reach),
            after=None if seed.diverged else layers(0.02, reach),
            clipped_share=(0.25,) * seed.epochs,
        )
        for seed in candidate.seeds
    }
    place.mkdir(parents=True)
    write_findings(place, Findings(cell=candidate.cell, most_steps=256, seeds=seeds))
    write_illustration(place, data.example if candidate.finished else None)


def build(folder: Path, datasets: dict, cells: tuple = ()) -> Layout:
    """A study's folder with all that comes before `report`."""
    layout, draw = Layout(folder), random.Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.csv").write_text("text,label\n")
    cells = sorted({*cells, *(cell for data in datasets.values() if data for cell in data.scores)})
    sections = {
        name: {
            "source": "data.csv",
            "task": data.task if data else "sentiment",
            "data": {},
            "model": {},
            "training": {},
            "cells": sorted(data.scores) if data else None,
        }
        for name, data in datasets.items()
    }
    content = {**USUAL, "root": ".", "study": "made_up", "cells": cells}
    content |= {"seeds": {"first": 3, "most": 3}, "champion": "auto", "ensemble": {"members": 5}}
    (folder / "params.yaml").write_text(yaml.safe_dump(content | {"datasets": sections}))
    for name, data in datasets.items():
        candidates = candidates_of(data, draw) if data else []
        if candidates:
            candidates = raced(candidates, seeds_of(data))
            compare(layout, name, data, candidates)
        for candidate in candidates if data and data.folders else []:
            train_and_evaluate(layout, name, data, candidate)
    return layout


@pytest.fixture(scope="session")
def drawn() -> dict[bytes, Any]:
    """Every picture of the session, by the facts in it."""
    return {}


@pytest.fixture(autouse=True)
def draw_once(request, drawn, monkeypatch):
    """Draw the pictures of the same facts once in a session, except in tests of the drawing."""
    if "draw_anew" in request.fixturenames:
        return
    for module, name in ((page, "charts"), (stage, "picture")):
        monkeypatch.setattr(module, name, remembered(drawn, getattr(module, name)))


def remembered(drawn, draw):
    """A function that draws nothing twice."""

    def call(*facts):
        key = pickle.dumps((draw.__name__, facts))
        if key not in drawn:
            drawn[key] = draw(*facts)
        return drawn[key]

    return call


@pytest.fixture
def draw_anew():
    """Lets each picture be drawn where it is asked for."""


@pytest.fixture(scope="session")
def build_study():
    """Makes a study's folder from what there should be of each dataset."""
    return build


@pytest.fixture
def made_up(tmp_path) -> Layout:
    """The study with every way it can go wrong, before `report`."""
    return build(tmp_path / "study", STUDY)


@pytest.fixture(scope="session")
def every_case():
    """Files of each dataset of the study with every way it can go wrong."""
    return STUDY
