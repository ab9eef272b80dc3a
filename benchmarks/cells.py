"""Speed of every cell against torch.nn and against the eager loop, interleaved in one run.

    python benchmarks/cells.py [--threads 1 2] [--seconds 20] [--cells gru lstm] [--json]

Times are medians of whole calls of a layer, taken in turns so that the machine's moods are
shared; a ratio above 1 means that ours is faster. `train` is a forward and a backward pass,
`infer` a forward pass without gradients. The cells of torch.nn are nn.RNN (tanh), nn.LSTM and
nn.GRU; the last is compared with `gru` too, although it resets after the product. The eager
loop is ours, with the input product hoisted, or the scan where a cell has one and it is faster.
Of `infer` the table has the mean over the shapes and the lowest ratio of any.
The share of the peak counts the multiply-adds of the recurrent products alone in a train step,
against what the same cores reach in a loop of nothing else, measured in the same run.
`stream` is `Recurrent.step` without gradients against nn.GRUCell and nn.LSTMCell, in turns of
32 steps, each of which reads the state that the one before left; there a ratio is time by time,
and below 1 means that ours is faster.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from math import prod
from typing import Any

import torch
from multiply_add_peak import peak_per_second
from torch import Tensor, nn

from rnn_core.cells import REGISTRY
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

Shape = tuple[int, int, int, int]
SHAPES: tuple[Shape, ...] = (
    (96, 32, 7, 64),
    (50, 32, 64, 128),
    (100, 64, 128, 256),
    (256, 64, 128, 256),
    (37, 5, 11, 50),
)
"""Steps, sequences, input features and hidden size."""

REFERENCES: dict[str, type[nn.RNNBase]] = {
    "rnn_tanh": nn.RNN,
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "gru_reset_after": nn.GRU,
}
FEWEST_REPEATS = 5

STREAMS: tuple[Shape, ...] = tuple(
    (32, batch, inputs, hidden)
    for hidden in (64, 512)
    for inputs in (7, hidden)
    for batch in (1, 8)
)
"""Steps of a turn, sequences, input features and hidden size."""

SINGLE: dict[str, type[nn.RNNCellBase]] = {"gru": nn.GRUCell, "lstm": nn.LSTMCell}
STREAM_SECONDS = 1.0
"""For each shape and cell."""


def train_step(
    layer: nn.Module, x: Tensor, gradient: Tensor, *, eager: bool = False
) -> Callable[[], None]:
    """A forward and a backward pass, from a given gradient of the outputs."""

    def step() -> None:
        with eager_only() if eager else nullcontext():
            layer.zero_grad()
            outputs, _ = layer(x)
            outputs.backward(gradient)

    return step


def inference(layer: nn.Module, x: Tensor) -> Callable[[], None]:
    """A forward pass alone."""

    def step() -> None:
        with torch.inference_mode():
            layer(x)

    return step


def streaming(
    step: Callable[..., Any], first: Tensor | tuple[Tensor, Tensor], xs: Tensor, *, ours: bool
) -> Callable[[], None]:
    """Steps of a stream, one after another; ours return the output beside the state."""

    def turn() -> None:
        state = first
        with torch.inference_mode():
            for x in xs:
                state = step(x, state)[1] if ours else step(x, state)

    return turn


def stream(shape: Shape, cell: str) -> dict[str, float]:
    """Median seconds of a step of a stream: ours, and that of torch's single cell."""
    length, batch, inputs, hidden = shape
    torch.manual_seed(0)
    xs = torch.randn(length, batch, inputs)
    state = torch.randn(batch, hidden)
    single = SINGLE[cell](inputs, hidden)
    layer = Recurrent(cell, inputs, hidden)
    first = (state, state) if cell == "lstm" else state
    ours = (state[None], state[None]) if cell == "lstm" else state[None]
    turns = {
        "ours": streaming(layer.step, ours, xs, ours=True),
        "torch": streaming(single, first, xs, ours=False),
    }
    return {name: time / length for name, time in medians(turns, STREAM_SECONDS).items()}


def streams() -> dict[str, dict[str, float]]:
    """Seconds of a step of all streams, and ours by torch's."""
    found = {}
    for shape in STREAMS:
        for cell in SINGLE:
            times = stream(shape, cell)
            name = f"{cell}, {', '.join(map(str, shape[1:]))}"
            found[name] = times | {"ratio": times["ours"] / times["torch"]}
    return found


def stream_table(found: dict[str, dict[str, float]]) -> str:
    """Table of the streams, in microseconds."""
    lines = [f"{'stream: sequences, inputs, hidden':34}{'ours us':>9}{'torch us':>10}{'ratio':>7}"]
    for name, times in found.items():
        ours, torchs = 1e6 * times["ours"], 1e6 * times["torch"]
        lines.append(f"{name:34}{ours:>9.1f}{torchs:>10.1f}{times['ratio']:>7.2f}")
    return "\n".join(lines)


