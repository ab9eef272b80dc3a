"""The driver of a dataset's trainings: what it has done, whom it waits for, and errors."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from flows.layout import Layout
from flows.report.foresight import after_first_seeds
from flows.trainings.dataset import CodeOfCells, Trainings
from flows.trainings.entries import ITEMS, RESULT, Evaluation
from flows.trainings.identity import Opened, Work, evaluation_identity
from flows.trainings.planner import Asked, DatasetPlan, Tunes
from flows.trainings.store import Store, StoreError
from rnn_core.comparison.candidates import SeedResult
from rnn_core.diagnostics.findings import SeedFindings
from rnn_core.errors import GatewiseError, StudyError
from rnn_core.metric import Metric, Reached, ScoredSplit
from rnn_core.records import write_record
from rnn_core.study import Seeds, Tuning, is_for_tuning
from rnn_core.training.item_scores import ItemScores, write_items
from rnn_core.training.run_folder import CONFIG, SUMMARY, RunConfig
from rnn_core.training.rung import Rung
from rnn_core.training.search_space import Dimension

WAIT_SECONDS = 20
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
        summary = {"best_validation_mse": score, "epochs": 1, "steps": 2}
        (folder / SUMMARY).write_text(json.dumps(summary))
        cost = {"multiply_accumulates": COSTS[config.cell]}
        (folder / CONFIG).write_text(json.dumps({"cost": cost}))
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
    told: list[tuple[str, int]] = field(default_factory=list)
    has_begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def expect(self, dataset, trainings):
        """Nobody watches."""

    def tell(self, text):
        self.told.append((text, len(self.begun)))

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


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def trainings_of(tmp_path, store):
    return lambda plan: Trainings(Layout(tmp_path), OPENED, plan, CODE, store)


@pytest.fixture
def crew(store, tmp_path):
    return Crew(store, tmp_path / "made")


@pytest.fixture
def driving(trainings_of, crew):
    """Drives trainings in a thread of its own; tells how that went."""
    crew.at_once = False
    went: Future = Future()

    def drive():
        try:
            went.set_result(trainings_of(plan()).do(crew))
        except GatewiseError as error:
            went.set_exception(error)

    thread = threading.Thread(target=drive, daemon=True)
    thread.start()
    for _ in range(4):
        assert crew.has_begun.acquire(timeout=WAIT_SECONDS)
    yield went
    thread.join(WAIT_SECONDS)
    assert not thread.is_alive()


def test_everything_that_is_asked_for_is_trained_once(trainings_of, crew, store):
    found = trainings_of(plan()).do(crew)
    expected = [Asked(cell, 4, seed) for cell in ("gru", "lstm") for seed in (0, 1)]
    assert found.results == expected
    assert [(c.cell, c.seed) for c in crew.begun] == [(a.cell, a.seed) for a in expected]
    assert store.identities("training") == sorted(c.identity for c in crew.begun)


def test_what_the_store_has_is_not_trained(trainings_of, crew):
    first = trainings_of(plan()).do(crew)
    crew.begun.clear()
    assert trainings_of(plan()).do(crew) == first
    assert crew.begun == []
    more = trainings_of(plan(first=3)).do(crew)
    assert [(c.cell, c.seed) for c in crew.begun] == [("gru", 2), ("lstm", 2)]
    assert len(more.results) == 6


def test_training_of_other_code_is_another(trainings_of, crew):
    trainings_of(plan()).do(crew)
    crew.begun.clear()
    changed = trainings_of(plan())
    changed.code = replace(CODE, trains={"gru": "g", "lstm": "new"})
    changed.do(crew)
    assert [(c.cell, c.seed) for c in crew.begun] == [("lstm", 0), ("lstm", 1)]


def test_trials_go_on_from_those_that_the_store_has(trainings_of, crew, store, tmp_path):
    """As after a kill: of the tuning, only what is missing is trained, and it ends the same."""
    tuning = Tuning(trials=3, share=0.5, finalists=1, dropout=(0.0, 0.5))
    space = {"dropout": DROPOUT}
    tuned = plan(tunes=Tunes(dataset="sales", tuning=tuning, space=space, epochs=10))
    whole = trainings_of(tuned).do(crew)
    assert {c.training["epochs"] for c in crew.begun if is_for_tuning(c.seed)} == {5, 10}
    done = list(crew.begun)
    other = Store(str(tmp_path / "other"))
    for config in done[:5]:
        Scores().put(other, config, tmp_path / "again")
    resumed, again = trainings_of(tuned), Crew(other, tmp_path / "rest")
    resumed.store = other
    assert resumed.do(again) == whole
    assert {c.identity for c in again.begun} == {c.identity for c in done[5:]}


def close(config: RunConfig) -> float:
    """Scores by which nothing is decided before there are five seeds or more."""
    return np.random.default_rng([config.seed, COSTS[config.cell]]).normal()


def far(config: RunConfig) -> float:
    """Scores by which the dearer cell is the better one, without a doubt."""
    return close(config) + (1000.0 if config.cell == "gru" else 0.0)


def test_race_ends_as_soon_as_one_is_safe(trainings_of, crew):
    crew.scores = Scores(far)
    found = trainings_of(plan(first=3, most=10, margin=9.0)).do(crew)
    assert sorted((c.cell, c.seed) for c in crew.begun) == [
        (cell, seed) for cell in ("gru", "lstm") for seed in range(3)
    ]
    assert not found.members


def test_chosen_candidate_alone_is_trained_on_for_an_ensemble(trainings_of, crew):
    crew.scores = Scores(far)
    found = trainings_of(plan(first=3, most=10, margin=9.0, members=5)).do(crew)
    assert [(c.cell, c.seed) for c in crew.begun[6:]] == [("lstm", 3), ("lstm", 4)]
    assert found.members == [Asked("lstm", 4, seed) for seed in range(5)]
    assert len(found.results) == 6


def test_race_goes_on_where_nothing_is_safe(trainings_of, crew):
    crew.scores = Scores(close)
    trainings_of(plan(first=3, most=5, margin=0.01)).do(crew)
    assert [c.seed for c in crew.begun] == [0, 1, 2, 0, 1, 2, 3, 3, 4, 4]


def test_what_items_tell_is_said_once_after_the_first_look(trainings_of, crew):
    """By the differences of the candidates' items, and of no training that comes after it."""
    crew.scores = Scores(close)
    trainings = trainings_of(plan(first=3, most=5, margin=0.01))
    trainings.do(crew)
    ((told, begun),) = crew.told
    assert begun == 6
    config = {c.cell: c for c in crew.begun}
    gru, lstm = (crew.scores.noise(config[cell], "validation") for cell in ("gru", "lstm"))
    smallest = 2.5 * np.std(gru - lstm, ddof=1) / NUM_ITEMS**0.5
    assert told == f"sales: {after_first_seeds(OPENED.metric, 0.01, OPENED.items, smallest)}"
    crew.told.clear()
    trainings_of(plan(first=3, most=5, margin=0.01)).do(crew)
    assert crew.told == [], "all that was wanted was there"


