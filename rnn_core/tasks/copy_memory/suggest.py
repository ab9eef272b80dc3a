"""Parameters to start from, for lines of symbols."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_core.tasks.base.prepares import Suggestion, parameters_of
from rnn_core.tasks.copy_memory.parameters import CopyData
from rnn_core.tasks.copy_memory.prepare import raw_lines


def suggest(raw: Path, wanted: Mapping[str, Any]) -> Suggestion:
    """The same for all lines, which are only read."""
    parameters_of(CopyData, wanted)
    raw_lines(raw)
    return {
        "data": {"lag": CopyData.lag, **wanted},
        "model": {"hidden_size": 64},
        "training": {"epochs": 30, "patience": 5, "batch_size": 32, "learning_rate": 0.003},
    }
