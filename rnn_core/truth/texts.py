"""Match answers about texts with their labels or translations."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnn_core.metric import Metric
from rnn_core.readers.parallel_text import clean
from rnn_core.tasks.base.rescores import mark
from rnn_core.tasks.base.serves import required_column
from rnn_core.tasks.sentiment.files import read_splits as read_labelled
from rnn_core.tasks.sentiment.files import words_of
from rnn_core.tasks.sentiment.raw_input import texts_in_table
from rnn_core.tasks.sentiment.task import Sentiment
from rnn_core.tasks.translation.pairs import read_splits as read_pairs
from rnn_core.tasks.translation.task import Translation

if TYPE_CHECKING:
    import pandas as pd

ACCURACY = Metric("accuracy", "share of answers", "higher")


class Labels:
    """Texts, recognised by their words."""

    metric = ACCURACY

    def keys(self, task: Sentiment, table: "pd.DataFrame", answer: "pd.DataFrame") -> list[str]:
        return [self.key(task, text) for text in texts_in_table(table, task.column)]

    def key(self, task: Sentiment, text: str) -> str:
        """The key of a text, in any capitals."""
        words = words_of(text, True, task.meta.parameters.max_words)
        return f"{mark(' '.join(words).encode()):016x}"

    def truths(self, task: Sentiment, raw: Path) -> dict[str, Any]:
        table = read_labelled(raw, task.meta.parameters).table
        pairs = zip(table["text"], table["label"], strict=True)
        return {self.key(task, text): label for text, label in pairs}

    def score(self, task: Sentiment, row: Mapping[str, Any], truth: Any) -> float:
        return float(row["label"] == truth)


class Translations:
    """Texts to translate, scored by the characters that a translation shares with the truth."""

    metric = Metric("chrf", "chrF of sentences", "higher", "mean of sacreBLEU's sentence chrF2")

    def keys(self, task: Translation, table: "pd.DataFrame", answer: "pd.DataFrame") -> list[str]:
        return [self.key(task, str(text)) for text in required_column(table, "text")]

    def key(self, task: Translation, text: str) -> str:
        """The key of a text, as the model reads it."""
        return f"{mark(clean(text, task.meta.parameters.lower_case).encode()):016x}"

    def truths(self, task: Translation, raw: Path) -> dict[str, Any]:
        splits = read_pairs(raw, task.meta.parameters).values()
        return {self.key(task, pair.source): pair.target for own in splits for pair in own}

    def score(self, task: Translation, row: Mapping[str, Any], truth: Any) -> float:
        from sacrebleu import sentence_chrf  # noqa: PLC0415 - only scoring needs it

        return float(sentence_chrf(str(row["translation"]), [str(truth)]).score)
