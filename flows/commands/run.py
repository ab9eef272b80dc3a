"""`gatewise run`: the flow from a terminal, with a Prefect server if there is none."""

import atexit
import logging
import os
import re
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from rich.console import Console

from flows.commands.ui import shown_prefect
from flows.layout import Layout
from flows.system.environment import enter_repository, use_defaults
from flows.system.servers import free_port, prefect
from flows.trainings.processes import age_seconds
from rnn_core.study import read_study

if TYPE_CHECKING:
    from flows.study import StudyRun


RECORD_SECONDS = 20.0
"""Longest wait for a server of our own to write down how tasks ended."""

MOST_TASKS = 200
"""Tasks that a server tells of at once."""

API_SETTING = re.compile(r"API_URL|^\[(tool\.prefect\.)?api\]", re.MULTILINE)
"""What settings files of Prefect hold where they name a server."""


def launch(
    folder: Path,
    *,
    workers: int | None = None,
    only: list[str] | None = None,
    max_seeds: int | None = None,
) -> None:
    """Run the flow on a study and print what came of it."""
    use_defaults()
    folder = enter_repository(folder)
    plan = read_study(folder)
    run = run_flow(str(folder), workers=workers, only=only, max_seeds=max_seeds)

    from flows.commands.summary import summarise, terminal_table  # noqa: PLC0415 - needs MLflow

    layout, console = Layout(folder), Console(width=None if sys.stdout.isatty() else 120)
    console.print(terminal_table(summarise(layout, plan, run.promotions)))
    lines = [
        "",
        f"Report: {layout.page}. MLflow and Prefect pages: make ui.",
        f'Load a model: mlflow.pyfunc.load_model("models:/{plan.study}.DATASET@champion").',
        time_account(run),
    ]
    # Not wrapped by us: a path or a command must survive being copied.
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def run_flow(
    study: str, *, workers: int | None, only: list[str] | None, max_seeds: int | None
) -> "StudyRun":
    """Run the flow on the server that Prefect is configured for, or on one of our own."""
    # Read by Prefect when it is imported, which is below.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")
    stack = ExitStack()
    server, url = None, configured_api() or shown_prefect()
    if url is None:
        server = stack.enter_context(prefect(free_port(), "--no-ui"))
        url = f"{server.url}/api"
    # Imported while the server starts.
    from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: PLC0415

    stack.enter_context(temporary_settings({PREFECT_API_URL: url}))
    # Prefect sends its last logs when threads end, which is just before this.
    atexit.register(stack.close)
    from flows.study import study as flow  # noqa: PLC0415

    for handler in logging.getLogger().handlers:
        handler.addFilter(is_not_told_twice)
    if server:
        server.wait()
    run = flow(study, workers=workers, only=only, max_seeds=max_seeds)
    if server:
        wait_for_records(run)
    return run


def wait_for_records(run: "StudyRun") -> None:
    """Wait until the server, which ends with us, has written down how every task ended.

    It records the states of tasks some time after it is told of them.
    """
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - as in `run_flow`
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId  # noqa: PLC0415

    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(run.flow_run)]))
    deadline = time.monotonic() + RECORD_SECONDS
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            tasks = client.read_task_runs(flow_run_filter=of_run)
            ended = [task for task in tasks if task.state and task.state.is_final()]
            if len(ended) >= min(run.num_tasks, MOST_TASKS):
                return
            time.sleep(0.1)


def is_not_told_twice(record: logging.LogRecord) -> bool:
    """Whether a record belongs on the terminal, where we say in one line what failed."""
    of_run = record.name.startswith(("prefect.flow_runs", "prefect.task_runs"))
    return not (of_run and record.levelno >= logging.ERROR)


def configured_api() -> str | None:
    """The URL of the server that Prefect is configured for, if it is.

    Prefect takes a second to be asked, so it is asked only where something suggests it.
    """
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml"))
    files = [Path("prefect.toml"), Path("pyproject.toml"), Path(".env"), profiles]
    texts = [file.read_text() for file in files if file.exists()]
    if "PREFECT_API_URL" not in os.environ and not any(map(API_SETTING.search, texts)):
        return None
    from prefect.settings import get_current_settings  # noqa: PLC0415

    return get_current_settings().api.url


def time_account(run: "StudyRun") -> str:
    """Where the time went: the stages' own work, and what it costs to run them."""
    total = age_seconds()
    own = sum(time.own_seconds for time in run.times)
    startup = sum(time.startup_seconds for time in run.times)
    around = [time.wall_seconds - time.own_seconds for time in run.times]
    a_stage = sum(around) / len(around) if around else 0.0
    return (
        f"Time: {total:.0f} s. {len(run.times)} stages ran and {run.num_cached} were up to date; "
        f"the stages' own work took {own:.0f} s ({startup:.0f} s of it to start Python). "
        f"Outside of it: {a_stage:.2f} s a stage, {total - run.busy_seconds:.1f} s fixed."
    )
