"""Lines that came later, recalled by a model that was trained before."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from rnn_core.errors import DataError
from rnn_core.metric import Split
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.rescores import Marks, Rescores, one_mark_each
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.copy_memory.learn import Learning
from rnn_core.tasks.copy_memory.parameters import CopyData, CopyMeta
from rnn_core.tasks.copy_memory.prepare import encode, raw_lines, split_lines


class Rescoring(Learning, Rescores):
    """Scores a model on later lines."""

    @staticmethod
    def marks(raw: Path, parameters: CopyData, seed: int) -> dict[Split, Marks]:
        splits = split_lines(raw_lines(raw), parameters)
        return {
            split: one_mark_each(line.encode() for line in own) for split, own in splits.items()
        }

    def rescore(
        self, model: nn.Module, raw: Path, parameters: CopyData, seed: int, other: Meta
    ) -> Scores:
        assert isinstance(other, CopyMeta)
        own = self.meta
        if set(own.symbols) != set(other.symbols):
            raise DataError("it was trained on other symbols")
        lines = split_lines(raw_lines(raw), parameters)["test"]
        asked = replace(own, parameters=replace(own.parameters, lag=parameters.lag))
        data = {"test": encode(lines, own.symbols)}
        return type(self)(asked, self.model).scores(model, data, "test")
