"""The flow: the graph of a study as Prefect runs it, with tracking and promotion beside.

There is one task for each stage of dvc.yaml, one that projects each dataset into MLflow
once it is compared, and one that promotes its champion. Prefect adds what DVC lacks:
stages in parallel, retries, states, logs, schedules and triggers. It caches nothing.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.states import Crashed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.commands.more_seeds import add_seeds
from flows.commands.summary import markdown_table, summarise
from flows.execution import Execution, StageTime
from flows.layout import REPOSITORY, Layout
from flows.recording import graph
from flows.recording.graph import Graph
from flows.recording.repro import Template
from flows.report import markdown
from flows.report.timings import write_timings
from flows.system.environment import use_defaults
from flows.tracking.projection import Projection
from flows.tracking.promotion import Promotion
from flows.trainings.processes import exclusive
from flows.trainings.seeds import own_values
from rnn_core.devices import select_device
from rnn_core.errors import GatewiseError, ParameterError, StudyError, unknown
from rnn_core.files import read_json
from rnn_core.study import Study, read_study
from rnn_core.tasks import get_task
from rnn_core.training.loop import TrainingParameters
from rnn_core.training.tuning import search_space


@dataclass(frozen=True)
class StudyRun:
    """What a run of a study came to.

    Attributes:
        times: What the stages took that ran.
        num_cached: How many stages were up to date all along.
        promotions: What became of the champion of each dataset.
        busy_seconds: From the start of the first stage to the end of the last, of each time
            that the stages were run.
        flow_run: Prefect's id of the run.
        num_tasks: Tasks that the run had.
    """

    times: list[StageTime]
    num_cached: int
    promotions: dict[str, Promotion]
    busy_seconds: float
    flow_run: str = ""
    num_tasks: int = 0


TASK_RUNNER = cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=32))
"""Large enough for every worker and the small tasks beside; `Execution` sets the pace."""


@flow(task_runner=TASK_RUNNER)
def study(
    study: str = ".",
    datasets: list[str] | None = None,
    only: list[str] | None = None,
    workers: int | None = None,
    max_seeds: int | None = None,
) -> StudyRun:
    """Bring a study up to date and register the champion of each dataset.

    Args:
        study: Folder of the study, from the repository's root or absolute.
        datasets: Datasets to bring up to date; all if None.
        only: Patterns of the stages to bring up to date, such as "train@*-gru"; all that
            they wait for are included.
        workers: Stages to run at the same time; as many as there are processors if None.
        max_seeds: Where the rule abstains for want of seeds, add them to params.yaml and
            train them, until it decides or a dataset has so many; no more if None.
    """
    use_defaults()
    layout = Layout(Path(study))
    plan = read_study(layout.folder)
    check_parameters(plan, datasets or [])
    with exclusive(layout, "flow"):
        end_dead_runs(study)
        executions = [execute(layout, datasets, only, workers)]
        while max_seeds and (change := add_seeds(layout, compared(executions), max_seeds)):
            tell_of_seeds(change)
            executions.append(execute(layout, datasets, only, workers))
    run = outcome(executions)
    tell(layout, plan, run)
    return run


def execute(
    layout: Layout, datasets: list[str] | None, only: list[str] | None, workers: int | None
) -> Execution:
    """Run the stages that are stale.

    Raises:
        StudyError: If one fails.
    """
    plan = read_study(layout.folder)
    for mended in graph.guard_lock_files(layout):
        get_run_logger().warning(mended)
    whole, stale = graph.read(layout)
    selected = select(whole, plan, layout, datasets, only)
    due = whole.below(stale) & selected
    execution = Execution(
        upstream=task_graph(whole, plan, selected),
        due=due,
        template=Template(layout, modules_of(plan, due)),
        workers=workers or os.cpu_count() or 1,
        projection=Projection(layout, plan.study, lineage()),
    )
    execution.run()
    check_ended(execution)
    if execution.due:
        check_fresh(graph.stale_stages(layout) & selected)
    graph.guard_lock_files(layout)
    return execution


def compared(executions: list[Execution]) -> list[str]:
    """The datasets whose comparison the last run of the stages came to."""
    stages = executions[-1].results
    return [stage.partition("@")[2] for stage in stages if stage.startswith("compare@")]


def tell_of_seeds(change: str) -> None:
    """Show what was changed in params.yaml, on the terminal and in Prefect's log."""
    sys.stderr.write(f"more seeds are needed for a decision:\n{change}\n")
    get_run_logger().info("more seeds are needed for a decision:\n%s", change)


def tell(layout: Layout, plan: Study, run: StudyRun) -> None:
    """Show Prefect what came of a run, and write down what it took, which cannot fail it."""
    there = [name for name in plan.datasets if layout.comparison(name).exists()]
    parts = [markdown.section(name, read_json(layout.comparison(name))) for name in there]
    table = markdown_table(summarise(layout, plan, run.promotions))
    text = "\n\n".join([table, *parts])
    create_markdown_artifact(text, key=f"study-{plan.study.replace('_', '-')}")
    try:
        write_timings(layout, plan)
    except (OSError, KeyError, ValueError, GatewiseError) as error:
        get_run_logger().warning("%s was not written: %s", layout.timings_page, error)


