"""Lines on other splits."""

from rnn_core.tasks.base.divides import Divided, Divides, join_series, move_series_back
from rnn_core.tasks.base.prepared import Data, Meta


class Dividing(Divides):
    """Moves the places at which lines are cut into splits."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        """The lines of the validation set come after those of the training set."""
        return join_series(data, meta)

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """The last lines of the training set choose."""
        return move_series_back(data, meta)
