"""The flow: the stages of a study as Prefect runs them, with tracking and promotion.

For each dataset `ingest -> prepare -> train -> evaluate -> compare` run one after the other. Each
missing training is a task inside `train`. After all datasets, `report` runs. Once a dataset is
compared, DVC records its stages and MLflow shows it, while other datasets are trained. At the end
dvc.lock is written, and the champions are promoted. Prefect adds states, retries, logs, schedules
and triggers; it caches nothing.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.layout import Layout
from flows.recording.inputs import read_inputs
from flows.recording.plan import Due, find_due, lacks_trainings, to_be_pulled
from flows.recording.record import changed_since
from flows.recording.recorder import Recorder
from flows.report import markdown, words
from flows.report.timings import write_timings
from flows.running import run_names
from flows.running.closing import Closing
from flows.running.display import Display
from flows.running.execution import Execution, StageTime
from flows.running.failed import RunFailedError
from flows.running.notices import check_blocks, tell_champions, tell_end
from flows.running.run_tags import run_tags
from flows.running.states import CancelWatch, cancelled, marked
from flows.running.summary import compared, markdown_table, summarise
from flows.running.workshop import Workshop
from flows.system.environment import use_defaults
from flows.system.exclusive import exclusive
from flows.tracking.follower import Follower
from flows.tracking.projection import Projection
from flows.tracking.promoted import Promotion
from flows.tracking.retired import retire
from flows.tracking.shown import read_shown, up_to_date
from flows.trainings.crew import CHECK
from flows.trainings.kept import note_kept
from rnn_core.comparison.outcome import read_comparison
from rnn_core.errors import GatewiseError, StudyError
from rnn_core.readers.faults import SEVERAL
from rnn_core.study import read_study


@dataclass
class StudyRun:
    """The result of a run of a study.

    Attributes:
        stages: Stages that ran, with their times.
        cached: Stages that were up to date.
        promotions: The promotion of each dataset's champion.
        flow_run: Prefect's id of the run.
        num_tasks: Number of Prefect tasks that are known of the run.
    """

    stages: list[StageTime] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    promotions: dict[str, Promotion] = field(default_factory=dict)
    flow_run: str = ""
    num_tasks: int = 0


def runner_of(workers: int) -> TaskRunner[PrefectFuture[Any]]:
    """The task runner for trainings: a thread for each of n workers, which waits for it."""
    return cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=workers))


@flow(
    flow_run_name=run_names.of_study,
    task_runner=runner_of(os.cpu_count() or 1),
    on_failure=[tell_end],
    on_crashed=[tell_end],
)
def study(
    study: str = ".",
    datasets: list[str] | None = None,
    only: list[str] | None = None,
    workers: int | None = None,
    on: str | None = None,
    promote: bool = True,
    notify: list[str] | None = None,
) -> StudyRun | State[None]:
    """Bring a study up to date and register the champion of each dataset.

    Args:
        study: Folder of the study, from the repository's root or absolute.
        datasets: Datasets to bring up to date; all if None.
        only: Patterns of the stages to bring up to date, such as "train@*"; all stages that they
            depend on are included.
        workers: Trainings at the same time; as many as there are processors or GPUs if None.
        on: Address of a Dask scheduler whose workers train, such as tcp://HOST:PORT; the
            workers of this machine train if None.
        promote: Whether to register the champions. If not, the registry stays as it is.
        notify: Notification blocks of Prefect, such as slack-webhook/team, for new champions
            and failed runs.
    """
    use_defaults()
    check_blocks(notify or [])
    layout, own_id = Layout(Path(study)), flow_run.get_id() or ""
    result = StudyRun(flow_run=own_id)
    with ExitStack() as stack:
        workshop = Workshop(layout, workers, on, stack)
        watch = stack.enter_context(CancelWatch(own_id, workshop.cancel))
        try:
            stack.enter_context(exclusive(layout, "flow", workshop.is_over))
            stack.enter_context(marked(layout, own_id))
            execute(layout, Wanted(datasets, only, promote), workshop, result)
        except Exception:
            if not watch.cancelled:
                raise
        if watch.cancelled:
            return cancelled(own_id, watch.cancelled)
        tell(layout, result)
        tell_champions(notify or [], result.promotions.values())
    return result


@dataclass(frozen=True)
class Wanted:
    """The parameters of a run; see `study`."""

    datasets: list[str] | None
    only: list[str] | None
    promote: bool


def execute(layout: Layout, wanted: Wanted, workshop: Workshop, result: StudyRun) -> Execution:
    """Run the stages that are due, record them, and promote the champions.

    Raises:
        StudyError: If anything failed.
    """
    inputs = read_inputs(layout)
    if lacks_trainings(layout, inputs, wanted.datasets, wanted.only):
        workshop.start(inputs.study)
    due = find_due(layout, inputs, wanted.datasets, wanted.only)
    for line in due.repaired:
        get_run_logger().warning(line)
    if names := to_be_pulled(layout, inputs, due):
        get_run_logger().warning(
            "%s: dvc.lock names trainings that are missing here. This run trains them again; "
            "`dvc pull` may fetch them from the remote instead",
            ", ".join(names),
        )
    shown = up_to_date(layout, promoted=wanted.promote)
    trained = [name for name in inputs.study.datasets if f"train@{name}" in due.stages]
    time_left = workshop.time_left(inputs.study, trained)
    display = Display(num_tasks(due, shown, wanted), time_left=time_left)
    crew = workshop.crew(inputs.study, display) if due.work else None
    projection = Projection(layout, inputs.study.study, run_tags())
    recorder = Recorder(layout, inputs)
    closing = Closing(recorder, projection, display, workshop, shown, wanted.promote)
    execution = Execution(layout, inputs, due.stages, due.selected, crew, display, closing)
    with display, Follower(projection, display.growth), recorder.at_work():
        if crew:
            crew.call(CHECK, inputs.study)
        execution.run()
    workshop.check_goes_on()
    execution.promote({*recorder.changed, *changed_since(layout, inputs)})
    note_kept(layout, inputs.study.datasets, inputs.code_for)
    result.promotions |= closing.promotions
    if not execution.failures:
        forget = partial(retire, projection, inputs.study.datasets)
        execution.attempt("track", forget)
    result.stages += execution.ran
    result.num_tasks += execution.num_tasks
    result.cached = [s for s in execution.cached if s not in {t.stage for t in result.stages}]
    check_ended(execution, recorder.changed)
    return execution


def num_tasks(due: Due, shown: Collection[str], wanted: Wanted) -> int:
    """Number of stages, and of tasks that show and promote datasets that are not shown yet."""
    compared = {stage.partition("@")[2] for stage in due.selected if stage.startswith("compare@")}
    new = {name for name in compared if f"compare@{name}" in due.stages or name not in shown}
    return len(due.selected) + (2 if wanted.promote else 1) * len(new)


def check_ended(execution: Execution, changed: Mapping[str, Sequence[str]]) -> None:
    """Turn failures into the failure of the run.

    Raises:
        StudyError: If a task failed, or an input was edited during the run.
    """
    if execution.failures:
        (name, first), *others = execution.failures.items()
        more = [f"{words.number(len(others), 'other task')} failed too"] if others else []
        if execution.skipped:
            skipped = words.number(len(execution.skipped), "task")
            more.append(f"{skipped} after it did not run")
        between = "\n" if SEVERAL in str(first) else "; "
        done = {*execution.cached, *(time.stage for time in execution.ran)}
        causes = {name: str(error) for name, error in execution.failures.items()}
        text = between.join([f"{name}: {first}", *more])
        raise RunFailedError(text, done, causes) from first
    if changed:
        told = "; ".join(f"{' and '.join(parts)} of {name}" for name, parts in changed.items())
        raise StudyError(
            f"these were edited during the run: {told}. Their results are not recorded; run again "
            "(finished trainings are kept)"
        )


def tell(layout: Layout, run: StudyRun) -> None:
    """Show the results of a run in Prefect, and write the page of timings; errors do not fail it.

    Comparisons of datasets that were not asked for may have the format of an older version.
    """
    plan = read_study(layout.folder)
    names = compared(plan, {*run.cached, *(time.stage for time in run.stages)})
    results = {name: read_comparison(layout.comparison(name)) for name in names}
    table = markdown_table(summarise(layout, plan.study, names, read_shown(layout)))
    parts = [markdown.section(name, result) for name, result in results.items()]
    text = "\n\n".join([table, *parts])
    create_markdown_artifact(text, key=f"study-{plan.study.replace('_', '-')}")
    try:
        write_timings(layout, plan)
    except (OSError, KeyError, ValueError, GatewiseError) as error:
        get_run_logger().warning("%s was not written: %s", layout.timings_page, error)
