"""Get all trainings of a dataset: ask the planner, look in the store, train what is missing."""

import queue
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from flows.layout import Layout
from flows.trainings.crew import Crew, Ending
from flows.trainings.entries import RESULT, Evaluation
from flows.trainings.identity import Opened, Work, evaluation_identity
from flows.trainings.planner import Asked, DatasetPlan, Ended, Look, Sizing, Tunes, look
from flows.trainings.store import Store
from rnn_core.comparison.ensembles import ENSEMBLE, ITEMS, EnsembleScores
from rnn_core.metric import Division, Reached
from rnn_core.records import parse_record
from rnn_core.study import Study
from rnn_core.training.run_folder import CONFIG, SUMMARY, Summary, WrittenConfig
from rnn_core.training.search_space import own_values, search_space

if TYPE_CHECKING:
    from rnn_core.comparison.race import Trained


@dataclass(frozen=True)
class CodeOfCells:
    """Fingerprints of the code that works on a dataset, by cell.

    Attributes:
        trains: The code that trains.
        evaluates: The code that evaluates.
        together: The code that scores an ensemble, or a training on another division of the data.
        gpu: The additional code that runs on a GPU; the same for all cells.
        divides: The code that divides the data differently for a refit; the same for all cells.
    """

    trains: Mapping[str, str]
    evaluates: Mapping[str, str]
    together: Mapping[str, str]
    gpu: str
    divides: str

    def training(self, cell: str, device: str, division: Division = "prepared") -> str:
        """Fingerprint of the code that trains a cell on a device and a division of the data."""
        trains = self.on(device, self.trains[cell])
        return trains if division == "prepared" else f"{trains} {self.divides}"

    def evaluation(self, cell: str, device: str, division: Division = "prepared") -> str:
        """Fingerprint of the code that evaluates a training of a cell on a kind of device.

        A training on another division of the data is scored by the code that scores ensembles.
        """
        if division != "prepared":
            return self.ensemble(cell, device)
        return self.on(device, self.evaluates[cell])

    def ensemble(self, cell: str, device: str) -> str:
        """Fingerprint of the code that scores several trainings of a cell as an ensemble."""
        return self.on(device, self.together[cell])

    def on(self, device: str, code: str) -> str:
        """Add the fingerprint of the code for GPUs, if the device is one."""
        return f"{code} {self.gpu}" if device == "cuda" else code