def medians(steps: dict[str, Callable[[], None]], seconds: float) -> dict[str, float]:
    """Median seconds of each step; all are taken in turns until the time is used up.

    Every turn has an order of its own. In a fixed one some steps would always find caches as the
    same step before them left them, and an eager loop leaves little.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    turn, order = list(steps.items()), random.Random(0)
    for step in steps.values():
        step()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < FEWEST_REPEATS:
        order.shuffle(turn)
        for name, step in turn:
            start = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def references(cells: Iterable[str]) -> set[type[nn.RNNBase]]:
    """The layers of torch.nn that these cells are compared with."""
    return {REFERENCES[cell] for cell in cells if cell in REFERENCES}


def measure(shape: Shape, cells: list[str], seconds: float) -> dict[str, float]:
    """Median seconds, by `<what>:<whose>:<cell>`; torch's by the name of its class."""
    length, batch, inputs, hidden = shape
    torch.manual_seed(0)
    x, gradient = torch.randn(length, batch, inputs), torch.randn(length, batch, hidden)
    steps: dict[str, Callable[[], None]] = {}
    for cell in cells:
        layer = Recurrent(cell, inputs, hidden)
        steps[f"train:ours:{cell}"] = train_step(layer, x, gradient)
        steps[f"train:eager:{cell}"] = train_step(layer, x, gradient, eager=True)
        steps[f"infer:ours:{cell}"] = inference(layer, x)
    for kind in references(cells):
        steps[f"train:torch:{kind.__name__}"] = train_step(kind(inputs, hidden), x, gradient)
        steps[f"infer:torch:{kind.__name__}"] = inference(kind(inputs, hidden), x)
    return medians(steps, seconds)


def geometric_mean(values: Iterable[float]) -> float:
    """The mean of ratios."""
    numbers = list(values)
    return prod(numbers) ** (1 / len(numbers))


def against_torch(seconds: dict[str, float], what: str, cell: str) -> float:
    """Speed of a cell in multiples of torch's layer."""
    return seconds[f"{what}:torch:{REFERENCES[cell].__name__}"] / seconds[f"{what}:ours:{cell}"]


def against_eager(seconds: dict[str, float], cell: str) -> float:
    """Speed of a cell in multiples of the eager loop."""
    return seconds[f"train:eager:{cell}"] / seconds[f"train:ours:{cell}"]


def peak_share(shape: Shape, seconds: dict[str, float], cell: str, peak: float) -> float:
    """Share of the peak that the recurrent products of a train step reach."""
    length, batch, inputs, hidden = shape
    layer = Recurrent(cell, inputs, hidden)
    own = layer.multiply_accumulates - len(layer.cell.gates) * inputs * hidden
    # Three products: the step, its derivative by the state, and that by the weights.
    return 3 * length * batch * own / seconds[f"train:ours:{cell}"] / peak


def summary(results: dict[Shape, dict[str, float]], cells: list[str], peak: float) -> dict:
    """All ratios: their geometric means over the shapes, and by shape."""
    compared = [cell for cell in cells if cell in REFERENCES]
    ratios = {
        "train_vs_torch": lambda s, t, c: against_torch(t, "train", c),
        "train_vs_eager": lambda s, t, c: against_eager(t, c),
        "infer_vs_torch": lambda s, t, c: against_torch(t, "infer", c),
        "peak_share": lambda s, t, c: peak_share(s, t, c, peak),
    }
    found: dict = {"peak_multiply_adds_per_second": peak, "shapes": {}}
    for shape, times in results.items():
        found["shapes"][", ".join(map(str, shape))] = {
            name: {c: ratio(shape, times, c) for c in (compared if "torch" in name else cells)}
            for name, ratio in ratios.items()
        } | {"seconds": times}
    for name in ratios:
        kept = [
            found["shapes"][", ".join(map(str, shape))][name]
            for shape in results
            if name != "peak_share" or shape[3] == 256
        ]
        found[name] = {cell: geometric_mean(r[cell] for r in kept) for cell in kept[0]}
    return found


def table(found: dict, cells: list[str]) -> str:
    """Table of the ratios: a row per cell, train against torch and eager by shape."""
    shapes = found["shapes"]
    lines = [f"{'train against torch, eager':18}" + "".join(f"{s:>20}" for s in (*shapes, "mean"))]
    lines[0] += f"{'infer, lowest':>16}{'peak share':>12}"
    for cell in cells:
        row = f"{cell:26}"
        for one in (*shapes.values(), found):
            torch_ratio = one["train_vs_torch"].get(cell)
            beside = f"{torch_ratio:.2f}, " if torch_ratio else ""
            row += f"{beside + format(one['train_vs_eager'][cell], '.2f'):>20}"
        row += f"{infer_ratios(found, cell):>16}{found['peak_share'][cell]:>12.2f}"
        lines.append(row)
    return "\n".join(lines)


def infer_ratios(found: dict, cell: str) -> str:
    """Inference speed of a cell compared with torch's: the mean over the shapes, and the lowest."""
    if cell not in found["infer_vs_torch"]:
        return ""
    ratios = [shape["infer_vs_torch"][cell] for shape in found["shapes"].values()]
    return f"{found['infer_vs_torch'][cell]:.2f}, {min(ratios):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=20, help="for each shape and threads")
    parser.add_argument("--cells", nargs="+", choices=list(REGISTRY), default=list(REGISTRY))
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    arguments = parser.parse_args()
    found = {}
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        peak = peak_per_second(threads)
        results = {}
        for shape in SHAPES:
            sys.stderr.write(f"{threads} threads, {shape}\n")
            results[shape] = measure(shape, arguments.cells, arguments.seconds)
        found[str(threads)] = summary(results, arguments.cells, peak) | {"streams": streams()}
        print(f"{threads} threads; peak {peak / 1e9:.0f} billion multiply-adds a second")
        print(table(found[str(threads)], arguments.cells))
        print(stream_table(found[str(threads)]["streams"]))
    if arguments.json:
        print(json.dumps({"threads": found}))


if __name__ == "__main__":
    main()
