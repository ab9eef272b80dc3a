"""A text cut into splits at other places."""

from rnn_core.tasks.base.divides import Divided, Divides, join_series, move_series_back
from rnn_core.tasks.base.prepared import Data, Meta


class Dividing(Divides):
    """Moves the places at which a text is cut."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        """The training set goes on to the end of the validation set."""
        return join_series(data, meta)

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """The last tokens of the training set choose.

        Single tokens are not kept. So characters, unknown tokens and what it takes to spell them,
        which further metrics count, stay those of the prepared splits.
        """
        return move_series_back(data, meta)
