"""The recording of what has run while other stages run."""

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
        stages: Names of those that ran.
        done: Is told when DVC has recorded them, or of what it says.
    """

    stages: Sequence[str]
    done: Future[None] = field(default_factory=Future)


class Recorder:
    """Lets DVC record stages, from a thread of its own; dvc.lock is written at the end.

    All that ends while DVC is at work is recorded next, and together, since DVC takes its time to
    start. A run that is cut off leaves dvc.lock as it was: what is in it would have other places
    there, once the next run has added the rest, than if nothing had been cut off.

    Args:
        layout: Where the study keeps things.
        inputs: What the run was begun with.

    Attributes:
        changed: Datasets of which something was edited at any time, so that they are not
            recorded, with what that is.
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
        """Record what is asked for as long as this lasts, and then write dvc.lock.

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
        """Take on no more; what waits is still recorded unless it is to be dropped."""
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
            stages: Names of those that ran.

        Returns:
            Ends when that is done. It fails with what DVC says, and is cancelled if the run ends
            before.
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
        """Record what waits, again and again."""
        while requests := self.next_requests():
            stages = [stage for request in requests for stage in request.stages]
            try:
                changed, parts = prepare(self.layout, self.inputs, stages)
            except Exception as error:  # noqa: BLE001 - whoever waits for it has it
                self.has_failed = True
                for request in requests:
                    request.done.set_exception(error)
            else:
                self.changed |= changed
                self.parts |= parts
                for request in requests:
                    request.done.set_result(None)

    def write(self) -> None:
        """Write what was recorded into dvc.lock, but for datasets that were edited at any time.

        Nothing is written if DVC has failed: what failed would stand behind the rest once it is
        recorded, and not where DVC puts it.
        """
        if self.parts and not self.has_failed:
            self.changed |= changed_since(self.layout, self.inputs)
            kept = unless_changed(self.parts, self.changed)
            write(self.layout, self.inputs, {stage: self.parts[stage] for stage in kept})

    def next_requests(self) -> list[Request]:
        """All that waits, once anything does; nothing at the end."""
        with self.condition:
            self.condition.wait_for(lambda: self.waiting or self.is_over)
            found, self.waiting = self.waiting, []
        return found
