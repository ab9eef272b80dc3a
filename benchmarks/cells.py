"""Speed of a train step of every cell against torch.nn: one run, interleaved, medians.

    python benchmarks/cells.py [--threads 1] [--repeats 15] [--json]

A ratio above 1 means that ours is faster. The cells of torch.nn are nn.RNN (tanh), nn.LSTM
and nn.GRU; the last is compared with `gru` too, although it resets after the product.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from math import prod

import torch
from torch import nn

from rnn_core.cells import REGISTRY
from rnn_core.recurrent import Recurrent

SHAPES = ((96, 32, 7, 64), (50, 32, 64, 128), (100, 64, 128, 256), (37, 5, 11, 50))
"""Steps, sequences, input features and hidden size."""

REFERENCES: dict[str, type[nn.RNNBase]] = {
    "rnn_tanh": nn.RNN,
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "gru_reset_after": nn.GRU,
}


def train_step(layer: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """One forward and backward pass."""

    def step() -> None:
        layer.zero_grad()
        outputs, _ = layer(x)
        outputs.square().mean().backward()

    return step


def medians(steps: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median seconds of each step, taken in turns so that the machine's moods are shared."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 2):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if repeat >= 2:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def measure(shape: tuple[int, int, int, int], repeats: int) -> dict[str, float]:
    """Median seconds of every cell, ours by name and torch's as `torch:<name>`."""
    length, batch, inputs, hidden = shape
    torch.manual_seed(0)
    x = torch.randn(length, batch, inputs)
    steps = {name: train_step(Recurrent(name, inputs, hidden), x) for name in REGISTRY}
    for reference in set(REFERENCES.values()):
        steps[f"torch:{reference.__name__}"] = train_step(reference(inputs, hidden), x)
    return medians(steps, repeats)


def ratio(seconds: dict[str, float], cell: str) -> float:
    """How many times as fast as torch a cell is."""
    return seconds[f"torch:{REFERENCES[cell].__name__}"] / seconds[cell]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results = {shape: measure(shape, arguments.repeats) for shape in SHAPES}
    print(f"Milliseconds a train step, {arguments.threads} threads; (x times as fast as torch)")
    print(f"{'T, B, I, H':20}" + "".join(f"{name:>20}" for name in REGISTRY))
    for shape, seconds in results.items():
        row = f"{', '.join(map(str, shape)):20}"
        for cell in REGISTRY:
            beside = f" ({ratio(seconds, cell):.2f})" if cell in REFERENCES else ""
            row += f"{f'{1000 * seconds[cell]:.1f}{beside}':>20}"
        print(row)
    means = {
        cell: prod(ratio(seconds, cell) for seconds in results.values()) ** (1 / len(results))
        for cell in REFERENCES
    }
    print(
        "geometric mean      " + "".join(f"{cell} {value:.2f}  " for cell, value in means.items())
    )
    if arguments.json:
        shapes = {", ".join(map(str, shape)): seconds for shape, seconds in results.items()}
        threads = {str(arguments.threads): {"train_vs_torch": means, "shapes": shapes}}
        print(json.dumps({"threads": threads}))


if __name__ == "__main__":
    main()
