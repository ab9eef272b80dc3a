"""All that has to be tried on a GPU, in one command: parity, speed, and a training per task.

    python benchmarks/gpu.py [--repeats 15]     on a machine with a GPU
    python benchmarks/gpu.py --interpret        parity alone, on the CPU

It needs torch >= 2.11 for CUDA, which brings Triton, and nothing else, and prints one JSON object
last. It ends with status 1 if a result is not that of the eager loop, or if there is no GPU.
`--interpret` needs Triton and NumPy, and takes cuDNN's place by PyTorch's own loops.

No GPU was at hand when this was written: nothing that it would print on one has been seen.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))  # rnn_core need not be installed

from rnn_core.cells import REGISTRY
from rnn_core.layers.execution_path import SWITCH, eager_only, path_for
from rnn_core.layers.recurrent import Recurrent
from rnn_core.models.forecaster import Forecaster
from rnn_core.models.language_model import LanguageModel
from rnn_core.models.sequence_classifier import SequenceClassifier

SHAPES = ((96, 32, 7, 64), (50, 32, 64, 128), (100, 64, 128, 256), (256, 64, 128, 256))
"""Steps, sequences, input features and hidden size, to be timed."""

EDGES = ((1, 1, 1, 1), (7, 5, 3, 20), (12, 33, 9, 64), (5, 17, 4, 130), (9, 20, 8, 256))
"""The same, to be compared with the eager loop."""

SMALL_EDGES = ((1, 1, 1, 1), (3, 18, 3, 20))
OUTPUTS, GRADIENTS = 5e-6, 2e-5
"""The largest difference in float32, relative to the largest number of the reference."""

MODULES: dict[str, type[nn.RNNBase]] = {
    "rnn_tanh": nn.RNN,
    "lstm": nn.LSTM,
    "gru_reset_after": nn.GRU,
}


@contextmanager
def back_end(name: str) -> Iterator[None]:
    """Run cells on "cuda" (what a GPU would), "triton", or "eager"."""
    if name == "eager":
        with eager_only():
            yield
        return
    before = os.environ.pop(SWITCH, None)
    os.environ[SWITCH] = name
    try:
        yield
    finally:
        os.environ.pop(SWITCH)
        if before is not None:
            os.environ[SWITCH] = before


def path_name(layer: Recurrent, x: Tensor) -> str:
    """The function that a layer would run on now."""
    direction = layer.directions[0]
    weights = [direction.weights[name] for name in layer.cell.weights]
    state = direction.first_state(x)
    tensors = (x, direction.input_weight, direction.input_bias, *state, *weights)
    path = path_for(direction.cell, tensors, every_state=False)
    return "eager" if path is None else path.func.__name__


def results(layer: Recurrent, x: Tensor, lengths: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs and final states, and the gradients of all weights and of the input."""
    x = x.detach().requires_grad_()
    outputs, state = layer(x, lengths=lengths)
    parts = [outputs, *(state if isinstance(state, tuple) else (state,))]
    loss = sum(
        (part * torch.linspace(-1, 1, part.numel()).to(part).view_as(part)).sum() for part in parts
    )
    return parts, list(torch.autograd.grad(loss, [x, *layer.parameters()], allow_unused=True))


def difference(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """The largest difference, relative to the largest number of each reference.

    References that are a thousand times smaller than others are differences of large numbers,
    and are measured as if they were a thousandth of them.
    """
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if b is not None]
    floor = 1e-3 * max(b.abs().max().item() for _, b in pairs)
    return max(
        (a.double() - b).abs().max().item() / max(b.abs().max().item(), floor) for a, b in pairs
    )


