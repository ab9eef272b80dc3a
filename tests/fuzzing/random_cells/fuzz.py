"""`python -m random_cells`: many random cells against the eager loop, in batches.

What is done is remembered in a file, so that a run that was stopped goes on where it was. A cell
whose kernel differs is made as small as can be and printed, and the next run begins with it.
"""

import argparse
import json
import os
import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from hypothesis import given, seed

from random_cells import settings
from random_cells.generator import Example, examples
from random_cells.oracle import check
from rnn_core.fused import build

BATCH = 25
"""Cells that are drawn together, with a seed of their own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is left of so many cells; 1 if one of them differs."""
    parser = argparse.ArgumentParser(prog="python -m random_cells", description=__doc__)
    parser.add_argument("--cells", type=int, default=5000, help="how many in all")
    parser.add_argument("--seed", type=int, help="of all batches; that of the file, or any")
    parser.add_argument("--progress", type=Path, default=Path(".gatewise/fuzz.json"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--flags", nargs="*", help="of the compiler, after its own")
    options = parser.parse_args(arguments)
    kept = progress_of(options.progress, options.seed)
    print(f"seed {kept['seed']}, progress in {options.progress}")
    left = [n for n in range(-(-options.cells // BATCH)) if str(n) not in kept["batches"]]
    # A process keeps all kernels that it has loaded, so it ends after a few batches.
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), max_tasks_per_child=4) as pool:
        runs = {pool.submit(batch, kept["seed"], n, options.flags or []): n for n in left}
        for done in as_completed(runs):
            found = done.result()
            if "failure" in found:
                pool.shutdown(cancel_futures=True)
                print(found["failure"])
                print(f"batch {runs[done]} of seed {kept['seed']} failed; run again to see it")
                return 1
            kept["batches"][str(runs[done])] = found
            write(options.progress, kept)
            print(summary(kept), flush=True)
    return 0


def progress_of(path: Path, wanted: int | None) -> dict[str, Any]:
    """What is done, from a file; nothing, if there is none or it is of another seed."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        kept = {"seed": random.SystemRandom().randrange(2**31), "batches": {}}
    if wanted is not None and wanted != kept["seed"]:
        return {"seed": wanted, "batches": {}}
    return kept


def write(path: Path, kept: dict[str, Any]) -> None:
    """Remember what is done, at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(kept))
    new.replace(path)


def summary(kept: dict[str, Any]) -> str:
    """What is done, in a line."""
    batches = kept["batches"].values()
    eager: Counter[str] = sum((Counter(b["eager"]) for b in batches), Counter())
    cells, checked = (sum(b[what] for b in batches) for what in ("cells", "checked"))
    text = f"{cells} cells equal the eager loop, {checked} of them by finite differences too"
    return text + (f"; in the eager loop: {dict(eager)}" if eager else "")


def batch(number: int, index: int, flags: Sequence[str]) -> dict[str, Any]:
    """Draw and check one batch, with a cache of its own for what is compiled.

    Args:
        number: The seed of all batches.
        index: Which batch.
        flags: Further flags of the compiler.

    Returns:
        Counts; or under "failure" what a person has to see.
    """
    torch.set_num_threads(1)
    build.FLAGS = (*build.FLAGS, *flags)
    eager: Counter[str] = Counter()
    cells = checked = 0

    @seed(number * 1_000_003 + index)
    @settings.of(BATCH)
    @given(examples())
    def run(example: Example) -> None:
        nonlocal cells, checked
        outcome = check(example, gradcheck=cells % 10 == 0)
        cells += 1
        checked += outcome.checked
        if outcome.reason:
            eager[outcome.reason] += 1

    with TemporaryDirectory(prefix="random-cells-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            run()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            notes = "\n".join(getattr(error, "__notes__", ()))
            return {"failure": f"{type(error).__name__}: {error}\n{notes}"}
    return {"cells": cells, "checked": checked, "eager": dict(eager)}
