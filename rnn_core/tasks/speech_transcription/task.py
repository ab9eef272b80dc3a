"""Speech transcription, of its roles."""

from rnn_core.tasks.base.task import Task
from rnn_core.tasks.speech_transcription.divide import Dividing
from rnn_core.tasks.speech_transcription.learn import TranscriptionModel
from rnn_core.tasks.speech_transcription.parameters import TranscriptionData, TranscriptionMeta
from rnn_core.tasks.speech_transcription.prepare import prepare
from rnn_core.tasks.speech_transcription.rescore import Rescoring
from rnn_core.tasks.speech_transcription.serve import Serving
from rnn_core.tasks.speech_transcription.show import Showing
from rnn_core.tasks.speech_transcription.suggest import suggest
from rnn_core.tasks.speech_transcription.understand import understand


class SpeechTranscription(Showing, Serving, Rescoring, Dividing, Task):
    """Transcription by connectionist temporal classification; see `rnn_core.models.ctc`.

    The metric is the edit distance (insertions, deletions and substitutions) over the
    symbols of the text, each recording weighed by the length of its text; scores take the
    text of the likeliest path.
    """

    DataParameters = TranscriptionData
    Meta = TranscriptionMeta
    ModelParameters = TranscriptionModel
    prepare = staticmethod(prepare)
    suggest = staticmethod(suggest)
    understand = staticmethod(understand)
