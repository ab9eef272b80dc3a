"""Speech recognition, of its roles."""

from rnn_core.tasks.base.task import Task
from rnn_core.tasks.speech_recognition.divide import Dividing
from rnn_core.tasks.speech_recognition.learn import SpeechModel
from rnn_core.tasks.speech_recognition.parameters import SpeechData, SpeechMeta
from rnn_core.tasks.speech_recognition.prepare import prepare
from rnn_core.tasks.speech_recognition.rescore import Rescoring
from rnn_core.tasks.speech_recognition.serve import Serving
from rnn_core.tasks.speech_recognition.show import Showing
from rnn_core.tasks.speech_recognition.suggest import suggest
from rnn_core.tasks.speech_recognition.understand import understand


class SpeechRecognition(Showing, Serving, Rescoring, Dividing, Task):
    """Classification of recordings of single words.

    Features are standardised by mean and standard deviation of the training set; the
    metric is the share of recordings that are recognised. Where each speaker is the test
    set in turn, the seed s tests the speaker s modulo their number, in the order of their
    names.
    """

    DataParameters = SpeechData
    Meta = SpeechMeta
    ModelParameters = SpeechModel
    prepare = staticmethod(prepare)
    suggest = staticmethod(suggest)
    understand = staticmethod(understand)
