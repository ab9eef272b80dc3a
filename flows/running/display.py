"""Show the progress of a run: a bar on a terminal, lines elsewhere."""

import threading

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from flows.running.time_left import TimeLeft
from flows.tracking.projection import GrowingSeed
from flows.trainings.identity import title

BAR_WIDTH = 12
"""Leaves room for names and the time left in 80 characters."""

TRAININGS = "trainings"
"""Label of the bar of the trainings."""


class LeftColumn(ProgressColumn):
    """The time left for the trainings, next to their bar."""

    def __init__(self, time_left: TimeLeft | None) -> None:
        super().__init__(Column(no_wrap=True))
        self.time_left = time_left

    def render(self, task: Task) -> Text:
        """Show it next to the bar of the trainings, and nothing next to other bars."""
        is_theirs = self.time_left is not None and task.description == TRAININGS
        return Text(self.time_left.in_words() if self.time_left and is_theirs else "")


class Display:
    """Shows the progress of a run; several threads may use it.

    Args:
        total: Tasks of the run.
        console: The console to show it on; standard error if None.
        time_left: Estimates the time left for the trainings; None: no estimate is shown.
    """

    def __init__(
        self, total: int, console: Console | None = None, time_left: TimeLeft | None = None
    ) -> None:
        self.time_left = time_left
        self.console = console or Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(BAR_WIDTH), MofNCompleteColumn())
        times = (TimeElapsedColumn(), LeftColumn(time_left))
        self.progress = Progress(*columns, *times, console=self.console, transient=True)
        self.tasks = self.progress.add_task("tasks", total=total)
        self.trainings = self.progress.add_task(TRAININGS, total=0, visible=False)
        self.seeds: dict[str, TaskID] = {}
        self.expected: dict[str, int] = {}
        self.lock = threading.Lock()

    def __enter__(self) -> "Display":
        if self.console.is_terminal:
            self.progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.console.is_terminal:
            self.progress.stop()

    def ended(self, name: str, outcome: str | None) -> None:
        """Count a task that ended, and print its outcome, unless that is None."""
        with self.lock:
            self.progress.advance(self.tasks)
            if outcome is not None:
                bar = self.progress.tasks[0]
                count = f"[{bar.completed:.0f}/{bar.total:.0f}]"
                left = self.time_left.in_words() if self.time_left else ""
                line = f"{count} {name}: {outcome}" + (f" ({left})" if left else "")
                self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def tell(self, what: str) -> None:
        """Print a line of text between the lines of outcomes."""
        with self.lock:
            self.console.print(what, markup=False, highlight=False, soft_wrap=True)

    def expect(self, dataset: str, trainings: int) -> None:
        """Show that there can be this many more trainings of a dataset."""
        with self.lock:
            before = self.expected.get(dataset, 0)
            total = (self.progress.tasks[self.trainings].total or 0) + trainings - before
            self.expected[dataset] = trainings
            self.progress.update(self.trainings, total=total, visible=total > 0)
        if self.time_left:
            self.time_left.expect(dataset, trainings)

    def trained(self, dataset: str) -> None:
        """Count a training of a dataset that ended or failed."""
        with self.lock:
            self.expected[dataset] = max(0, self.expected.get(dataset, 0) - 1)
            self.progress.advance(self.trainings)
        if self.time_left:
            self.time_left.trained(dataset)

    def growth(self, seeds: list[GrowingSeed]) -> None:
        """Show the progress of each seed that is being trained."""
        with self.lock:
            for gone in set(self.seeds) - {seed.key for seed in seeds}:
                self.progress.remove_task(self.seeds.pop(gone))
            for seed in seeds:
                if seed.key not in self.seeds:
                    name = f"  {title(seed.config)}"
                    total = seed.config.training["epochs"]
                    self.seeds[seed.key] = self.progress.add_task(name, total=total)
                self.progress.update(self.seeds[seed.key], completed=len(seed.records))
