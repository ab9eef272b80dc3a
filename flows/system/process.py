"""Age, user and threads of this process."""

import getpass
import os
import time
from pathlib import Path


def age_seconds() -> float:
    """Seconds since this process started."""
    after_name = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def user() -> str:
    """The name of the user; the number of one without a name, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def use_one_thread() -> None:
    """Limit numeric libraries to one thread; call it before they are imported."""
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
