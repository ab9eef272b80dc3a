"""Forecast the next seven days of a CSV with a recurrent layer and plain PyTorch."""

import csv
from pathlib import Path

import torch
from torch import Tensor, nn

from rnn_core import Recurrent

TABLE = Path(__file__).with_name("visitors.csv")
PAST, AHEAD = 28, 7
"""Days that the model sees, and days that it forecasts."""

TEST = 200
"""Days at the end of the table that train nothing."""


class Forecaster(nn.Module):
    """Reads the past days one by one, and tells the next ones from its last output."""

    def __init__(self, cell: str, hidden_size: int) -> None:
        super().__init__()
        self.recurrent = Recurrent(cell, 1, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, AHEAD)

    def forward(self, past: Tensor) -> Tensor:
        """Forecast.

        Args:
            past: Standardised values, (B, PAST).

        Returns:
            The values that follow, (B, AHEAD).
        """
        outputs, _ = self.recurrent(past.unsqueeze(-1))
        usual_week = past.unflatten(1, (-1, AHEAD)).mean(1)
        return usual_week + self.head(outputs[:, -1])  # it learns what differs from the usual


def read(path: Path) -> Tensor:
    """The column `visitors`, float32, (rows,)."""
    with path.open(newline="") as file:
        return torch.tensor([float(row["visitors"]) for row in csv.DictReader(file)])


def windows(values: Tensor) -> tuple[Tensor, Tensor]:
    """Every stretch of past days and the days after it, (N, PAST) and (N, AHEAD)."""
    both = values.unfold(0, PAST + AHEAD, 1)
    return both[:, :PAST], both[:, PAST:]


def train(model: Forecaster, past: Tensor, ahead: Tensor, epochs: int) -> None:
    """Minimise the squared error with AdamW, in batches of 64."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for batch in torch.randperm(len(past)).split(64):
            optimiser.zero_grad()
            nn.functional.mse_loss(model(past[batch]), ahead[batch]).backward()
            optimiser.step()


def main() -> None:
    """Train, print the errors on the test days, and forecast the week after the table."""
    torch.manual_seed(0)
    values = read(TABLE)
    known = values[:-TEST]
    mean, std = known.mean(), known.std()
    scaled = (values - mean) / std
    model = Forecaster("gru", 8)
    train(model, *windows(scaled[:-TEST]), epochs=10)
    with torch.no_grad():
        past, ahead = windows(scaled[-TEST - PAST :])
        error = (model(past) - ahead).abs().mean() * std
        repeated = (past[:, -AHEAD:] - ahead).abs().mean() * std
        week = model(scaled[None, -PAST:])[0] * std + mean
    print(f"mean error: {error:.1f} visitors; repeating the last week: {repeated:.1f}")
    print("the next seven days:", *(f"{day:.0f}" for day in week))


if __name__ == "__main__":
    main()
