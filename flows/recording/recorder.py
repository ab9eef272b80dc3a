"""The recording of what has run while other stages run."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from flows.layout import Layout
from flows.recording.inputs import Inputs
from flows.recording.lock_file import read_lock
from flows.recording.record import Recorded, record


@dataclass(frozen=True)
class Request:
    """Stages of a dataset that are to be recorded.

    Attributes:
        dataset: Its name; empty for the stages that are of no dataset.
        stages: Names of those that ran.
        recorded: Whether they are, once that is known.
    """

    dataset: str
    stages: Sequence[str]
    recorded: Future[bool] = field(default_factory=Future)


class Recorder:
    """Lets DVC record stages, from a thread of its own.

    All that ends while DVC is at work is recorded next, and together, since most of the time that
    DVC takes is that of its start.

    Args:
        layout: Where the study keeps things.
        inputs: What the run was begun with.

    Attributes:
        changed: Datasets of which something was edited while the run read it, so that they are
            not recorded, with what that is.
    """

    def __init__(self, layout: Layout, inputs: Inputs) -> None:
        self.layout = layout
        self.inputs = inputs
        self.changed: dict[str, list[str]] = {}
        self.before = set(read_lock(layout))
        self.waiting: list[Request] = []
        self.is_over = False
        self.condition = threading.Condition()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Record what is asked for as long as this lasts."""
        thread = threading.Thread(target=self.work, daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            self.end(drop=True)
            raise
        else:
            self.end(drop=False)
        finally:
            thread.join()

    def end(self, *, drop: bool) -> None:
        """Take on no more; what waits is still recorded unless it is to be dropped."""
        with self.condition:
            self.is_over = True
            for request in self.waiting if drop else []:
                request.recorded.cancel()
            if drop:
                self.waiting.clear()
            self.condition.notify()

    def ask(self, dataset: str, stages: Sequence[str]) -> Future[bool]:
        """Have stages recorded.

        Args:
            dataset: Name of the dataset; empty for the stages that are of no dataset.
            stages: Names of those that ran.

        Returns:
            Whether they are recorded, or nothing was to be; not if the dataset was edited. It
            fails with what DVC says, and is cancelled if the run ends before.
        """
        request = Request(dataset, stages)
        with self.condition:
            if self.is_over:
                request.recorded.cancel()
            else:
                self.waiting.append(request)
                self.condition.notify()
        return request.recorded

    def work(self) -> None:
        """Record what waits, again and again."""
        while requests := self.next_requests():
            stages = [stage for request in requests for stage in request.stages]
            try:
                found = record(self.layout, self.inputs, stages, self.before)
            except Exception as error:  # noqa: BLE001 - whoever waits for it has it
                for request in requests:
                    request.recorded.set_exception(error)
            else:
                for request in requests:
                    self.answer(request, found)

    def answer(self, request: Request, found: Recorded) -> None:
        """Tell whether stages are recorded, and note why not."""
        changed = {
            name: list(parts)
            for name, parts in found.changed.items()
            if request.dataset in {"", name} and request.stages
        }
        self.changed |= changed
        is_kept = request.dataset in found.datasets if request.dataset else not changed
        request.recorded.set_result(is_kept)

    def next_requests(self) -> list[Request]:
        """All that waits, once anything does; nothing at the end."""
        with self.condition:
            self.condition.wait_for(lambda: self.waiting or self.is_over)
            found, self.waiting = self.waiting, []
        return found
