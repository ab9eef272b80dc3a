"""A crew that trains nothing: trainings end when a test says so, with scores that are made up."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from flows.trainings.dataset import CodeOfCells
from flows.trainings.entries import RESULT, Evaluation
from flows.trainings.identity import Opened, Work, evaluation_identity
from flows.trainings.planner import DatasetPlan
from flows.trainings.store import Store
from rnn_core.comparison.candidates import SeedResult
from rnn_core.comparison.ensembles import ITEMS
from rnn_core.diagnostics.findings import SeedFindings
from rnn_core.metric import Metric, ScoredSplit
from rnn_core.records import write_record
from rnn_core.study import Seeds, is_for_tuning
from rnn_core.training.item_scores import ItemScores, write_items
from rnn_core.training.run_folder import SUMMARY, Cost, RunConfig, Summary, write_config
from rnn_core.training.rung import Rung
from rnn_core.training.search_space import Dimension

NUM_ITEMS = 8
COSTS = {"gru": 30, "lstm": 40}
RUNG = (Rung(hidden_size=4, sizes=("equal",), deviations={}),)
OPENED = Opened(
    dataset="sales",
    task="forecasting",
    device="cpu",
    data="d" * 64,
    metric=Metric("mse", "", "lower"),
    margin=1e9,
    items=4,
    model={"hidden_size": 4, "dropout": 0.1},
    training={"epochs": 10, "learning_rate": 0.01, "clip_norm": 1.0},
    rungs={"gru": RUNG, "lstm": RUNG},
    references={},
    torch="2.0",
    threads=1,
)
CODE = CodeOfCells(
    trains={"gru": "g", "lstm": "l"},
    evaluates={"gru": "eg", "lstm": "el"},
    together={"gru": "tg", "lstm": "tl"},
    gpu="gpu",
    divides="divides",
)
DROPOUT = Dimension(own=0.1, low=0.0, high=0.5, logarithmic=False)


def by_identity(config: RunConfig) -> float:
    """A score that is chance, but always the same."""
    return float(int(config.identity[:4], 16))


@dataclass(frozen=True)
class Scores:
    """Scores of models on both splits; scores on the test set differ by `test`."""

    validation: Callable[[RunConfig], float] = by_identity
    test: float = 0.25

    def put(self, store: Store, config: RunConfig, place: Path) -> None:
        """Keep a training and its evaluation in the store, as a worker does."""
        folder = place / config.identity
        folder.mkdir(parents=True, exist_ok=True)
        score = self.validation(config)
        summary = Summary(status="finished", epochs=1, steps=2, best_epoch=1, best_score=score)
        write_record(folder / SUMMARY, summary)
        cost = Cost(parameters=1, recurrent_parameters=1, multiply_accumulates=COSTS[config.cell])
        write_config(folder, config, cost)
        store.put("training", config.identity, folder)
        if not is_for_tuning(config.seed):
            key = evaluation_identity(config.identity, CODE.evaluates[config.cell])
            store.put("evaluation", key, self.evaluation(config, place / "evaluated" / key))

    def evaluation(self, config: RunConfig, folder: Path) -> Path:
        """The evaluation of a training, in a folder."""
        folder.mkdir(parents=True)
        score, seed = self.validation(config), config.seed
        found = Evaluation(
            metric=OPENED.metric,
            scores=SeedResult(seed=seed, epochs=1, steps=2, validation=score, test=self.test),
            validation_loss=None,
            most_steps=1,
            findings=SeedFindings(before={}, after=None, clipped_share=(self.test,)),
            illustration={"test": self.test},
        )
        write_record(folder / RESULT, found)
        on: dict[ScoredSplit, float] = {"validation": score, "test": self.test}
        items = {
            split: ItemScores(values=mean + self.noise(config, split), weights=np.ones(NUM_ITEMS))
            for split, mean in on.items()
        }
        write_items(folder / ITEMS, items)
        return folder

    def noise(self, config: RunConfig, split: ScoredSplit) -> npt.NDArray[np.float64]:
        """Effects of items, the same for all seeds of a candidate."""
        number = int(self.test) if split == "test" else 0
        generator = np.random.default_rng([number, COSTS[config.cell]])
        found = generator.normal(size=NUM_ITEMS)
        return np.asarray(found - found.mean())


@dataclass
class Crew:
    """Trains nothing; trainings end when the test says so, or at once."""

    store: Store
    place: Path
    at_once: bool = True
    scores: Scores = Scores()
    running: dict[str, tuple[Work, Future]] = field(default_factory=dict)
    begun: list[RunConfig] = field(default_factory=list)
    has_begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def expect(self, dataset, trainings):
        """Nobody watches."""

    def tell(self, text):
        """Nobody reads."""

    def train(self, work: Work) -> Future:
        future: Future = Future()
        self.begun.append(work.config)
        self.running[f"{work.config.cell} {work.config.seed}"] = work, future
        if self.at_once:
            self.end(f"{work.config.cell} {work.config.seed}")
        self.has_begun.release()
        return future

    def end(self, name: str, error: Exception | None = None, *, stores: bool = True) -> None:
        work, future = self.running.pop(name)
        if error:
            future.set_exception(error)
            return
        if stores:
            self.scores.put(self.store, work.config, self.place)
        future.set_result(None)


def plan(first=2, most=None, *, margin=1e9, members=1, tunes=None):
    return DatasetPlan(
        candidates=OPENED.candidates,
        seeds=Seeds(first=first, most=most or first),
        margin=margin,
        members=members,
        metric=OPENED.metric,
        tunes=tunes,
    )
