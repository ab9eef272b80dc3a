"""What a run shows while it runs: a bar on a terminal, lines elsewhere."""

import threading

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from flows.tracking.projection import GrowingSeed
from flows.trainings.identity import title


class Display:
    """The progress of a run; may be told of it from several threads.

    Args:
        total: Tasks of the run.
        console: Where to show it; standard error if None.
    """

    def __init__(self, total: int, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        times = (TimeElapsedColumn(), TimeRemainingColumn(compact=True))
        self.progress = Progress(*columns, *times, console=self.console, transient=True)
        self.tasks = self.progress.add_task("tasks", total=total)
        self.trainings = self.progress.add_task("trainings", total=0, visible=False)
        self.seeds: dict[str, TaskID] = {}
        self.lock = threading.Lock()

    def __enter__(self) -> "Display":
        if self.console.is_terminal:
            self.progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self.console.is_terminal:
            self.progress.stop()

    def ended(self, name: str, outcome: str | None) -> None:
        """Count a task that ended, and say how, unless there is nothing to say."""
        with self.lock:
            self.progress.advance(self.tasks)
            if outcome is not None:
                bar = self.progress.tasks[0]
                count = f"[{bar.completed:.0f}/{bar.total:.0f}]"
                line = f"{count} {name}: {outcome}"
                self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def tell(self, what: str) -> None:
        """Print something between the lines of what ended."""
        with self.lock:
            self.console.print(what, markup=False, highlight=False, soft_wrap=True)

    def expect(self, trainings: int) -> None:
        """Show that there will be so many trainings more, at most."""
        with self.lock:
            total = (self.progress.tasks[self.trainings].total or 0) + trainings
            self.progress.update(self.trainings, total=total, visible=total > 0)

    def trained(self) -> None:
        """Count a training that ended, or that failed."""
        with self.lock:
            self.progress.advance(self.trainings)

    def growth(self, seeds: list[GrowingSeed]) -> None:
        """Show how far each seed is that is being trained."""
        with self.lock:
            for gone in set(self.seeds) - {seed.key for seed in seeds}:
                self.progress.remove_task(self.seeds.pop(gone))
            for seed in seeds:
                if seed.key not in self.seeds:
                    name = f"  {title(seed.config)}"
                    total = seed.config.training["epochs"]
                    self.seeds[seed.key] = self.progress.add_task(name, total=total)
                self.progress.update(self.seeds[seed.key], completed=len(seed.records))
