"""The race of a dataset's trainings: when it ends, what is said of it, and what is known of it."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from idle_crew import COSTS, DROPOUT, NUM_ITEMS, OPENED, Crew, Scores, by_identity, plan

from flows.trainings.dataset import Trainings
from flows.trainings.planner import Asked, Tunes
from flows.trainings.store import Store
from rnn_core.metric import Metric, Reached
from rnn_core.study import Tuning, is_for_tuning
from rnn_core.training.run_folder import RunConfig
from rnn_core.training.rung import Rung


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
    told: list[tuple[float, int]] = []
    trainings = trainings_of(plan(first=3, most=5, margin=0.01))
    trainings.do(crew, lambda smallest: told.append((smallest, len(crew.begun))))
    ((said, begun),) = told
    assert begun == 6
    config = {c.cell: c for c in crew.begun}
    gru, lstm = (crew.scores.noise(config[cell], "validation") for cell in ("gru", "lstm"))
    assert said == pytest.approx(2.5 * np.std(gru - lstm, ddof=1) / NUM_ITEMS**0.5, rel=1e-12)
    again: list[float] = []
    trainings_of(plan(first=3, most=5, margin=0.01)).do(crew, again.append)
    assert again == [], "all that was wanted was there"


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
    told: list[float] = []
    found = trainings.do(crew, told.append)
    assert len(found.failed["gru-8"]) == 3, "gru-8 was not tuned again"
    (said,) = told
    apart = 4 * crew.scores.noise(crew.begun[0], "validation") / crew.begun[0].model["hidden_size"]
    assert said == pytest.approx(2.5 * np.std(apart, ddof=1) / NUM_ITEMS**0.5, rel=1e-12)


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