@dataclass(frozen=True)
class GivenUp(Scores):
    """Of two sizes, the larger fails with the values that its first search comes to.

    Attributes:
        first: The value that the first training of the larger was given; it is then known.
    """

    first: list[float] = field(default_factory=list)

    def fails(self, config: RunConfig) -> bool:
        if is_for_tuning(config.seed) or config.model["hidden_size"] == 4:
            return False
        if not self.first:
            self.first.append(config.model["dropout"])
        return self.first == [config.model["dropout"]]

    def put(self, store, config, place):
        chance = np.random.default_rng([config.seed, config.model["hidden_size"]]).normal()
        better = 10.0 if is_for_tuning(config.seed) and self.first else 0.0
        score = 1000.0 if self.fails(config) else chance - better
        Scores.put(replace(self, validation=lambda _: score), store, config, place)

    def noise(self, config, split):
        scale = 100.0 if self.fails(config) else config.model["hidden_size"]
        return scale * Scores.noise(self, config, split)


def test_what_items_tell_is_said_by_the_seeds_that_race(trainings_of, crew):
    """Those of a size that was tuned again with the values that were given up are none."""
    tuning = Tuning(trials=3, share=0.5, finalists=1, dropout=(0.0, 0.5))
    tunes = Tunes(dataset="sales", tuning=tuning, space={"dropout": DROPOUT}, epochs=10)
    sizes = tuple(Rung(hidden_size=size, sizes=("equal",), deviations={}) for size in (4, 8))
    opened = replace(OPENED, rungs={"gru": sizes})
    wanted = replace(plan(3, 5, margin=0.01, tunes=tunes), candidates=opened.candidates)
    trainings, crew.scores = trainings_of(wanted), GivenUp()
    trainings.opened = opened
    found = trainings.do(crew)
    assert len(found.failed["gru-8"]) == 3, "gru-8 was not tuned again"
    ((told, _),) = crew.told
    apart = 4 * crew.scores.noise(crew.begun[0], "validation") / crew.begun[0].model["hidden_size"]
    smallest = 2.5 * np.std(apart, ddof=1) / NUM_ITEMS**0.5
    assert told == f"sales: {after_first_seeds(OPENED.metric, 0.01, OPENED.items, smallest)}"


