"""What was understood of a table."""

from pathlib import Path

from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line
from rnn_core.tasks.forecasting.parameters import ForecastingMeta


def understand(raw: Path, data: Data, meta: ForecastingMeta) -> Understanding:
    """What was found; see `Prepares.understand`."""
    read = [
        f"columns: {', '.join(meta.columns)}",
        split_line(meta.items, "windows"),
    ]
    return Understanding(read=tuple(read))
