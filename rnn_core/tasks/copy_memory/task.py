"""The copy problem, of its roles."""

from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.base.task import Task
from rnn_core.tasks.copy_memory.divide import Dividing
from rnn_core.tasks.copy_memory.parameters import CopyData, CopyMeta
from rnn_core.tasks.copy_memory.prepare import prepare
from rnn_core.tasks.copy_memory.rescore import Rescoring
from rnn_core.tasks.copy_memory.serve import Serving
from rnn_core.tasks.copy_memory.show import Showing
from rnn_core.tasks.copy_memory.suggest import suggest
from rnn_core.tasks.copy_memory.understand import understand


class CopyMemory(Showing, Serving, Rescoring, Dividing, Task):
    """The copy problem, in which a cell reads K symbols out of A and says them again.

    A sequence has 2 K + lag + 1 steps: the K symbols, `lag` blanks, a marker, and K blanks
    more, at which the symbols are to be said in their order. So K + lag + 1 steps lie between
    each symbol and its answer. Steps are one-hot vectors of A + 2 features. Loss and metric
    count the last K steps alone; the paper's loss also counts the blanks before them, which
    are learned at once and only make the numbers smaller.

    Who has forgotten everything scores ln A, who remembers 0.

    References:
        Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997),
        doi:10.1162/neco.1997.9.8.1735; laid out as by Arjovsky, Shah and Bengio,
        arXiv:1511.06464v4, section 5.1, whose T is lag + 1.
    """

    DataParameters = CopyData
    Meta = CopyMeta
    ModelParameters = ModelParameters
    prepare = staticmethod(prepare)
    suggest = staticmethod(suggest)
    understand = staticmethod(understand)
