"""Refusals of a Dask worker, and the exchange between it and a study."""

import socket
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from distributed import KilledWorker
from usual_training import config_of
from waiting import lives, wait_for

from flows.layout import Layout
from flows.running import cluster as cluster_module
from flows.running import elsewhere as module
from flows.running.cluster import Cluster, Returning, cluster_at
from flows.running.elsewhere import Elsewhere, check_code, check_threads, fetch_prepared, pool_in
from flows.stages.code import code_of_cell
from flows.trainings.crew import TRAIN, Remote
from flows.trainings.identity import Work
from flows.trainings.records import Record, read_records
from flows.trainings.store import VARIABLE, open_store
from flows.trainings.workers import WorkerLostError
from rnn_core.errors import StudyError
from rnn_core.files import digest_of

TASK, CELL = "forecasting", "gru"


@pytest.fixture
def layout(tmp_path):
    """Of a study that has prepared data."""
    study = Layout(tmp_path / "study")
    study.prepared("sales").mkdir(parents=True)
    (study.prepared("sales") / "meta.json").write_text("{}\n")
    return study


@pytest.fixture
def work(layout):
    """A training on a worker of the same code."""
    code = code_of_cell(TASK, CELL)
    config = config_of(
        TASK,
        dataset="sales",
        cell=CELL,
        data=digest_of(layout.prepared("sales")),
        model={"hidden_size": 4},
        environment={"code": code.training(CELL, "cpu")},
    )
    return Work(layout=layout, config=config, evaluates=code.evaluation(CELL, "cpu"))


def with_code(work, code):
    return replace(work, config=replace(work.config, environment={"code": code}))


def test_work_of_the_same_code_is_done(work):
    check_code(work, trains=True)
    check_code(replace(work, evaluates=None), trains=True)


def test_other_code_that_trains_is_refused_but_not_where_nothing_is_trained(work):
    other = with_code(work, "0" * 64)
    with pytest.raises(StudyError, match="would train gru with other code"):
        check_code(other, trains=True)
    check_code(other, trains=False)


@pytest.mark.parametrize("trains", [True, False])
def test_other_code_that_evaluates_is_refused(work, trains):
    with pytest.raises(StudyError, match="would evaluate gru with other code"):
        check_code(replace(work, evaluates="0" * 64), trains=trains)


def test_code_of_another_cell_is_other_code(work):
    with pytest.raises(StudyError, match="would train gru"):
        check_code(with_code(work, code_of_cell(TASK, "lstm").training("lstm", "cpu")), trains=True)


@pytest.fixture
def task():
    """State in Dask of the task that its worker is at."""
    return SimpleNamespace(state="executing")


