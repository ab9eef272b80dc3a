"""Compare two cells by hand: the same task, budget, batches and seeds for both."""

from statistics import mean, stdev

import torch
from torch import Tensor, nn

from rnn_core import Recurrent

STEPS, BATCH, LENGTH = 150, 64, 20
SEEDS = range(3)
HIDDEN = {"rnn_tanh": 32, "gru": 18}
"""Units that give both cells about as many recurrent weights."""


class Adder(nn.Module):
    """Tells the sum of the two numbers that are marked in a sequence."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.recurrent = Recurrent(cell, 2, HIDDEN[cell], batch_first=True)
        self.head = nn.Linear(HIDDEN[cell], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Sums, (B,), of sequences (B, LENGTH, 2)."""
        outputs, _ = self.recurrent(x)
        return self.head(outputs[:, -1]).squeeze(-1)


def examples(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sequences of numbers and marks, (count, LENGTH, 2), and the sum of the marked, (count,)."""
    numbers = torch.rand(count, LENGTH, generator=generator)
    places = torch.rand(count, LENGTH, generator=generator).topk(2).indices
    marks = torch.zeros(count, LENGTH).scatter(1, places, 1.0)
    return torch.stack([numbers, marks], dim=2), (numbers * marks).sum(1)


def error_of(cell: str, seed: int) -> float:
    """Mean squared error on fresh examples after STEPS batches; both cells see the same ones."""
    torch.manual_seed(seed)
    model = Adder(cell)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(STEPS):
        x, y = examples(BATCH, generator)
        optimiser.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimiser.step()
    with torch.no_grad():
        x, y = examples(2000, torch.Generator().manual_seed(1000 + seed))
        return nn.functional.mse_loss(model(x), y).item()


def main() -> None:
    """Print the errors of both cells, and the difference for each seed."""
    errors = {cell: [error_of(cell, seed) for seed in SEEDS] for cell in HIDDEN}
    for cell, found in errors.items():
        print(f"{cell}: {mean(found):.4f}, standard deviation {stdev(found):.4f}")
    differences = [a - b for a, b in zip(*errors.values(), strict=True)]
    print("rnn_tanh - gru, for each seed:", *(f"{difference:.4f}" for difference in differences))


if __name__ == "__main__":
    main()
