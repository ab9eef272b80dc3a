"""Workers: warm, apart from each other, and gone with the pool."""

import ctypes
import gc
import math
import os
import signal
import sys
import threading
import time
import weakref
from concurrent.futures import CancelledError, wait

import pytest
from waiting import lives, wait_for
from worker_processes import WAIT_SECONDS, descriptors, error_of, processes_below

from flows.trainings.workers import Pool, WorkerLostError
from rnn_core.errors import DataError, StudyError


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