def check_parameters(plan: Study, datasets: list[str]) -> None:
    """Refuse parameters that some stage would refuse later.

    Raises:
        ParameterError: If there are any.
        DeviceError: If the device is not there.
    """
    select_device(plan.device)
    for name in datasets:
        plan.section(name)
    for name, section in plan.datasets.items():
        task = get_task(section.task)
        plan.parameters(name, "data", task.DataParameters)
        model = plan.parameters(name, "model", task.ModelParameters)
        training = plan.parameters(name, "training", TrainingParameters)
        if tuning := plan.tuning_of(name):
            search_space(tuning, own_values(model, training))


def end_dead_runs(study: str) -> None:
    """Mark earlier runs of the study that were killed; none lives while we hold its lock."""
    own = flow_run.get_id()
    with get_client(sync_client=True) as client:
        flows = FlowFilter(name=FlowFilterName(any_=["study"]))
        for run in client.read_flow_runs(flow_filter=flows):
            running = run.state is not None and run.state.is_running()
            if running and str(run.id) != own and run.parameters.get("study") == study:
                dead: State[None] = Crashed(message="its process was killed")
                client.set_flow_run_state(run.id, dead, force=True)


def select(
    whole: Graph, plan: Study, layout: Layout, datasets: list[str] | None, only: list[str] | None
) -> set[str]:
    """The stages that are asked for, with all that they wait for.

    Raises:
        ParameterError: If a pattern names none, or none of the datasets.
    """
    asked = [s for s in whole.upstream if datasets is None or dataset_of(s) in datasets]
    chosen = set()
    for pattern in ["*"] if only is None else only:
        found = {stage for stage in asked if fnmatchcase(stage, pattern)}
        if not found:
            raise ParameterError(
                f"{unknown('stage', pattern, whole.upstream)} (a pattern may have *)"
            )
        chosen |= found
    selected = whole.above(chosen)
    compared = all(layout.comparison(name).exists() for name in plan.datasets)
    return selected | ({"report"} if datasets and not only and compared else set())


def dataset_of(stage: str) -> str:
    """The dataset that a stage is about; empty if it is about all."""
    return stage.partition("@")[2].partition("-")[0]


def modules_of(plan: Study, stages: set[str]) -> set[str]:
    """The modules that stages begin by importing."""
    verbs = {stage.partition("@")[0] for stage in stages}
    tasks = {plan.section(name).task for name in map(dataset_of, stages) if name}
    modules = {f"flows.stages.{verb}" for verb in verbs}
    if verbs - {"ingest", "report"}:
        modules |= {f"rnn_core.tasks.{task}" for task in tasks}
    return modules


def task_graph(whole: Graph, plan: Study, selected: set[str]) -> dict[str, tuple[str, ...]]:
    """The selected stages, and `track` and `promote` of each dataset that is compared."""
    tasks = {
        stage: tuple(above for above in upstream if above in selected)
        for stage, upstream in whole.upstream.items()
        if stage in selected
    }
    for name in plan.datasets:
        if f"compare@{name}" in selected:
            tasks[f"track@{name}"] = (f"compare@{name}",)
            tasks[f"promote@{name}"] = (f"track@{name}",)
    return tasks


def lineage() -> dict[str, str]:
    """Where new MLflow runs come from: the commit and the Prefect run."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "mlflow.source.git.commit": done.stdout.strip(),
        "prefect.flow_run_id": flow_run.get_id() or "",
    }


def check_ended(execution: Execution) -> None:
    """Turn failures into the failure of the run.

    Raises:
        StudyError: If a task failed.
    """
    if execution.failures:
        first, *others = execution.failures.values()
        more = f"; {len(others)} more failed" if others else ""
        left = f"; {len(execution.skipped)} that wait for them did not run"
        raise StudyError(first + more + (left if execution.skipped else ""))


def check_fresh(stale: set[str]) -> None:
    """Refuse a run in which something was changed that an earlier stage had read.

    Raises:
        StudyError: If a stage is stale again.
    """
    if stale:
        names = ", ".join(sorted(stale))
        raise StudyError(f"{names} changed while the study ran; run it again")


def outcome(executions: list[Execution]) -> StudyRun:
    """What a run came to that succeeded; stages may have run more than once."""
    results = [(name, result) for e in executions for name, result in e.results.items()]
    times = [(name, result) for name, result in results if isinstance(result, StageTime)]
    promotions = {p.dataset: p for _, p in results if isinstance(p, Promotion)}
    stages = {name for name, _ in results if not name.startswith(("track@", "promote@"))}
    return StudyRun(
        times=[time for _, time in times],
        num_cached=len(stages - {name for name, _ in times}),
        promotions=promotions,
        busy_seconds=sum(e.busy_seconds for e in executions),
        flow_run=flow_run.get_id() or "",
        num_tasks=len(results),
    )
