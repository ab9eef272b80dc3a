"""Workers: warm, apart from each other, and gone with the pool or the process that has it."""

import ctypes
import gc
import math
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import CancelledError, wait
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting import lives, wait_for

from flows.trainings.workers import Pool, WorkerLostError
from rnn_core.errors import DataError, ParameterError, StudyError

WAIT_SECONDS = 20


def processes_below(pid=None):
    return {process.pid for process in psutil.Process(pid).children(recursive=True)}


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def error_of(future):
    return future.exception(WAIT_SECONDS)


@pytest.fixture
def jobs(monkeypatch):
    """Functions for workers, which find their module as this process does."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import worker_jobs

    return worker_jobs


@pytest.fixture
def log(tmp_path):
    return tmp_path / "logs/workers.log"


@pytest.fixture
def pool(jobs, log):
    with Pool(2, log=log) as pool:
        yield pool


class TestWarmth:
    def test_modules_are_imported_once_for_all_workers_and_not_here(self, tmp_path, jobs, log):
        (tmp_path / "costly.py").write_text(
            "import os\nwith open('imports', 'a') as file:\n    file.write(f'{os.getpid()}\\n')\n"
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(tmp_path)
            with Pool(2, preload=["costly"], log=log, cwd=tmp_path) as pool:
                for _ in range(3):
                    assert isinstance(error_of(pool.submit(os._exit, 1)), WorkerLostError)
                futures = [pool.submit(exec, "import costly") for _ in range(8)]
                assert [error_of(future) for future in futures] == [None] * 8
        assert len((tmp_path / "imports").read_text().splitlines()) == 1
        assert "costly" not in sys.modules

    def test_import_begins_before_the_first_job(self, tmp_path, monkeypatch, log):
        (tmp_path / "marked.py").write_text("open('mark', 'w').close()\n")
        monkeypatch.syspath_prepend(tmp_path)
        with Pool(1, preload=["marked"], log=log, cwd=tmp_path):
            wait_for((tmp_path / "mark").exists)

    def test_numeric_libraries_use_one_thread_and_this_process_is_left_alone(
        self, monkeypatch, jobs, log
    ):
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        before = dict(os.environ)
        with Pool(1, preload=["torch"], log=log) as pool:
            assert pool.submit(jobs.thread_settings).result(WAIT_SECONDS) == (1, ["1"] * 3)
        assert dict(os.environ) == before

    def test_workers_are_kept(self, jobs, log):
        with Pool(1, log=log) as pool:
            assert len({pool.submit(os.getpid).result(WAIT_SECONDS) for _ in range(9)}) == 1

    @pytest.mark.parametrize(
        ("module", "error"),
        [("no_such_module", ModuleNotFoundError), ("broken", DataError), ("ends", StudyError)],
    )
    def test_job_fails_as_the_import_did(self, tmp_path, monkeypatch, log, module, error):
        (tmp_path / "broken.py").write_text(
            "from rnn_core.errors import DataError\nraise DataError('a broken file')\n"
        )
        (tmp_path / "ends.py").write_text("raise SystemExit('no more')\n")
        monkeypatch.syspath_prepend(tmp_path)
        with Pool(2, preload=[module], log=log) as pool:
            for _ in range(3):
                assert type(error_of(pool.submit(os.getpid))) is error


class TestOutcomes:
    def test_results_and_arguments_of_any_size(self, pool):
        futures = [pool.submit(bytes.__mul__, b"ab", size) for size in (0, 1, 3_000_000)]
        assert [len(f.result(WAIT_SECONDS)) for f in futures] == [0, 2, 6_000_000]
        assert pool.submit(len, bytes(5_000_000)).result(WAIT_SECONDS) == 5_000_000
        assert pool.submit(sorted, [1, 2], reverse=True).result(WAIT_SECONDS) == [2, 1]

    def test_error_keeps_its_type_and_text_and_the_worker_goes_on(self, jobs, log):
        with Pool(1, log=log) as pool:
            worker = pool.submit(os.getpid).result(WAIT_SECONDS)
            for raised in (DataError("sales.csv: line 3: no number"), KeyError("x")):
                error = error_of(pool.submit(jobs.fail, raised))
                assert (type(error), str(error)) == (type(raised), str(raised))
            assert pool.submit(os.getpid).result(WAIT_SECONDS) == worker

    @pytest.mark.parametrize(
        ("function", "arguments", "text"),
        [
            ("fail_unreadably", (), "NotPicklableError: a file, line 3"),
            ("fail", (SystemExit(3),), "SystemExit: 3"),
        ],
    )
    def test_error_that_cannot_be_sent_becomes_ours(self, jobs, log, function, arguments, text):
        with Pool(1, log=log) as pool:
            worker = pool.submit(os.getpid).result(WAIT_SECONDS)
            error = error_of(pool.submit(getattr(jobs, function), *arguments))
            assert (type(error), str(error)) == (StudyError, text)
            assert pool.submit(os.getpid).result(WAIT_SECONDS) == worker

    def test_result_that_cannot_be_sent_is_an_error(self, jobs, log):
        with Pool(1, log=log) as pool:
            assert error_of(pool.submit(threading.Lock)) is not None
            assert pool.submit(math.sqrt, 4).result(WAIT_SECONDS) == 2

    def test_log_has_what_jobs_print_after_what_it_held(self, monkeypatch, log):
        monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
        log.parent.mkdir()
        log.write_text("from before\n")
        for number in range(2):
            with Pool(1, log=log) as pool:
                pool.submit(print, "job", number).result(WAIT_SECONDS)
                assert error_of(pool.submit(math.sqrt, -1))
        lines = log.read_text().splitlines()
        assert lines[:2] == ["from before", "job 0"]
        assert [lines.count(line) for line in ("job 1", "ValueError: math domain error")] == [1, 2]

    def test_jobs_that_read_their_input_find_nothing(self, pool):
        assert isinstance(error_of(pool.submit(input)), EOFError)

    def test_function_without_a_name_is_refused_at_once(self, pool):
        with pytest.raises(Exception, match="pickle"):
            pool.submit(lambda: 1)


class TestLostWorkers:
    @pytest.mark.parametrize(
        ("function", "arguments", "told"),
        [
            ("end_by", (signal.SIGKILL,), "SIGKILL"),
            ("end_by", (signal.SIGTERM,), "SIGTERM"),
            (os._exit, (3,), "code 3"),
            (os._exit, (0,), "code 0"),
            (ctypes.string_at, (0,), "SIGSEGV"),
            ("close_descriptors_and_end", (), "code 4"),
            ("leave_child_and_end", ("go",), "code 5"),
        ],
    )
    def test_only_its_own_job_is_lost(self, tmp_path, pool, jobs, function, arguments, told):
        other = pool.submit(jobs.wait_for_file, tmp_path / "go")
        function = getattr(jobs, function) if isinstance(function, str) else function
        arguments = [tmp_path / a if a == "go" else a for a in arguments]
        error = error_of(pool.submit(function, *arguments))
        assert isinstance(error, WorkerLostError)
        assert told in str(error)
        assert pool.submit(math.sqrt, 4).result(WAIT_SECONDS) == 2
        (tmp_path / "go").touch()
        assert other.result(WAIT_SECONDS) == "it is there"

    def test_idle_worker_that_ends_costs_no_job(self, jobs, log):
        with Pool(1, log=log) as pool:
            worker = pool.submit(os.getpid).result(WAIT_SECONDS)
            os.kill(worker, signal.SIGKILL)
            wait_for(lambda: not lives(worker))
            assert pool.submit(os.getpid).result(WAIT_SECONDS) != worker

    def test_process_that_workers_come_from_is_replaced_too(self, pool, jobs):
        other = pool.submit(time.sleep, 60)
        for future in (pool.submit(jobs.end_parent), other):
            assert isinstance(error_of(future), WorkerLostError)
        assert pool.submit(math.sqrt, 4).result(WAIT_SECONDS) == 2


class TestEnd:
    def test_cancel_ends_all_workers_and_fails_all_jobs(self, log):
        before = processes_below()
        with Pool(2, log=log) as pool:
            futures = [pool.submit(time.sleep, 60) for _ in range(5)]
            wait_for(lambda: [future.running() for future in futures].count(True) == 2)
            below = wait_for(lambda: len(new := processes_below() - before) == 3 and new)
            waiters = [
                threading.Thread(target=wait, args=[[future]], daemon=True) for future in futures
            ]
            for waiter in waiters:
                waiter.start()
            pool.cancel()
            for waiter in waiters:
                waiter.join(WAIT_SECONDS)
            assert not any(waiter.is_alive() for waiter in waiters)
            for future in futures:
                with pytest.raises(CancelledError):
                    future.result(WAIT_SECONDS)
            wait_for(lambda: not any(map(lives, below)))
            with pytest.raises(CancelledError):
                pool.submit(os.getpid)

    def test_nothing_is_left_at_the_end_of_the_block(self, jobs, log):
        threads, files, before = set(threading.enumerate()), descriptors(), processes_below()
        with Pool(2, log=log) as pool:
            workers = {pool.submit(os.getpid).result(WAIT_SECONDS) for _ in range(5)}
            assert isinstance(error_of(pool.submit(os._exit, 1)), WorkerLostError)
            running = [pool.submit(time.sleep, 60) for _ in range(2)]
            wait_for(lambda: all(future.running() for future in running))
            below = processes_below() - before
            assert workers & below
        assert not any(map(lives, below))
        assert all(isinstance(error_of(future), CancelledError) for future in running)
        assert set(threading.enumerate()) <= threads
        wait_for(lambda: descriptors() <= files)

    def test_error_inside_the_block_ends_the_workers(self, jobs, log):
        with pytest.raises(KeyboardInterrupt), Pool(1, log=log) as pool:
            worker = pool.submit(os.getpid).result(WAIT_SECONDS)
            pool.submit(time.sleep, 60)
            raise KeyboardInterrupt
        assert not lives(worker)

    def test_pool_that_is_not_entered_takes_no_jobs(self, log):
        with pytest.raises(CancelledError):
            Pool(1, log=log).submit(os.getpid)


PROGRAM = """
import sys, time
from pathlib import Path
import worker_jobs
from flows.trainings.workers import Pool
preload, *work = sys.argv[1:]
with Pool(2, preload=preload.split(), log=Path("log")) as pool:
    for code in work:
        future = pool.submit(*eval(code))
    try:
        print("ready", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        Path("interrupted").touch()
    print(future.result(20), flush=True)
"""


@pytest.fixture
def start(jobs, tmp_path):
    """Starts a program with a pool of two, as the first of a group; ends it with the test."""
    started = []

    def run(*arguments):
        path = os.pathsep.join(map(os.path.abspath, sys.path))
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{path}"},
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def at_work(parent, names):
    """The processes below one, once those with certain names have computed for a while."""
    below = [psutil.Process(pid) for pid in processes_below(parent.pid)]
    busy = [p.name() for p in below if lives(p.pid) and p.cpu_times().user > 0.1]
    return processes_below(parent.pid) if busy == names else None


def kill_and_wait(parent, below):
    """Kill a process and wait until those that were below it are gone."""
    parent.kill()
    try:
        wait_for(lambda: not any(map(lives, below)))
    finally:
        for pid in filter(lives, below):
            os.kill(pid, signal.SIGKILL)


class TestSignals:
    def test_workers_are_gone_after_a_kill_of_their_parent_whatever_they_do(self, start):
        """One is in a Python loop, one in a long call of C that no other thread interrupts."""
        parent = start("", "(worker_jobs.spin,)", "(sum, range(10**12))")
        below = wait_for(lambda: at_work(parent, ["gatewise worker"] * 2))
        assert len(below) == 3
        kill_and_wait(parent, below)

    def test_import_for_workers_is_gone_after_a_kill_of_their_parent(self, start, tmp_path):
        (tmp_path / "endless.py").write_text("open('begun', 'w').close()\nsum(range(10**12))\n")
        parent = start("endless")
        wait_for((tmp_path / "begun").exists)
        (importing,) = processes_below(parent.pid)
        kill_and_wait(parent, [importing])

    def test_interrupt_of_the_group_is_left_to_the_parent(self, start, tmp_path):
        parent = start("", "(worker_jobs.wait_for_file, 'interrupted', 'begun')")
        wait_for((tmp_path / "begun").exists)
        os.killpg(parent.pid, signal.SIGINT)
        assert parent.communicate(timeout=WAIT_SECONDS)[0] == "it is there\n"


class TestDevices:
    def test_each_worker_sees_its_own(self, tmp_path, jobs, log):
        with Pool(1, ["3", "GPU-a1"], log=log) as pool:
            assert not isinstance(error_of(pool.submit(jobs.process_and_device)), Exception)
            seen = {}
            wait_for(
                lambda: (
                    seen.update([pool.submit(jobs.process_and_device).result(WAIT_SECONDS)])
                    or len(seen) == 2
                )
            )
        assert sorted(seen.values()) == ["3", "GPU-a1"]

    def test_without_devices_workers_see_what_this_process_does(self, monkeypatch, jobs, log):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,6")
        with Pool(1, log=log) as pool:
            assert pool.submit(jobs.process_and_device).result(WAIT_SECONDS)[1] == "5,6"

    @pytest.mark.parametrize(("number", "devices"), [(0, []), (-1, []), (2, ["0", "1", "0"])])
    def test_impossible_numbers_are_refused(self, log, number, devices):
        with pytest.raises(ParameterError):
            Pool(number, devices, log=log)


JOBS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from([*["return"] * 6, "raise", "exit", "kill", "kill"]),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """Pools with one to four devices that there are not."""
    folder = tmp_path_factory.mktemp("devices")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        pools = {
            n: Pool(1, [f"{n}-{i}" for i in range(n)], log=folder / "log") for n in range(1, 5)
        }
        for pool in pools.values():
            pool.__enter__()
        yield folder, pools
        for pool in pools.values():
            pool.__exit__(None, None, None)


def expected(number, fate):
    """Expected result of a job on a device that nobody else holds."""
    return {"return": number, "raise": ValueError}.get(fate, WorkerLostError)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(size=st.integers(1, 4), schedule=JOBS, kill_all=st.integers(0, 99))
def test_no_schedule_has_two_workers_on_a_device(jobs, machines, size, schedule, kill_all):
    """Each job is done or fails once; where all workers are killed, others may fail with it."""
    folder, pools = machines
    (folder / "started").unlink(missing_ok=True)
    ends = []
    if kill_all < len(schedule):
        schedule[kill_all] = (1, "kill all")
    futures = []
    for number, (duration, fate) in enumerate(schedule):
        future = pools[size].submit(jobs.hold_device, str(folder), number, duration, fate)
        future.add_done_callback(lambda _, number=number: ends.append(number))
        futures.append(future)
    for number, (future, (_, fate)) in enumerate(zip(futures, schedule, strict=True)):
        error = error_of(future)
        outcome = type(error) if error else future.result()
        possible = {expected(number, fate)} | (
            {WorkerLostError} if kill_all < len(schedule) else set()
        )
        assert outcome in possible
    wait_for(lambda: len(ends) == len(schedule))
    assert sorted(ends) == list(range(len(schedule)))
    started = (folder / "started").read_text().split()
    assert len(set(started)) == len(started)


class TestMany:
    def test_jobs_from_many_threads_leave_nothing(self, pool):
        pool.submit(math.sqrt, 1).result(WAIT_SECONDS)
        found, kept = [], weakref.WeakSet()

        def ask(first):
            futures = [pool.submit(math.sqrt, (first + i) ** 2) for i in range(50)]
            kept.update(futures)
            found.extend(future.result(WAIT_SECONDS) for future in futures)

        wait_for(lambda: pool.submit(os.getpid).result(WAIT_SECONDS))
        threads = [threading.Thread(target=ask, args=[100 * i]) for i in range(8)]
        before = descriptors()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == sorted(100 * i + j for i in range(8) for j in range(50))
        gc.collect()
        wait_for(lambda: not kept)
        for _ in range(20):
            assert isinstance(error_of(pool.submit(os._exit, 1)), WorkerLostError)
        assert descriptors() <= before + 6  # of a second worker that may have come
