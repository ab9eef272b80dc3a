"""A table cut into sides at other rows."""

from dataclasses import replace

from torch import Tensor

from rnn_core.errors import ParameterError
from rnn_core.metric import SPLITS
from rnn_core.tasks.base.divides import Divided, Divides
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.splits import check_left
from rnn_core.tasks.forecasting.parameters import ForecastingMeta
from rnn_core.tasks.forecasting.windows import Borders, first_rows, with_values


class Dividing(Divides):
    """Moves the rows at which a table is cut."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        """The training side goes on to the last row of the validation side."""
        assert isinstance(meta, ForecastingMeta)
        start, end = meta.borders["train"][0], meta.borders["validation"][1]
        borders: Borders = {**meta.borders, "train": (start, end), "validation": (end, end)}
        return data, cut_at(meta, data["values"], borders)

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """The last rows of the training side choose, as many as the validation side has.

        Rows after the validation side are not there any more.
        """
        assert isinstance(meta, ForecastingMeta)
        (start, end), (_, last) = meta.borders["train"], meta.borders["validation"]
        left = end - (last - end)
        check_left(left - start, end - start)
        borders: Borders = {
            "train": (start, left),
            "validation": (left, end),
            "test": (end, last),
        }
        values = data["values"][:last]
        moved = cut_at(meta, values, borders)
        for split in SPLITS:
            if not moved.items[split]:
                first, after = borders[split]
                raise ParameterError(
                    f"one validation set earlier, the {split} side has {after - first} rows, of "
                    f"which no window of {meta.lookback} and {meta.horizon} rows can be scored"
                )
        return {"values": values}, moved


def cut_at(meta: ForecastingMeta, values: Tensor, borders: Borders) -> ForecastingMeta:
    """The meta of a table with other sides."""
    ahead, targets = (meta.lookback, meta.horizon), len(meta.parameters.targets)
    windows = {split: first_rows(borders, split, *ahead) for split in SPLITS}
    items = {s: len(with_values(values, rows, *ahead, targets)) for s, rows in windows.items()}
    return replace(meta, borders=borders, items=items)
