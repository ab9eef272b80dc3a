"""Pairs on other splits: they lie one split after another."""

from dataclasses import replace

from rnn_core.tasks.base.divides import Divided, Divides
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.splits import check_left


class Dividing(Divides):
    """Moves the places at which pairs are cut into splits."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        """A subword that no training target has is not learned to be written."""
        number = meta.items["train"] + meta.items["validation"]
        return data, replace(meta, items={**meta.items, "train": number, "validation": 0})

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """The last pairs of the training set choose, as many as the validation set has."""
        before, number = meta.items["train"], meta.items["validation"]
        left = before - number
        check_left(left, before)
        moved = replace(meta, items={"train": left, "validation": number, "test": number})
        return data, moved
