"""Record finished stages while others run."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from flows.layout import Layout
from flows.recording.inputs import Inputs
from flows.recording.record import changed_since, prepare, unless_changed, write


@dataclass(frozen=True)
class Request:
    """Stages that are to be recorded.

    Attributes:
        stages: Names of stages that ran.
        done: Ends when DVC has recorded them, or with DVC's error.
    """

    stages: Sequence[str]
    done: Future[None] = field(default_factory=Future)


class Recorder:
    """Lets DVC record stages in a separate thread; dvc.lock is written at the end.

    DVC is slow to start, so all stages that end while it works are recorded together in its next
    call. A run that is cut off leaves dvc.lock unchanged. Otherwise the order of its stages would
    depend on when the run was cut off.

    Args:
        layout: Where the study keeps things.
        inputs: The inputs that the run began with.

    Attributes:
        changed: Datasets with an input that was edited during the run, with the parts that
            changed. They are not recorded.
    """

    def __init__(self, layout: Layout, inputs: Inputs) -> None:
        self.layout = layout
        self.inputs = inputs
        self.changed: dict[str, list[str]] = {}
        self.parts: dict[str, bytes] = {}
        self.has_failed = False
        self.waiting: list[Request] = []
        self.is_over = False
        self.condition = threading.Condition()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Record stages on request until the context ends, then write dvc.lock.

        Raises:
            StudyError: If dvc.lock is not in the form that DVC gives it.
        """
        thread = threading.Thread(target=self.work, daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            self.end(drop=True)
            thread.join()
            raise
        self.end(drop=False)
        thread.join()
        self.write()

    def end(self, *, drop: bool) -> None:
        """Accept no more requests; waiting ones are still recorded, unless `drop` is true."""
        with self.condition:
            self.is_over = True
            for request in self.waiting if drop else []:
                request.done.cancel()
            if drop:
                self.waiting.clear()
            self.condition.notify()

    def ask(self, stages: Sequence[str]) -> Future[None]:
        """Have stages recorded.

        Args:
            stages: Names of stages that ran.

        Returns:
            A future that ends when they are recorded, or with DVC's error. It is cancelled if the
            run ends first.
        """
        request = Request(stages)
        with self.condition:
            if self.is_over:
                request.done.cancel()
            else:
                self.waiting.append(request)
                self.condition.notify()
        return request.done

    def work(self) -> None:
        """Record waiting requests, until the end."""
        while requests := self.next_requests():
            stages = [stage for request in requests for stage in request.stages]
            try:
                changed, parts = prepare(self.layout, self.inputs, stages)
            except Exception as error:  # noqa: BLE001 - the future gets it
                self.has_failed = True
                for request in requests:
                    request.done.set_exception(error)
            else:
                self.changed |= changed
                self.parts |= parts
                for request in requests:
                    request.done.set_result(None)

    def write(self) -> None:
        """Write recorded stages into dvc.lock, except those of datasets that were edited.

        Nothing is written if DVC has failed: once the failed stages are recorded, they would come
        after the others, and not where DVC puts them.
        """
        if self.parts and not self.has_failed:
            self.changed |= changed_since(self.layout, self.inputs)
            kept = unless_changed(self.parts, self.changed)
            write(self.layout, self.inputs, {stage: self.parts[stage] for stage in kept})

    def next_requests(self) -> list[Request]:
        """Wait for requests and return all of them; empty at the end."""
        with self.condition:
            self.condition.wait_for(lambda: self.waiting or self.is_over)
            found, self.waiting = self.waiting, []
        return found
