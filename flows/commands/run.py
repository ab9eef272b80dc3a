"""`gatewise run`: run the flow from a terminal, with a Prefect server if there is none."""

import atexit
import logging
import os
import re
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from rich.console import Console

from flows.layout import Layout
from flows.recording.inputs import Inputs, read_inputs
from flows.recording.plan import find_due, lacks_trainings, only_looking
from flows.recording.record import record
from flows.report.words import duration, number
from flows.running.failed import RunFailedError
from flows.running.mark import going_on
from flows.running.summary import closing_lines, compared, show, summarise, with_failures
from flows.system.command_line import command_line
from flows.system.environment import use_defaults
from flows.system.exclusive import if_free
from flows.system.home import enter_home
from flows.system.pages import API, shown_prefect
from flows.system.prefect_api import every, prefect_answers
from flows.system.process import age_seconds
from flows.system.servers import ServerError, free_port, prefect
from flows.tracking.shown import read_shown, up_to_date
from flows.trainings.records import read_records
from rnn_core.errors import StudyError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.filters import FlowRunFilter

    from flows.study import StudyRun

RECORD_SECONDS = 20.0
"""Seconds that our own server may take to record the ends of tasks."""

INSIDE = "prefect._internal"
"""The log of Prefect's own services, such as the one that sends events."""

SENDERS = ("prefect.events", "websockets")
"""The logs of what sends Prefect's events."""

UNSENT = re.compile(r"Still processing items:|Service .+ (failed|queue is full) ")
"""Matches the beginnings of notes of such services on what they have not sent."""