def parity(device: str, shapes: tuple[tuple[int, ...], ...]) -> dict[str, dict[str, list[float]]]:
    """By cell and path, the largest differences of outputs and gradients over all shapes."""
    found: dict[str, dict[str, list[float]]] = {cell: {} for cell in REGISTRY}
    for cell in REGISTRY:
        for steps, batch, inputs, hidden in shapes:
            layer = Recurrent(cell, inputs, hidden, bidirectional=True, initial_state="learned")
            for weight in layer.parameters():
                if weight.ndim == 1:  # some start at 0, which would hide what they do
                    nn.init.uniform_(weight, -0.9, 0.9)
            layer.to(device)
            x = torch.randn(steps, batch, inputs, device=device)
            lengths = torch.randint(1, steps + 1, (batch,), device=device)
            single = {}
            for name in ("cuda", "triton"):
                with back_end(name):
                    single[path_name(layer, x)] = results(layer, x, lengths)
            layer.double()
            with back_end("eager"):
                exact = results(layer, x.double(), lengths)
            for path, ours in single.items():
                worst = found[cell].get(path, [0.0, 0.0])
                pairs = zip(worst, ours, exact, strict=True)
                found[cell][path] = [max(w, difference(a, b)) for w, a, b in pairs]
    return found


def medians(steps: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median seconds of each step, taken in turns so that the machine's moods are shared."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 3):
        for name, step in steps.items():
            torch.cuda.synchronize()
            start = time.perf_counter()
            step()
            torch.cuda.synchronize()
            if repeat >= 3:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def train_step(layer: nn.Module, x: Tensor, name: str) -> None:
    """One forward and backward pass on a back end."""
    with back_end(name):
        layer.zero_grad()
        outputs, _ = layer(x)
        outputs.square().mean().backward()


def speed(repeats: int) -> dict[str, dict[str, dict[str, float]]]:
    """By shape and cell, median seconds of a train step on each back end and of torch.nn."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for shape in SHAPES:
        length, batch, inputs, hidden = shape
        x = torch.randn(length, batch, inputs, device="cuda")
        rows = table[", ".join(map(str, shape))] = {}
        for cell in REGISTRY:
            layer = Recurrent(cell, inputs, hidden).cuda()
            names = ("cuda", "triton", "eager")
            steps = {name: partial(train_step, layer, x, name) for name in names}
            if cell in MODULES:
                module = MODULES[cell](inputs, hidden).cuda()
                steps["torch"] = partial(train_step, module, x, "eager")
            rows[cell] = medians(steps, repeats)
    return table


def text_task(cell: str) -> tuple[nn.Module, Callable[[nn.Module], Tensor]]:
    """Predict a text whose next token is a fixed function of the last two."""
    model = LanguageModel(partial(make, cell, 128), 30, 64, dropout=0.0)

    def loss(model: nn.Module) -> Tensor:
        tokens = [torch.randint(30, (32,), device="cuda") for _ in range(2)]
        for _ in range(63):
            tokens.append((7 * tokens[-1] + tokens[-2] + 3) % 30)
        text = torch.stack(tokens, dim=1)
        logits, _ = model(text[:, :-1])
        return functional.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten())

    return model, loss


def speech_task(cell: str) -> tuple[nn.Module, Callable[[nn.Module], Tensor]]:
    """Tell tones of ten pitches apart, in noise, in sequences of different lengths."""
    model = SequenceClassifier(
        partial(make, cell, 96), 40, 10, bidirectional=True, pooling="mean", dropout=0.0
    )

    def loss(model: nn.Module) -> Tensor:
        classes = torch.randint(10, (32,), device="cuda")
        frames = torch.randn(32, 80, 40, device="cuda")
        frames[torch.arange(32), :, 4 * classes] += 1
        lengths = torch.randint(20, 81, (32,), device="cuda")
        return functional.cross_entropy(model(frames, lengths), classes)

    return model, loss


def forecasting_task(cell: str) -> tuple[nn.Module, Callable[[nn.Module], Tensor]]:
    """Continue sine waves of random phase and period."""
    model = Forecaster(
        partial(make, cell, 64),
        num_features=3,
        targets=[0],
        lookback=96,
        horizon=24,
        segment=1,
        embedding_size=0,
        normalisation="last_value",
        channels="together",
        dropout=0.0,
    )

    def loss(model: nn.Module) -> Tensor:
        steps = torch.arange(120, device="cuda")[None, :, None]
        phases, periods = torch.rand(2, 64, 1, 3, device="cuda")
        waves = torch.sin(6.28 * (phases + steps / (20 + 20 * periods)))
        return functional.mse_loss(model(waves[:, :96]), waves[:, 96:, :1])

    return model, loss


TASKS = {
    "text_generation": text_task,
    "speech_recognition": speech_task,
    "forecasting": forecasting_task,
}


def make(cell: str, hidden: int, input_size: int, *, bidirectional: bool = False) -> Recurrent:
    """The recurrent layer of a model."""
    return Recurrent(cell, input_size, hidden, bidirectional=bidirectional, batch_first=True)


def train(task: str, cell: str, name: str, num_steps: int) -> dict[str, float]:
    """Train a model on a back end: its first and last losses (means of 10), and seconds."""
    torch.manual_seed(0)
    with back_end(name):
        model, loss_of = TASKS[task](cell)
        model.cuda()
        optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3)
        losses = []
        start = time.perf_counter()
        for _ in range(num_steps):
            optimiser.zero_grad()
            loss = loss_of(model)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            losses.append(loss.detach())
        values = torch.stack(losses).tolist()
    seconds = time.perf_counter() - start
    return {
        "first_loss": statistics.fmean(values[:10]),
        "last_loss": statistics.fmean(values[-10:]),
        "seconds": seconds,
    }


def trainings() -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """By task and cell, a training on the GPU's back end and one in the eager loop."""
    return {
        task: {
            cell: {name: train(task, cell, name, num_steps=200) for name in ("cuda", "eager")}
            for cell in ("lstm", "gru", "mingru")
        }
        for task in TASKS
    }


def is_right(found: dict[str, dict[str, list[float]]]) -> bool:
    """Return whether all differences are within their bounds; those that are not are printed."""
    right = True
    print("Largest difference from the eager loop in float64: outputs, gradients")
    for cell, paths in found.items():
        for path, (outputs, gradients) in paths.items():
            fine = outputs <= OUTPUTS and gradients <= GRADIENTS and path != "eager"
            right &= fine
            mark = "" if fine else "  <- not right"
            print(f"{cell:16} {path:16} {outputs:.1e} {gradients:.1e}{mark}")
    return right


def report_speed(table: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print milliseconds."""
    print("Milliseconds a train step")
    for shape, rows in table.items():
        for cell, seconds in rows.items():
            columns = "".join(f"  {name} {1000 * s:8.2f}" for name, s in seconds.items())
            print(f"{shape:20} {cell:16}{columns}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--interpret", action="store_true", help="parity on the CPU")
    arguments = parser.parse_args()
    if arguments.interpret:
        if os.environ.get("TRITON_INTERPRET") != "1":
            # Triton reads it when it is imported, which torch has done by now.
            environment = os.environ | {"TRITON_INTERPRET": "1"}
            os.execve(sys.executable, [sys.executable, *sys.argv], environment)  # noqa: S606
        found = parity("cpu", SMALL_EDGES)
        right = is_right(found)
        print(json.dumps({"device": "cpu, interpreted", "right": right, "parity": found}))
        return 0 if right else 1
    if not torch.cuda.is_available():
        print("torch finds no CUDA device; --interpret checks parity on the CPU", file=sys.stderr)
        return 1
    # Single precision is single precision here, on all sides.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    found = parity("cuda", EDGES)
    right = is_right(found)
    table = speed(arguments.repeats)
    report_speed(table)
    trained = trainings()
    content = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "tf32": False}
    content |= {"right": right, "parity": found, "seconds": table, "trainings": trained}
    print(json.dumps(content))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
