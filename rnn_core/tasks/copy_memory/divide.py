"""Lines on other sides."""

from dataclasses import replace

import torch

from rnn_core.tasks.base.divides import Divided, Divides
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.splits import check_left


class Dividing(Divides):
    """Moves the places at which lines are cut into sides."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        train = torch.cat([data["train"], data["validation"]])
        items = {**meta.items, "train": len(train), "validation": 0}
        return {**data, "train": train, "validation": train[:0]}, replace(meta, items=items)

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """The last lines of the training side choose, as many as the validation side has."""
        train, validation = data["train"], data["validation"]
        left, number = len(train) - len(validation), len(validation)
        check_left(left, len(train))
        moved = replace(meta, items={"train": left, "validation": number, "test": number})
        return {"train": train[:left], "validation": train[left:], "test": validation}, moved
