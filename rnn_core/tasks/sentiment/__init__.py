"""Sentiment: which class a sentence belongs to, such as praise or blame."""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.tasks.sentiment.learn import SentimentModel as SentimentModel
    from rnn_core.tasks.sentiment.parameters import SentimentData as SentimentData
    from rnn_core.tasks.sentiment.parameters import SentimentMeta as SentimentMeta
    from rnn_core.tasks.sentiment.task import Sentiment as Sentiment

_HOMES = {
    "Sentiment": "task",
    "SentimentData": "parameters",
    "SentimentMeta": "parameters",
    "SentimentModel": "learn",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
