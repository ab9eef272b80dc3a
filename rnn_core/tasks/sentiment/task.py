"""Sentiment, of its roles."""

from rnn_core.tasks.base.task import Task
from rnn_core.tasks.sentiment.divide import Dividing
from rnn_core.tasks.sentiment.learn import SentimentModel
from rnn_core.tasks.sentiment.parameters import SentimentData, SentimentMeta
from rnn_core.tasks.sentiment.prepare import prepare
from rnn_core.tasks.sentiment.rescore import Rescoring
from rnn_core.tasks.sentiment.serve import Serving
from rnn_core.tasks.sentiment.show import Showing
from rnn_core.tasks.sentiment.suggest import suggest
from rnn_core.tasks.sentiment.understand import understand


class Sentiment(Showing, Serving, Rescoring, Dividing, Task):
    """Classification of sentences by recurrent cells over their words.

    The vocabulary is that of the training set; the metric is the share of sentences
    that are assigned to their class.
    """

    DataParameters = SentimentData
    Meta = SentimentMeta
    ModelParameters = SentimentModel
    prepare = staticmethod(prepare)
    suggest = staticmethod(suggest)
    understand = staticmethod(understand)
