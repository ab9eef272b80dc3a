"""A process that reads sequences of many lengths grows no more than one that uses torch.nn."""

import subprocess
import sys
from pathlib import Path

import pytest

if not Path("/proc/self/status").exists():
    pytest.skip("no /proc to read the size of a process from", allow_module_level=True)

PROGRAM = """
import sys
import torch
from rnn_core.layers.recurrent import Recurrent

whose, kind, train, batch, inputs, hidden, count, least, most = sys.argv[1:3] + [
    int(word) for word in sys.argv[3:]
]
torch.set_num_threads(1)
torch.manual_seed(0)
layer = (
    Recurrent(kind, inputs, hidden)
    if whose == "ours"
    else getattr(torch.nn, kind.upper())(inputs, hidden)
)

def run(steps):
    x = torch.randn(steps, batch, inputs)
    with torch.set_grad_enabled(bool(train)):
        outputs, _ = layer(x)
        if train:
            layer.zero_grad()
            outputs.sum().backward()

def resident():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

run(2)
before = resident()
for steps in torch.randint(least, most + 1, (count,)).tolist():
    run(steps)
print(resident() - before)
"""


def growth(whose, *what):
    """MiB that a fresh process grows by, after a first small call."""
    words = [str(int(word) if isinstance(word, bool) else word) for word in what]
    command = [sys.executable, "-c", PROGRAM, whose, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


VARIED = {
    "inference": ("gru", False, 8, 64, 64, 120, 100, 1000),
    "wide inference": ("lstm", False, 3, 10, 200, 60, 10, 1000),
    "training": ("lstm", True, 16, 64, 128, 40, 50, 400),
    "training of few units": ("gru", True, 40, 20, 30, 40, 20, 400),
}


@pytest.mark.parametrize("what", VARIED.values(), ids=VARIED)
@pytest.mark.thorough
def test_growth_over_many_lengths_is_of_the_order_of_torch(what):
    assert growth("ours", *what) <= 1.5 * growth("torch", *what)


LARGE = {
    "lstm": ("lstm", True, 32, 64, 256, 1, 1000, 1000),
    "gru": ("gru", True, 64, 30, 200, 1, 700, 700),
}


@pytest.mark.parametrize("what", LARGE.values(), ids=LARGE)
@pytest.mark.thorough
def test_what_is_kept_after_a_large_training_step_is_of_the_order_of_torch(what):
    """The allocator keeps some MiB by chance on either side."""
    assert growth("ours", *what) <= 2 * max(growth("torch", *what), 6)
