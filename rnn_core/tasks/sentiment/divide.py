"""Sentences on other splits."""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from rnn_core.metric import SPLITS
from rnn_core.tasks.base.divides import Divided, Divides
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.splits import counts_of, items_of, joined, last_of_each, moved_back
from rnn_core.tasks.sentiment.evidence import sentence_counts
from rnn_core.tasks.sentiment.parameters import SentimentMeta


class Dividing(Divides):
    """Moves sentences from split to split."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        """Join splits; evidence of words keeps its first counts."""
        splits = joined(data["splits"])
        return {**data, "splits": splits}, replace(meta, items=counts_of(splits))

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """The last sentences of each class choose, with others of the same words.

        What words say about a sentence is counted on what is left to train on, since it would
        tell the labels of the sentences that choose.
        """
        assert isinstance(meta, SentimentMeta)
        held = with_copies(data, last_of_each(data["splits"], data["labels"]))
        moved = {**data, "splits": moved_back(data["splits"], held)}
        train, sizes = items_of(moved["splits"], "train"), (len(meta.vocabulary), len(meta.classes))
        return moved, replace(
            meta,
            items=counts_of(moved["splits"]),
            sentence_counts=sentence_counts(moved, train, *sizes).tolist(),
        )


def with_copies(data: Data, held: Tensor) -> Tensor:
    """Training items, and others with the same words."""
    sentences: Sequence[Tensor] = data["words"].split(data["lengths"].tolist())
    texts = [tuple(sentence.tolist()) for sentence in sentences]
    known = {texts[item] for item in held.tolist()}
    train = (data["splits"] == SPLITS.index("train")).tolist()
    found = [i for i, text in enumerate(texts) if train[i] and text in known]
    return held.new_tensor(found)