@pytest.mark.parametrize("scores", [close, far, by_identity])
def test_nothing_of_the_test_set_reaches_the_planner(trainings_of, store, tmp_path, scores):
    """With other test scores, items, findings and illustrations the same is known and asked for."""
    wanted = plan(first=3, most=6, margin=1.0, members=4)
    runs = []
    for place, test in enumerate((0.25, 77777.0)):
        own = Store(str(tmp_path / f"store {place}"))
        crew = Crew(own, tmp_path / f"made {place}", scores=Scores(scores, test))
        trainings = trainings_of(wanted)
        trainings.store = own
        found = trainings.do(crew)
        runs.append((found, [c.identity for c in crew.begun], known_of(trainings)))
    assert runs[0] == runs[1]


def known_of(trainings: Trainings) -> dict[Asked, tuple[object, ...]]:
    """All that the planner may know of each training, as something that can be compared."""
    found: dict[Asked, tuple[object, ...]] = {}
    for asked, end in trainings.ended.items():
        assert end.trained is not None
        assert end.trained.items is not None
        items = tuple(end.trained.items.values.tolist())
        found[asked] = (end.score, end.epochs, end.steps, end.cost, end.trained.loss, items)
    return found


@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_planner_is_told_losses(trainings_of, crew, direction):
    """Of the whole validation set and of each item, whichever scores are better."""
    trainings = trainings_of(plan())
    metric = Metric("mse", "", direction)
    trainings.opened = replace(OPENED, metric=metric)
    trainings.do(crew)
    asked = Asked("gru", 4, 0)
    score = by_identity(trainings.work(asked).config)
    end = trainings.ended[asked]
    assert end.score == score
    assert end.reached == Reached(score)
    assert end.cost == COSTS["gru"]
    assert end.trained.loss == metric.loss(score)
    assert end.trained.items.values.mean() == pytest.approx(metric.loss(score))


def test_error_is_raised_once_all_others_have_ended(driving, crew):
    crew.end("gru 1", StudyError("first"))
    crew.end("gru 0")
    assert not driving.done()
    crew.end("lstm 0", StudyError("second"))
    crew.end("lstm 1")
    with pytest.raises(StudyError, match="first"):
        driving.result(WAIT_SECONDS)
    assert len(crew.begun) == 4


def test_what_ended_before_an_error_is_kept(driving, crew, trainings_of):
    for name in ("lstm 1", "gru 0"):
        crew.end(name)
    for name in ("gru 1", "lstm 0"):
        crew.end(name, StudyError("lost"))
    with pytest.raises(StudyError, match="lost"):
        driving.result(WAIT_SECONDS)
    crew.begun.clear()
    crew.at_once = True
    trainings_of(plan()).do(crew)
    assert [(c.cell, c.seed) for c in crew.begun] == [("gru", 1), ("lstm", 0)]


def test_training_that_ended_without_a_trace_is_an_error(driving, crew):
    """Else it would be begun again and again."""
    crew.end("gru 0", stores=False)
    for name in ("gru 1", "lstm 0", "lstm 1"):
        crew.end(name)
    with pytest.raises(StoreError, match="is not in the store"):
        driving.result(WAIT_SECONDS)


@pytest.mark.parametrize(("device", "code"), [("cpu", "g"), ("cuda", "g gpu")])
def test_code_for_gpus_is_part_of_trainings_there_alone(device, code):
    assert CODE.training("gru", device) == code
    assert CODE.evaluation("gru", device) == f"e{code}"
    assert CODE.ensemble("gru", device) == CODE.evaluation("gru", device, "refit") == f"t{code}"
    assert CODE.training("gru", device, "refit") == f"{code} divides"


def test_store_is_asked_once_for_each_training(trainings_of, crew, store, monkeypatch):
    """A store may be far away, and the planner looks again after each end."""
    asked = []
    has = Store.has
    monkeypatch.setattr(Store, "has", lambda self, *what: asked.append(what) or has(self, *what))
    trainings_of(plan(first=5)).do(crew)
    assert len(asked) == len(set(asked)) == 10


def test_what_a_worker_left_of_a_stored_training_is_removed(trainings_of, crew, store, tmp_path):
    """It may be killed after it put the training into the store, before it tidied up."""
    first = trainings_of(plan())
    left = Layout(tmp_path).training / first.work(Asked("gru", 4, 0)).config.identity
    first.do(crew)
    left.mkdir(parents=True)
    (left / SUMMARY).touch()
    trainings_of(plan()).do(crew)
    assert not left.exists()


@pytest.mark.parametrize(("process", "stays"), [("self", True), ("gone", False)])
def test_what_a_killed_process_left_of_a_put_is_removed(store, tmp_path, process, stays):
    """By the next put of the same entry; one that is still written to stays."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    identity, number = "a" * 64, os.getpid() if process == "self" else dead.pid
    left = tmp_path / f"store/unfinished/{identity}.{number}.0.{socket.gethostname()}"
    left.mkdir(parents=True)
    (tmp_path / "entry").mkdir()
    (tmp_path / "entry/weights").touch()
    store.put("training", identity, tmp_path / "entry")
    assert left.exists() == stays
