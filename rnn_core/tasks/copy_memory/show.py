"""Lines beside what is recalled of them."""

import math

from torch import nn

from rnn_core.metric import Split
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.shows import Illustration, Shows
from rnn_core.tasks.copy_memory.learn import Learning
from rnn_core.tasks.illustration import pairs, spread

ILLUSTRATED = 5
"""Lines that illustrate a model."""


class Showing(Learning, Shows):
    """Shows what is recalled, and what guessing scores."""

    margin = 0.02

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """Lines, and what is recalled of them."""
        symbols = data[split][spread(len(data[split]), ILLUSTRATED)].long()
        recalled = self.recall(model, symbols).argmax(dim=-1)
        lines = self.decode(symbols)
        return {"kind": "pairs", "pairs": pairs(lines, lines, self.decode(recalled))}

    def baselines(self, data: Data) -> dict[str, float]:
        """The score of giving every symbol the same probability."""
        return {"guess": math.log(len(self.meta.symbols))}

    def optimum(self) -> float | None:
        return 0.0
