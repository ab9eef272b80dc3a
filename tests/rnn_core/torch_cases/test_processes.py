"""Layers in several processes beside modules of `torch.nn`: averaged gradients, copies, sharing.

From PyTorch's distributed tests, test_ddp_packed_sequence, and test_multiprocessing.py.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Results of the script; its processes talk to each other over the loopback alone."""
    written = tmp_path_factory.mktemp("processes")
    subprocess.run(
        [sys.executable, HERE / "processes.py", written],
        check=True,
        timeout=180,
        env=os.environ | {"GLOO_SOCKET_IFNAME": "lo"},
    )
    return written


@pytest.mark.parametrize("case", ["averaged-0", "averaged-1", "fork", "spawn"])
def test_processes_get_what_torchs_get(folder, case):
    spec = importlib.util.spec_from_file_location("torch_cases_sides", HERE / "sides.py")
    sides = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = sides
    spec.loader.exec_module(sides)
    ours, theirs = (torch.load(folder / f"{case}-{side}") for side in ("ours", "theirs"))
    sides.agree(ours, theirs)


def test_gradients_are_the_mean_of_both_processes(folder):
    first, second = (torch.load(folder / f"averaged-{rank}-ours") for rank in (0, 1))
    for (alone, averaged), (other, same) in zip(first, second, strict=True):
        for name, gradient in averaged.items():
            mean = (alone[name] + other[name]) / 2
            torch.testing.assert_close(gradient, mean, rtol=1e-12, atol=1e-12)
            assert torch.equal(gradient, same[name])
            assert not torch.equal(alone[name], other[name])


@pytest.mark.parametrize("case", ["fork", "spawn"])
def test_weights_trained_elsewhere_are_seen_here(folder, case):
    for before, (answered, again, after) in torch.load(folder / f"{case}-ours"):
        torch.testing.assert_close(answered[0], before[0], rtol=0, atol=0)
        torch.testing.assert_close(again[0], after[0], rtol=0, atol=0)
        assert not torch.equal(after[0], before[0])
