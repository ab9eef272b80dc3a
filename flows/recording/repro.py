"""A stage run by DVC, in a process that is forked from one which has imported everything."""

import json
import subprocess
from collections.abc import Collection
from concurrent.futures import Future
from contextlib import suppress
from itertools import count, pairwise
from threading import Lock, Thread
from types import TracebackType
from typing import Literal, Self, TypeAlias

from flows.layout import REPOSITORY, Layout
from flows.recording.graph import BUSY, StageBusyError, stage_environment
from flows.system.bound import bound_command
from rnn_core.errors import StudyError

Outcome: TypeAlias = Literal["ran", "cached"]


class Template:
    """The process of `template`, as long as it is entered; what it started ends with it.

    Args:
        layout: Of the study.
        modules: What the stages that it will run begin by importing.
    """

    def __init__(self, layout: Layout, modules: Collection[str]) -> None:
        self.layout = layout
        self.log = layout.logs / "template.log"
        self.modules = sorted(modules)
        self.numbers = count()
        self.running: dict[int, Future[int]] = {}
        self.sending = Lock()
        self.over = False

    def __enter__(self) -> Self:
        self.layout.logs.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as file:
            self.process = subprocess.Popen(
                bound_command(
                    "flows.recording.template", str(self.layout.folder.resolve()), *self.modules
                ),
                cwd=REPOSITORY,
                env=stage_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        self.listener = Thread(target=self.listen, daemon=True)
        self.listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        self.listener.join()
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # what was not taken any more
            self.process.stdin.close()

    def listen(self) -> None:
        """Take in what ends, until the process does."""
        assert self.process.stdout is not None
        try:
            with self.process.stdout as ends:
                for line in ends:
                    end = json.loads(line)
                    self.running.pop(end["number"]).set_result(end["code"])
        finally:
            with self.sending:
                self.over = True
                for future in self.running.values():
                    future.set_exception(self.ended())

    def ended(self) -> StudyError:
        """What to say of a command that can not be run any more."""
        return StudyError(f"the process that runs stages has ended (log: {self.log})")

    def run(self, log: str, *arguments: str) -> int:
        """Run a command of DVC.

        Args:
            log: Absolute path of an existing file that gets what it prints.
            arguments: Of DVC.

        Returns:
            The code that it ends with; that of a signal is negative.

        Raises:
            StudyError: If the process ends before it does.
        """
        assert self.process.stdin is not None
        end: Future[int] = Future()
        with self.sending:
            if self.over:
                raise self.ended()
            number = next(self.numbers)
            command = {"number": number, "log": log, "arguments": arguments}
            self.running[number] = end
            try:
                self.process.stdin.write(json.dumps(command).encode() + b"\n")
                self.process.stdin.flush()
            except BrokenPipeError:
                raise self.ended() from None
        return end.result()


def run_stage(template: Template, stage: str) -> Outcome:
    """Let DVC run one stage, unless it finds it up to date or in its cache.

    What the stage prints goes to a file in `.gatewise/logs`.

    Args:
        template: Runs it, for the study of the stage.
        stage: Name of the stage.

    Raises:
        StudyError: If the stage fails; with its own words.
        StageBusyError: If another process of DVC is in the way.
    """
    log = template.layout.logs / f"{stage}.log"
    log.write_bytes(b"")
    arguments = ("--wait-for-lock", "repro", "--single-item", stage)
    try:
        code = template.run(str(log.resolve()), *arguments)
    except StudyError as error:
        raise StudyError(f"{stage}: {error}") from None
    output = log.read_text(errors="replace")
    if code:
        kind = StageBusyError if BUSY.search(output) else StudyError
        raise kind(f"{stage}: {failure_cause(output, code)} (log: {log})")
    return "ran" if f"Running stage '{stage}'" in output else "cached"


def failure_cause(output: str, code: int) -> str:
    """The line of a stage's output that says why it failed.

    That is its own error; else the last line before DVC says that the stage failed, which
    ends a traceback for example; else what DVC says.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line, next_line in pairwise(lines):
        if BUSY.search(line):
            return f"{line.removeprefix('ERROR: ')} {next_line}"
    of_stage = [line for line in lines if not line.startswith("ERROR: failed to reproduce")]
    for line in reversed(of_stage):
        if line.startswith(("error: ", "ERROR: ")):
            return line.partition(": ")[2]
    started = any(line.startswith("> ") for line in of_stage)
    if started and not of_stage[-1].startswith("> "):
        return of_stage[-1]
    return lines[-1] if lines else f"it ended with code {code} and without a word"
