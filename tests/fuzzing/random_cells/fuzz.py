"""`python -m random_cells`: many random cells against the eager loop, in batches.

Each batch has a process of its own, since a process keeps all kernels that it has loaded, and one
that crashes is a finding. What is done is remembered in a file, so that a run that was stopped
goes on where it was. A cell whose kernel differs is made as small as can be and printed, and the
next run begins with it.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from random_cells.batch import BATCH

FOLDER = Path(__file__).parents[1]
"""Where a batch's process finds this package."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the remaining ones of a number of cells; 1 if one of them differs."""
    parser = argparse.ArgumentParser(prog="python -m random_cells", description=__doc__)
    parser.add_argument("--cells", type=int, default=5000, help="how many in all")
    parser.add_argument("--seed", type=int, help="of all batches; that of the file, or any")
    parser.add_argument("--progress", type=Path, default=Path(".gatewise/fuzz.json"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--flag", action="append", default=[], help="of the compiler: --flag=-O1")
    options = parser.parse_args(arguments)
    kept = progress_of(options.progress, options.seed)
    print(f"seed {kept['seed']}, progress in {options.progress}")
    left = [n for n in range(-(-options.cells // BATCH)) if str(n) not in kept["batches"]]
    with ThreadPoolExecutor(options.jobs) as pool:
        runs = {pool.submit(batch, kept["seed"], n, options.flag): n for n in left}
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
    """Progress, from a file; empty if there is none, or if its seed differs."""
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
    """Summary in a line."""
    batches = kept["batches"].values()
    eager: Counter[str] = sum((Counter(b["eager"]) for b in batches), Counter())
    cells, checked = (sum(b[what] for b in batches) for what in ("cells", "checked"))
    text = f"{cells} cells equal the eager loop, {checked} of them by finite differences too"
    return text + (f"; in the eager loop: {dict(eager)}" if eager else "")


def batch(number: int, index: int, flags: Sequence[str]) -> dict[str, Any]:
    """Draw and check one batch in a process of its own.

    Args:
        number: The seed of all batches.
        index: Which batch.
        flags: Further flags of the compiler.

    Returns:
        What the process has printed, see `random_cells.batch`; how it ended, under "failure",
        if it printed nothing.
    """
    command = [sys.executable, "-m", "random_cells.batch", str(number), str(index), *flags]
    path = os.pathsep.join([str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        return {"failure": f"the process ended with code {ended.returncode}\n{ended.stderr}"}
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found
