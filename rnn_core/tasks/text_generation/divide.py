"""A text cut into sides at other places."""

from dataclasses import replace

import torch

from rnn_core.tasks.base.divides import Divided, Divides
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.splits import check_left
from rnn_core.tasks.text_generation.parameters import TextMeta


class Dividing(Divides):
    """Moves the places at which a text is cut."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        """The training side goes on to the end of the validation side."""
        assert isinstance(meta, TextMeta)
        train = torch.cat([data["train"], data["validation"]])
        items = {**meta.items, "train": len(train), "validation": 0}
        return {**data, "train": train, "validation": train[:0]}, replace(meta, items=items)

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """The last tokens of the training side choose, as many as the validation side has.

        Single tokens are not kept: the characters and unknown tokens of those that choose, which
        further metrics count, are taken to be in proportion.
        """
        assert isinstance(meta, TextMeta)
        train, validation = data["train"], data["validation"]
        left = len(train) - len(validation)
        check_left(left, len(train))
        share = len(validation) / len(train)
        characters, unknown, nats = meta.characters, meta.unknown, meta.spelling_nats
        moved = replace(
            meta,
            items={"train": left, "validation": len(validation), "test": len(validation)},
            characters={
                "train": round(characters["train"] * (1 - share)),
                "validation": max(1, round(characters["train"] * share)),
                "test": characters["validation"],
            },
            unknown={
                "train": round(unknown["train"] * (1 - share)),
                "validation": round(unknown["train"] * share),
                "test": unknown["validation"],
            },
            spelling_nats={
                "train": nats["train"] * (1 - share),
                "validation": nats["train"] * share,
                "test": nats["validation"],
            },
        )
        return {"train": train[:left], "validation": train[left:], "test": validation}, moved
