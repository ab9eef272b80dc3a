"""Texts that came later, classified by a model that was trained before."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from rnn_core.errors import DataError
from rnn_core.features.word_finding import join_units
from rnn_core.metric import Split
from rnn_core.readers.splits import TEST
from rnn_core.tasks.base.prepared import Meta
from rnn_core.tasks.base.rescores import Marks, Rescores, by_split, one_mark_each
from rnn_core.tasks.base.scores import Scores
from rnn_core.tasks.sentiment.files import read_splits, words_of
from rnn_core.tasks.sentiment.learn import Learning
from rnn_core.tasks.sentiment.parameters import SentimentData
from rnn_core.tasks.sentiment.prepare import to_tensors


class Rescoring(Learning, Rescores):
    """Scores a model on later texts."""

    @staticmethod
    def marks(raw: Path, parameters: SentimentData, seed: int) -> dict[Split, Marks]:
        table = read_splits(raw, parameters).table
        texts = (words_of(text, True, parameters.max_words) for text in table["text"])
        return by_split(one_mark_each(" ".join(t).encode() for t in texts), table["split"].tolist())

    def rescore(
        self, model: nn.Module, raw: Path, parameters: SentimentData, seed: int, other: Meta
    ) -> Scores:
        own = self.meta
        table = read_splits(raw, parameters).table
        table = table[table["split"] == TEST]
        if new := set(table["label"]) - set(own.classes):
            raise DataError(f"it does not know the class {min(new)!r}")
        how = (own.parameters.lowercase, own.parameters.max_words)
        words = [" ".join(join_units(words_of(text, *how), own.words)) for text in table["text"]]
        data = to_tensors(table.assign(words=words), own.vocabulary, own.classes)
        asked = replace(own, parameters=replace(own.parameters, metric=parameters.metric))
        return type(self)(asked, self.model).scores(model, data, "test")