@dataclass
class Trainings:
    """The trainings of a dataset.

    Attributes:
        layout: Of the study.
        opened: What they have in common.
        plan: The candidates, seeds and rules of the study.
        code: Fingerprints of the code.
        store: Where they are kept.
        ended: Those that have ended.
        lacking: Those that the store did not have; it is asked for each only once.
    """

    layout: Layout
    opened: Opened
    plan: DatasetPlan
    code: CodeOfCells
    store: Store
    ended: dict[Asked, Ended] = field(default_factory=dict)
    lacking: set[Asked] = field(default_factory=set)

    def work(self, asked: Asked) -> Work:
        """Collect what a worker needs for a training.

        Trials are not evaluated. A training that used the validation set is evaluated later, since
        only the test set is left for it.
        """
        device = self.opened.device
        code = self.code.training(asked.cell, device, asked.division)
        later = asked.is_trial or asked.division == "refit"
        evaluates = None if later else self.code.evaluation(asked.cell, device, asked.division)
        config = self.opened.config(asked, code)
        return Work(layout=self.layout, config=config, evaluates=evaluates)

    def look(self) -> Look:
        """Ask the planner which trainings come next, and take those from the store that it has."""
        while True:
            found = look(self.plan, self.ended)
            new = [asked for asked in found.wanted if asked not in self.lacking]
            there = [asked for asked in new if self.take(asked)]
            if not there:
                return found

    def take(self, asked: Asked) -> bool:
        """Take a training from the store, if it is there."""
        there = self.has(self.work(asked))
        if there:
            self.read(asked)
        else:
            self.lacking.add(asked)
        return there

    def has(self, work: Work) -> bool:
        """Return whether the store has a training, and its evaluation if it needs one."""
        identity = work.config.identity
        if not self.store.has("training", identity):
            return False
        if work.evaluates is None:
            return True
        return self.store.has("evaluation", evaluation_identity(identity, work.evaluates))

    def read(self, asked: Asked) -> None:
        """Read from the store how a training ended.

        Also remove its working folder, which a worker leaves if it is killed just after it has
        put the training into the store.

        Raises:
            StoreError: If it is not there.
        """
        work = self.work(asked)
        identity = work.config.identity
        summary = parse_record(self.store.read("training", identity, SUMMARY), Summary, SUMMARY)
        config = self.store.read("training", identity, CONFIG)
        reached, trained = (None, None) if work.evaluates is None else self.on_validation(work)
        self.ended[asked] = Ended(
            score=summary.best_score,
            epochs=summary.epochs,
            steps=summary.steps,
            cost=parse_record(config, WrittenConfig, CONFIG).cost.multiply_accumulates,
            trained=trained,
            reached=reached,
            kept=summary.best_epoch,
        )
        shutil.rmtree(self.layout.training / identity, ignore_errors=True)

    def on_validation(self, work: Work) -> "tuple[Reached | None, Trained]":
        """Read only that part of a training's evaluation that is about the validation set."""
        from rnn_core.comparison.race import Trained, trained  # noqa: PLC0415 - has NumPy, and SciPy
        from rnn_core.training.item_scores import items_of  # noqa: PLC0415 - has NumPy

        assert work.evaluates is not None
        key = evaluation_identity(work.config.identity, work.evaluates)
        reached = self.reached(work.config.division, key)
        if reached is None:
            return None, Trained(loss=None, items=None)
        items = items_of(self.store.read("evaluation", key, ITEMS), "validation", ITEMS)
        return reached, trained(reached.score, items, self.opened.metric)

    def reached(self, division: Division, key: str) -> Reached | None:
        """Read the score that a training reached; None if its evaluation says that it diverged."""
        if division == "prepared":
            content = self.store.read("evaluation", key, RESULT)
            found = parse_record(content, Evaluation, RESULT)
            score, loss = found.scores.validation, found.validation_loss
        else:
            content = self.store.read("evaluation", key, ENSEMBLE)
            score, loss = parse_record(content, EnsembleScores, ENSEMBLE).validation, None
        return None if score is None else Reached(score, loss)

    def do(self, crew: Crew, when_known: Callable[[float], None] = lambda smallest: None) -> Look:
        """Train what is missing, until the planner is done.

        Args:
            crew: The workers that train.
            when_known: Called once, with the smallest difference that the validation set can
                show, as soon as the first seeds tell it.

        Raises:
            Exception: The first error of a training, once the others that are running have ended.
        """
        under_way: dict[Asked, Ending] = {}
        ends: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        self.look()
        crew.expect(self.opened.dataset, self.plan.most - len(self.ended))
        looked = False
        while (found := self.look()).wanted:
            if found.racing and not looked:
                looked = True
                if (smallest := self.smallest_difference(found)) is not None:
                    when_known(smallest)
            for asked in found.wanted:
                if asked not in under_way:
                    under_way[asked] = crew.train(self.work(asked))
                    under_way[asked].add_done_callback(partial(announce, ends, asked))
            self.take_in(under_way, ends)
        crew.expect(self.opened.dataset, 0)
        return found

    def smallest_difference(self, found: Look) -> float | None:
        """Estimate the smallest difference that the validation set can show from the first seeds.

        Only seeds in the race count, and not those of a size before it was tuned again.
        """
        from rnn_core.comparison.need import smallest_difference  # noqa: PLC0415 - has NumPy
        from rnn_core.comparison.race import items_of  # noqa: PLC0415 - has NumPy

        trained: dict[str, list[Trained]] = {name: [] for name in found.racing}
        for asked in found.results:
            one, name = self.ended[asked].trained, asked.sizing.name
            if one is not None and name in trained and asked.seed < self.plan.seeds.first:
                trained[name].append(one)
        items = items_of(list(trained.values()))
        return None if items is None else smallest_difference(items)

    def take_in(self, under_way: dict[Asked, Ending], ends: "queue.SimpleQueue[Asked]") -> None:
        """Wait for the next training to end; after an error, wait for all that have begun."""
        asked = ends.get()
        try:
            under_way.pop(asked).result()
            self.read(asked)
        except Exception:
            for _ in range(len(under_way)):
                ends.get()
            raise


def announce(ends: "queue.SimpleQueue[Asked]", asked: Asked, _future: object) -> None:
    """Say that a training has ended."""
    ends.put(asked)


def plan_of(study: Study, opened: Opened) -> DatasetPlan:
    """Return the planner's input for a dataset."""
    tuning = study.tuning_of(opened.dataset)
    tunes = None
    if tuning:
        space = search_space(tuning, own_values(opened.model, opened.training))
        epochs = opened.training["epochs"]
        tunes = Tunes(dataset=opened.dataset, tuning=tuning, space=space, epochs=epochs)
    return DatasetPlan(
        candidates=opened.candidates,
        seeds=study.seeds_of(opened.dataset),
        margin=study.section(opened.dataset).margin or opened.margin,
        members=study.members_of(opened.dataset),
        metric=opened.metric,
        tunes=tunes,
        references=tuple(Sizing(n, rung.hidden_size) for n, rung in opened.references.items()),
        refit=study.champion_of(opened.dataset) if study.refit_of(opened.dataset) else None,
    )
