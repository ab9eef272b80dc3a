"""No two workers are on a device at once."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting import wait_for
from worker_processes import WAIT_SECONDS, error_of

from flows.trainings.workers import Pool, WorkerLostError
from rnn_core.errors import ParameterError


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
        yield folder, pools, set()
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
    """Each job is done or fails once; where all workers are killed, others may fail with it.

    So may those after it in the same pool: its workers end some time after their parent.
    """
    folder, pools, orphaned = machines
    killed = kill_all < len(schedule)
    may_lose = killed or size in orphaned
    (orphaned.add if killed else orphaned.discard)(size)
    (folder / "started").write_text("")
    ends = []
    if killed:
        schedule[kill_all] = (1, "kill all")
    futures = []
    for number, (duration, fate) in enumerate(schedule):
        future = pools[size].submit(jobs.hold_device, str(folder), number, duration, fate)
        future.add_done_callback(lambda _, number=number: ends.append(number))
        futures.append(future)
    for number, (future, (_, fate)) in enumerate(zip(futures, schedule, strict=True)):
        error = error_of(future)
        outcome = type(error) if error else future.result()
        assert outcome in {expected(number, fate)} | ({WorkerLostError} if may_lose else set())
    wait_for(lambda: len(ends) == len(schedule))
    assert sorted(ends) == list(range(len(schedule)))
    started = (folder / "started").read_text().split()
    assert len(set(started)) == len(started)
