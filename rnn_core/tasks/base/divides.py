"""The role of a task that divides a prepared dataset again, to train on the validation set too."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TypeAlias

import torch

from rnn_core.metric import SCORED, SPLITS, Division, ScoredSplit
from rnn_core.tasks.base import prepared
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.splits import check_left

Divided: TypeAlias = tuple[Data, prepared.Meta]
"""A prepared dataset whose items are on other splits than `prepare` puts them on."""


SCORED_ON: Mapping[Division, tuple[ScoredSplit, ...]] = {
    "prepared": SCORED,
    "moved_back": ("validation",),
    "moved_back_refit": ("validation",),
    "refit": ("test",),
}
"""The splits of the prepared data that a model has not seen which was trained on a division, and
may be scored on."""


class Divides(ABC):
    """Moves items of a prepared dataset from one split to another.

    Vocabulary, scaling and classes stay those of the prepared training set. So a model that was
    trained on a new division reads raw input as every other one does, and a refit is served with
    the meta of the prepared dataset. A word that only the validation set has stays an unknown one.
    The evidence of words for labels is counted again where the split is moved back, and stays when
    sets are joined: it is never counted on what chooses or scores.
    """

    @staticmethod
    @abstractmethod
    def join(data: Data, meta: prepared.Meta) -> Divided:
        """Train on the validation set too: it becomes part of the training set.

        The validation set is empty then, so that nothing chooses an epoch, and the test set is
        what it was.

        Args:
            data: Prepared data.
            meta: Its meta, of the task's own `Meta`.
        """

    @staticmethod
    @abstractmethod
    def move_back(data: Data, meta: prepared.Meta) -> Divided:
        """Move the split back by one validation set: a rolling origin.

        What was the validation set is the test set. The last part of the training set, of about
        the size of the validation set, is the validation set, and training is left the rest.
        What was the test set is in no split. `join` of this has all of the training set to train
        on, and is to it what the join of the prepared dataset is to that.

        Args:
            data: As for `join`.
            meta: As for `join`.

        Raises:
            ParameterError: If that leaves nothing to train on, or cannot be done.
        """


def divide(kind: type[Divides], data: Data, meta: prepared.Meta, division: Division) -> Divided:
    """Divide a prepared dataset.

    Args:
        kind: Its task.
        data: As `prepare` made it.
        meta: As `prepare` made it.
        division: How.

    Raises:
        ParameterError: If that leaves nothing to train on, or cannot be done.
    """
    if division in ("moved_back", "moved_back_refit"):
        data, meta = kind.move_back(data, meta)
    if division in ("refit", "moved_back_refit"):
        data, meta = kind.join(data, meta)
    return data, meta


def scored_by(meta: prepared.Meta, divided: prepared.Meta) -> prepared.Meta:
    """The meta that a model is scored by on the prepared data: what it read in training.

    Only which items are in which split, which a meta tells by split, is as `prepare` has it. So
    what was counted on the labels of a split is not read by a model that it was held out from.

    Args:
        meta: Of the prepared data.
        divided: That which the model was trained with.
    """
    each = {field.name: getattr(meta, field.name) for field in fields(meta)}
    by_split = {name: value for name, value in each.items() if is_by_split(value)}
    return replace(divided, **by_split)


def is_by_split(value: object) -> bool:
    """Return whether a value has one for each split."""
    return isinstance(value, Mapping) and value.keys() == {*SPLITS}


def join_series(data: Data, meta: prepared.Meta) -> Divided:
    """`Divides.join` where each split is a tensor, whose rows go on from one to the next."""
    train = torch.cat([data["train"], data["validation"]])
    items = {**meta.items, "train": len(train), "validation": 0}
    return {**data, "train": train, "validation": train[:0]}, replace(meta, items=items)


def move_series_back(data: Data, meta: prepared.Meta) -> Divided:
    """`Divides.move_back` for series: as many of the last rows choose as the validation set has."""
    train, validation = data["train"], data["validation"]
    left, number = len(train) - len(validation), len(validation)
    check_left(left, len(train))
    moved = replace(meta, items={"train": left, "validation": number, "test": number})
    return {"train": train[:left], "validation": train[left:], "test": validation}, moved
