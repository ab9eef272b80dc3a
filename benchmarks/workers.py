"""Throughput of two workers over that of one, the pool alone, with a thread each.

    python benchmarks/workers.py [--trainings 16] [--updates 150] [--rounds 5] [--json]

A round is the same trainings by one worker and by two, each first in turn; the ratio is the
median over rounds. Workers have started and compiled their kernels before. Both pools have to
come to the same losses, to the bit. On two quiet cores the ratio is to be 1.8 or more.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import equal_training

from flows.trainings.workers import Pool

PRELOAD = ("equal_training",)


def seconds_of(pool: Pool, trainings: int, updates: int) -> tuple[float, list[float]]:
    start = time.perf_counter()
    futures = [pool.submit(equal_training.train, seed, updates) for seed in range(trainings)]
    losses = [future.result() for future in futures]
    return time.perf_counter() - start, losses


def measure(trainings: int, updates: int, rounds: int, log: Path) -> dict[str, object]:
    seconds: dict[int, list[float]] = {1: [], 2: []}
    losses = []
    load = os.getloadavg()[0]
    with Pool(1, preload=PRELOAD, log=log) as one, Pool(2, preload=PRELOAD, log=log) as two:
        pools = {1: one, 2: two}
        for pool in pools.values():
            seconds_of(pool, trainings=4, updates=2)
        for turn in range(rounds):
            for workers in sorted(pools, reverse=turn % 2 == 1):
                took, found = seconds_of(pools[workers], trainings, updates)
                seconds[workers].append(took)
                losses.append(found)
    assert all(found == losses[0] for found in losses), "losses differ between rounds"
    ratios = [alone / both for alone, both in zip(seconds[1], seconds[2], strict=True)]
    return {
        "load_average_before": load,
        "cores": len(os.sched_getaffinity(0)),
        "trainings": trainings,
        "updates": updates,
        "seconds": seconds,
        "ratios": ratios,
        "ratio": statistics.median(ratios),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trainings", type=int, default=16)
    parser.add_argument("--updates", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print all that was measured")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "workers.log"
        found = measure(arguments.trainings, arguments.updates, arguments.rounds, log)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        print(f"two workers over one: {found['ratio']:.2f}")


if __name__ == "__main__":
    main()
