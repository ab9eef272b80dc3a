"""`python -m random_cells.batch SEED INDEX [FLAG ...]`: one batch of random cells, told as JSON."""

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

import torch
from hypothesis import given, seed

from random_cells import settings
from random_cells.generator import Example, examples
from random_cells.oracle import check
from rnn_core.compiler.cpu import build

BATCH = 50
"""Cells that are drawn together, with a seed of their own."""


def batch(number: int, index: int, flags: Sequence[str]) -> dict[str, Any]:
    """Draw and check one batch, with a cache of its own for what is compiled.

    Args:
        number: The seed of all batches.
        index: Which batch.
        flags: Further flags of the compiler.

    Returns:
        Counts; or under "failure" a description.
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


if __name__ == "__main__":
    print(json.dumps(batch(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])))
