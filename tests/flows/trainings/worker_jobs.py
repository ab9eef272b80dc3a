"""Work for workers in tests, which import it by this name."""

import fcntl
import os
import signal
import time
from pathlib import Path


class NotPicklableError(Exception):
    """Can be pickled, but not read again."""

    def __init__(self, file, line):
        super().__init__(f"{file}, line {line}")


def fail(error):
    raise error


def fail_unreadably():
    raise NotPicklableError("a file", 3)


def thread_settings():
    import torch

    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return torch.get_num_threads(), [os.environ.get(name) for name in names]


def process_and_device():
    return os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES")


def end_by(number):
    os.kill(os.getpid(), number)


def end_parent():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def close_descriptors_and_end():
    os.closerange(3, 100)
    os._exit(4)


def leave_child_and_end(file):
    """The child keeps open what was the worker's, until there is a file."""
    if os.fork() == 0:
        while wait_for_file(file) != "it is there" and Path(file).parent.exists():
            pass
        os._exit(0)
    os._exit(5)


def spin():
    while True:
        pass


def wait_for_file(file, begun=None):
    if begun:
        Path(begun).touch()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if Path(file).exists():
            return "it is there"
        time.sleep(0.01)
    return "it did not come"


def hold_device(folder, number, milliseconds, fate):
    """Be the only one on a device for a while, then return or crash."""
    lock = (Path(folder) / os.environ["CUDA_VISIBLE_DEVICES"]).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "held by another"
    with (Path(folder) / "started").open("a") as started:
        started.write(f"{number}\n")
    time.sleep(milliseconds / 1000)
    match fate:
        case "raise":
            raise ValueError(number)
        case "exit":
            os._exit(1)
        case "kill":
            end_by(signal.SIGKILL)
        case "kill all":
            end_parent()
    lock.close()
    return number