SETUP = "Prefect and MLflow set up their databases; only the first run does, and it takes a while\n"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a run; see `flows.study.study`.

    `dry`: only show what would be done. `verbose`: show details at the end.
    """

    workers: int | None = None
    only: list[str] | None = None
    dry: bool = False
    on: str | None = None
    promote: bool = True
    verbose: bool = False


@dataclass(frozen=True)
class Told:
    """A study that is run, with settings of the output.

    Attributes:
        layout: Where it keeps things.
        inputs: The inputs that the run began with.
        typed: The study's folder as the user typed it.
        verbose: Whether to show details.
    """

    layout: Layout
    inputs: Inputs
    typed: Path
    verbose: bool


def launch(folder: Path, options: Options) -> None:
    """Run the flow on a study and print the results."""
    use_defaults()
    layout = Layout(enter_home(folder))
    inputs, before = read_inputs(layout), len(read_records(layout))
    told = Told(layout, inputs, folder, options.verbose)
    with if_free(layout, "flow") as free:
        if options.dry:
            show_due(layout, inputs, options, free)
            return
        asks = free and API not in os.environ
        asks = asks and not lacks_trainings(layout, inputs, None, options.only)
        if asks and (done := all_done(layout, inputs, options)) is not None:
            tell(told, done)
            took = duration(age_seconds())
            Console().print(f"Nothing to do: all is up to date. Checked in {took}.")
            return
    try:
        run = run_flow(layout, options)
    except RunFailedError as error:
        tell(told, error.done, error.failures)
        raise
    except KeyboardInterrupt:
        again = command_line("run", folder)
        sys.stderr.write(f"Stopped. Finished trainings are kept; to go on: {again}\n")
        raise
    tell(told, {*run.cached, *(time.stage for time in run.stages)})
    account = time_account(run, layout, before, verbose=options.verbose)
    Console().print("\n".join(account), highlight=False, soft_wrap=True)


def show_due(layout: Layout, inputs: Inputs, options: Options, free: bool) -> None:
    """Print what a run would do.

    Raises:
        StudyError: If it is not known, because another run is going on.
    """
    from flows.commands.dry_run import show_plan  # noqa: PLC0415 - a run does not need it

    if not free:
        raise StudyError(f"{going_on(layout)}; ask again when it has ended")
    with only_looking(layout):
        due = find_due(layout, inputs, None, options.only)
    for line in due.repaired:
        sys.stdout.write(f"{line}\n")
    show_plan(layout, inputs, due)


def all_done(layout: Layout, inputs: Inputs, options: Options) -> set[str] | None:
    """The requested stages, if none is due and MLflow shows all results; None otherwise.

    It is called before Prefect and MLflow are imported, which takes longer than all the rest.
    """
    due = find_due(layout, inputs, None, options.only)
    sys.stderr.writelines(f"{line}\n" for line in due.repaired)
    if due.stages and not due.work:
        record(layout, inputs, due.stages)
    shown = up_to_date(layout, promoted=options.promote)
    names = compared(inputs.study, due.selected)
    done = not due.work and all(name in shown for name in names)
    return due.selected if done else None


def tell(told: Told, stages: Collection[str], failures: Mapping[str, str] | None = None) -> None:
    """Print the recommended cell for each dataset, and where to find more.

    Args:
        told: The study, with settings of the output.
        stages: The requested stages that are up to date now.
        failures: The cause of each failed task, by its name; None if none failed.
    """
    study = told.inputs.study
    names = compared(study, stages)
    promotions = {name: one for name, one in read_shown(told.layout).items() if name in names}
    blocks = summarise(told.layout, study.study, names, promotions, told.typed)
    blocks = with_failures(blocks, failures or {}, told.typed)
    console = Console()
    if blocks:
        console.print()
        show(console, blocks, verbose=told.verbose)
    lines = closing_lines(Layout(told.typed), stages, blocks)
    # Not wrapped by us, so that paths and commands can be copied.
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def run_flow(layout: Layout, options: Options) -> "StudyRun":
    """Run the flow on the server that Prefect is configured for, or on our own server.

    Raises:
        ServerError: If the configured server does not answer.
        StudyError: If the run is cancelled, or fails.
    """
    # Prefect reads it when it is imported, below.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")
    from prefect.exceptions import CancelledRun  # noqa: PLC0415
    from prefect.settings import (  # noqa: PLC0415
        PREFECT_API_URL,
        get_current_settings,
        temporary_settings,
    )

    stack, server = ExitStack(), None
    url = get_current_settings().api.url or shown_prefect()
    if url is None:
        explain_setup(get_current_settings().home)
        server = stack.enter_context(prefect(free_port(), "--no-ui"))
        url = f"{server.url}/api"
    else:
        check_answers(url)
    stack.enter_context(temporary_settings({PREFECT_API_URL: url}))
    # Prefect sends its last logs when threads end, which is just before this.
    atexit.register(stack.close)
    from flows.study import runner_of  # noqa: PLC0415 - imported while the server starts
    from flows.study import study as flow  # noqa: PLC0415 - as above
    from flows.tracking.projection import connect  # noqa: PLC0415 - as above

    if options.workers:
        flow = flow.with_options(task_runner=runner_of(options.workers))

    for logger in (None, INSIDE):  # the second one has its own handlers
        for handler in logging.getLogger(logger).handlers:
            handler.addFilter(is_for_the_user)
    if server:
        connect()  # takes as long as starting the server, if both are new
        server.wait()
    try:
        run: StudyRun = flow(  # type: ignore[assignment]  # a last state is raised
            str(layout.folder),
            workers=options.workers,
            only=options.only,
            on=options.on,
            promote=options.promote,
        )
    except CancelledRun:
        raise StudyError("the run was cancelled; finished trainings are kept") from None
    if server:
        wait_for_records(run)
    return run


def explain_setup(home: Path) -> None:
    """Say why nothing happens at first, if Prefect has no database in its home yet."""
    if not (home / "prefect.db").exists():
        sys.stderr.write(SETUP)


def check_answers(url: str) -> None:
    """Check that a server answers.

    Raises:
        ServerError: If it does not; says where its address comes from.
    """
    try:
        with prefect_answers(url):
            return
    except ServerError as error:
        raise ServerError(
            f"{error}. The address comes from {API} or from Prefect's profile; run with "
            f"{API}= (empty) to use a server that lives as long as the run"
        ) from None


def wait_for_records(run: "StudyRun") -> None:
    """Wait until our server, which ends with this process, has recorded the end of every task.

    It records states some time after it has received them.
    """
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - as in `run_flow`
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId  # noqa: PLC0415

    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run.flow_run)]))
    deadline = time.monotonic() + RECORD_SECONDS
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline and num_ended(client, of_run) < run.num_tasks:
            time.sleep(0.1)


def num_ended(client: "SyncPrefectClient", of_run: "FlowRunFilter") -> int:
    """Number of tasks of a run that have ended, according to the server."""
    tasks = every(partial(client.read_task_runs, flow_run_filter=of_run))
    return sum(task.state is not None and task.state.is_final() for task in tasks)


def is_for_the_user(record: logging.LogRecord) -> bool:
    """Return whether a log record belongs on the terminal.

    Failures of the run do not: we print them in one line. Nor do Prefect's notes that it is still
    sending logs and events when the run ends, or could not send them, as after a suspension: only
    its pages lack them, and it writes out all that it did not send.
    """
    of_run = record.name.startswith(("prefect.flow_runs", "prefect.task_runs"))
    of_sending = record.name.startswith(SENDERS) or UNSENT.match(record.getMessage())
    return not (of_run and record.levelno >= logging.ERROR) and not of_sending


def time_account(
    run: "StudyRun", layout: Layout, before: int, *, verbose: bool = False
) -> list[str]:
    """The time of the run in a line; with details, the share of trainings in a second line.

    Args:
        run: The run.
        layout: Where the study keeps things.
        before: Number of records of trainings and evaluations before it.
        verbose: Whether to show details.
    """
    done = read_records(layout)[before:]
    made = number(sum(record.what == "train" for record in done), "training")
    stages = f"{number(len(run.stages), 'stage')} run, {len(run.cached)} up to date"
    lines = [f"Finished in {duration(age_seconds())}: {made}, {stages}."]
    if verbose:
        own = duration(sum(record.seconds for record in done))
        lines.append(f"Trainings and evaluations took {own} of the workers' time, side by side.")
    return lines
