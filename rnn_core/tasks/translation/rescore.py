"""Texts that came later, translated by a model that was trained before."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from rnn_core.metric import Split
from rnn_core.readers.parallel_text import Pair
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.rescores import Marks, Rescores, one_mark_each
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.translation.learn import Learning
from rnn_core.tasks.translation.pairs import Splits, as_read, read_splits, without_repeated
from rnn_core.tasks.translation.parameters import TranslationData
from rnn_core.tasks.translation.prepare import encode_splits, to_tensors


def marks_of(pairs: list[Pair], parameters: TranslationData) -> Marks:
    """A mark for each text to translate, as a model reads it."""
    return one_mark_each(as_read(pair, parameters).source.encode() for pair in pairs)


class Rescoring(Learning, Rescores):
    """Scores a model on later texts."""

    @staticmethod
    def marks(raw: Path, parameters: TranslationData, seed: int) -> dict[Split, Marks]:
        """A mark for each text to translate, whatever its translation is."""
        splits = without_repeated(read_splits(raw, parameters), parameters)
        return {split: marks_of(pairs, parameters) for split, pairs in splits.items()}

    def rescore(
        self, model: nn.Module, raw: Path, parameters: TranslationData, seed: int, other: Meta
    ) -> Scores:
        own = self.meta
        pairs = without_repeated(read_splits(raw, parameters), parameters)["test"]
        tested: Splits = {"train": [], "validation": [], "test": pairs}
        data = to_tensors(tested, encode_splits(tested, self.subwords, own.parameters))
        asked = replace(
            own,
            parameters=replace(own.parameters, tokenizer=parameters.tokenizer),
            items={split: len(each) for split, each in tested.items()},
        )
        return type(self)(asked, self.model).scores(model, data, "test")