@pytest.fixture
def doing(task, tmp_path, monkeypatch):
    """Makes a Dask worker, as far as work sees of it, which does something else instead."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setattr(module, "PRELOADED", ())
    worker = SimpleNamespace(
        address="tcp://there:1",
        local_directory=str(tmp_path / "dask"),
        state=SimpleNamespace(nthreads=1, tasks={"key": task}),
        get_current_task=lambda: "key",
    )
    monkeypatch.setattr("distributed.get_worker", lambda: worker)

    def do(name, work):
        monkeypatch.setattr(module, "DO", Remote("jobs_elsewhere", name))
        return Elsewhere(TRAIN)(work)

    yield do
    pool_in(tmp_path / "dask/gatewise").cancel()
    pool_in.cache_clear()


def test_work_that_ends_its_process_may_be_tried_again_by_the_same_worker(doing, work):
    with pytest.raises(WorkerLostError, match=r"the worker tcp://there:1 .* ended with code 3"):
        doing("end_process", work)
    assert doing("do", work) == []


def test_error_that_says_no_place_gets_those_of_its_worker(doing, work, tmp_path):
    told = rf"^the worker tcp://there:1 on .*: .*quota.*; free some space \(it worked in {tmp_path}"
    with pytest.raises(StudyError, match=told):
        doing("meet_a_full_disk", work)


def test_work_that_nobody_wants_is_ended_and_the_worker_takes_on_more(doing, work, task, tmp_path):
    before = psutil.Process().children()
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(doing, "go_on", work)
        wait_for((tmp_path / "dask/gatewise" / work.config.data).exists)
        (pool,) = (one for one in psutil.Process().children() if one not in before)
        processes = [pool.pid, *(child.pid for child in pool.children())]
        task.state = "cancelled"
        with pytest.raises(CancelledError):
            done.result(20)
    wait_for(lambda: not any(lives(process) for process in processes))
    task.state = "executing"
    assert doing("do", work) == []


def test_two_trainings_in_one_process_are_refused():
    check_threads(1)
    with pytest.raises(StudyError, match="--nthreads 1"):
        check_threads(2)


def cluster():
    return Cluster(runner=None, context=None)  # type: ignore[arg-type]  # neither is used here


def test_prepared_data_travels_through_the_store(work, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "store"))
    there = Layout(tmp_path / "worker")
    with pytest.raises(StudyError, match="has no prepared data of sales"):
        fetch_prepared(there, work.config)
    cluster().share(work)
    fetch_prepared(there, work.config)
    assert digest_of(there.prepared("sales")) == work.config.data
    open_store(there).remove("prepared", work.config.data)
    fetch_prepared(there, work.config)  # which has it


def test_worker_without_a_store_refuses(work, tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(StudyError, match=f"{VARIABLE} is not set"):
        fetch_prepared(Layout(tmp_path / "worker"), work.config)


def test_data_that_has_changed_is_not_put_under_its_old_digest(work, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "store"))
    (work.layout.prepared("sales") / "meta.json").write_text("[]\n")
    with pytest.raises(StudyError, match="has changed while the study ran"):
        cluster().share(work)
    assert open_store(work.layout).identities("prepared") == []


def test_cluster_without_a_store_is_refused_before_it_is_asked(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(StudyError, match=f"{VARIABLE} must be set"), cluster_at("tcp://no-such:1"):
        pass


def test_server_that_is_no_scheduler_is_named_at_once(tmp_path, monkeypatch):
    """Dask's client would wait for its first word for ever."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "store"))
    monkeypatch.setattr(cluster_module, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with (
            pytest.raises(StudyError, match=f"{address} does not answer: something else is there"),
            cluster_at(address),
        ):
            pass


def test_run_is_over_before_its_client_closes(tmp_path, monkeypatch):
    """Closing it cancels what is running, which was taken for a loss of the cluster."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "store"))
    monkeypatch.setattr(cluster_module, "check_scheduler", lambda address: None)
    when_closed = []

    @contextmanager
    def runner(**_):
        yield SimpleNamespace(client=SimpleNamespace(run=lambda *_, **__: {"tcp://there:1": True}))
        when_closed.append(cluster.over.is_set())

    monkeypatch.setattr(cluster_module, "DaskTaskRunner", runner)
    with cluster_at("tcp://there:1") as cluster:
        assert not cluster.over.is_set()
    assert when_closed == [True]


RECORD = Record(
    what="train",
    dataset="sales",
    cell=CELL,
    hidden_size=4,
    seed=0,
    seconds=2.5,
    peak_megabytes=300,
    time=1_700_000_000,
)


def returning(layout, result, over=False):
    ended = threading.Event()
    if over:
        ended.set()
    return Returning(SimpleNamespace(result=result), layout, ended)  # type: ignore[arg-type]


def test_what_work_took_elsewhere_is_noted_in_the_study(layout):
    returning(layout, lambda: [RECORD]).result()
    assert read_records(layout) == [RECORD]


def raising(error):
    def result():
        raise error

    return result


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KilledWorker("k", SimpleNamespace(address="tcp://10.0.0.7:1"), 3), "10.0.0.7"),
        (CancelledError("scheduler-connection-lost"), "the cluster was lost"),
    ],
)
def test_lost_work_is_an_error_of_the_study(layout, error, told):
    with pytest.raises(StudyError, match=told):
        returning(layout, raising(error)).result()
    assert read_records(layout) == []


@pytest.mark.parametrize(
    "error", [CancelledError("client closed"), UnboundLocalError("result"), KilledWorker("k", 0, 3)]
)
def test_work_that_the_end_of_its_run_cancels_is_not_lost(layout, error):
    """Ctrl-C ended with: failed: the cluster was lost. Dask's client also fails to return."""
    with pytest.raises(CancelledError):
        returning(layout, raising(error), over=True).result()


def test_error_of_the_work_itself_stays_as_it_is(layout):
    with pytest.raises(StudyError, match=r"^no such cell$"):
        returning(layout, raising(StudyError("no such cell"))).result()


def test_work_that_begins_after_the_end_is_cancelled(layout):
    """The client is closed then, and says that its loop is."""

    def closed(*_):
        raise RuntimeError("IOLoop is closed")

    runner = SimpleNamespace(submit=closed)
    cluster = Cluster(runner, copy_context())  # type: ignore[arg-type]
    cluster.shared.add("digest")
    work = SimpleNamespace(config=SimpleNamespace(data="digest", dataset="sales"), layout=layout)
    with pytest.raises(RuntimeError):
        cluster.begin(None, TRAIN, work)  # type: ignore[arg-type]
    cluster.over.set()
    with pytest.raises(CancelledError):
        cluster.begin(None, TRAIN, work)  # type: ignore[arg-type]
