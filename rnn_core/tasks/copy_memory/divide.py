"""Lines on other sides."""

from rnn_core.tasks.base.divides import Divided, Divides, join_series, move_series_back
from rnn_core.tasks.base.prepared import Data, Meta


class Dividing(Divides):
    """Moves the places at which lines are cut into sides."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        """The lines of the validation side come after those of the training side."""
        return join_series(data, meta)

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """The last lines of the training side choose."""
        return move_series_back(data, meta)
