"""Text generation, of its roles."""

from rnn_core.tasks.base.task import Task
from rnn_core.tasks.text_generation.divide import Dividing
from rnn_core.tasks.text_generation.learn import TextModel
from rnn_core.tasks.text_generation.parameters import TextData, TextMeta
from rnn_core.tasks.text_generation.prepare import prepare
from rnn_core.tasks.text_generation.rescore import Rescoring
from rnn_core.tasks.text_generation.serve import Serving
from rnn_core.tasks.text_generation.show import Showing
from rnn_core.tasks.text_generation.suggest import suggest
from rnn_core.tasks.text_generation.understand import understand


class TextGeneration(Showing, Serving, Rescoring, Dividing, Task):
    """Next-token prediction over one long text.

    The metric is the cross-entropy on tokens that were not seen, in natural logarithms:
    divided by ln 2 it is bits per token. Models of characters and of words compare by
    `nats_per_character`, which is the length of a code for the text: there, an unknown
    token is spelled out; see `spelling_nats`.
    """

    DataParameters = TextData
    Meta = TextMeta
    ModelParameters = TextModel
    prepare = staticmethod(prepare)
    suggest = staticmethod(suggest)
    understand = staticmethod(understand)
