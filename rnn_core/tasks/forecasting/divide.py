"""A table cut into splits at other rows."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from rnn_core.errors import ParameterError
from rnn_core.metric import SPLITS, Split
from rnn_core.tasks.base.divides import Divided, Divides
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.splits import check_left
from rnn_core.tasks.forecasting.parameters import ForecastingMeta
from rnn_core.tasks.forecasting.windows import Borders, by_split, closed_up, first_rows, with_values


class Dividing(Divides):
    """Moves the rows at which a table is cut."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        """The training set of each series goes on to the last row of its validation set."""
        assert isinstance(meta, ForecastingMeta)
        moved = replace(meta, borders=by_split(map(joined, meta.series_borders)))
        return data, counted(moved, data["values"])

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """The last rows of the training set choose, as many as the validation set has.

        Rows after the validation set are not there any more. So it is in each series; of one
        that lacks this number, all rows of the training set choose.
        """
        assert isinstance(meta, ForecastingMeta)
        moved = [*map(one_split_back, meta.series_borders)]
        check_left(length_of(moved, "train"), length_of(meta.series_borders, "train"))
        kept = {
            name: torch.cat([rows[b["train"][0] : b["test"][1]] for b in moved])
            for name, rows in data.items()
        }
        found = counted(replace(meta, borders=by_split(closed_up(moved))), kept["values"])
        for split in SPLITS:
            if not found.items[split]:
                raise ParameterError(
                    f"one validation set earlier, the {split} set has {length_of(moved, split)} "
                    f"rows, where no window of {meta.lookback} and {meta.horizon} rows can be "
                    "scored"
                )
        return kept, found


def joined(borders: Borders) -> Borders:
    """The splits of a series, with the validation set as a part of the training set."""
    start, end = borders["train"][0], borders["validation"][1]
    return {**borders, "train": (start, end), "validation": (end, end)}


def one_split_back(borders: Borders) -> Borders:
    """The splits of a series, one validation set earlier."""
    (start, end), (_, last) = borders["train"], borders["validation"]
    left = max(end - (last - end), start)
    return {"train": (start, left), "validation": (left, end), "test": (end, last)}


def length_of(series: Sequence[Borders], split: Split) -> int:
    """Number of rows of a split, of all series together."""
    return sum(borders[split][1] - borders[split][0] for borders in series)


def counted(meta: ForecastingMeta, values: Tensor) -> ForecastingMeta:
    """A meta whose borders have been moved, with the items that there are then."""
    ahead, targets = (meta.lookback, meta.horizon), len(meta.parameters.targets)
    windows = {split: first_rows(meta.series_borders, split, *ahead) for split in SPLITS}
    items = {s: len(with_values(values, rows, *ahead, targets)) for s, rows in windows.items()}
    return replace(meta, items=items)
