"""The task: everything about a kind of problem except the recurrent cell."""

from rnn_core.tasks.base.divides import Divides
from rnn_core.tasks.base.learns import Learns
from rnn_core.tasks.base.prepares import Prepares
from rnn_core.tasks.base.rescores import Rescores
from rnn_core.tasks.base.serves import Serves
from rnn_core.tasks.base.shows import Shows


class Task(Prepares, Learns, Serves, Rescores, Divides, Shows):
    """A kind of problem, in all its roles.

    Only `prepare` and `suggest` do without a prepared dataset.
    """
