"""Processes that promote at once: `python rivals.py STUDIES ROUNDS`, with a study for each process.

All are forks of one that has imported everything, which takes longer than the rest.
"""

import fcntl
import json
import os
import sys
import traceback
from pathlib import Path

import torch
from filelock import FileLock

from flows.layout import Layout
from flows.tracking.promotion import promote


def main(studies: list[Path], runs: dict[int, str], rounds: int, gate: Path) -> None:
    """Promote from each study into a new registered model in each round."""
    torch.set_num_threads(1)
    for number in range(rounds):
        children = []
        with FileLock(gate, thread_local=False):  # until it opens, nobody begins
            for study in studies:
                if (child := os.fork()) == 0:
                    os._exit(rival(study, runs, f"round{number}", gate))
                children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        sys.stdout.write(json.dumps(codes) + "\n")
        sys.stdout.flush()


def rival(study: Path, runs: dict[int, str], name: str, gate: Path) -> int:
    """Promote once; returns the exit code."""
    try:
        with gate.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
        promote(Layout(study), name, "sales", runs)
    except Exception:  # noqa: BLE001 - the caller sees it
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    main(
        [Path(study) for study in given["studies"]],
        {int(seed): run for seed, run in given["runs"].items()},
        given["rounds"],
        Path(given["gate"]),
    )
