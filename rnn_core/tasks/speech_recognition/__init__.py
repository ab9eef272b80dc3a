"""Speech recognition: which word was spoken in a recording."""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.tasks.speech_recognition.learn import SpeechModel as SpeechModel
    from rnn_core.tasks.speech_recognition.parameters import SpeechData as SpeechData
    from rnn_core.tasks.speech_recognition.parameters import SpeechMeta as SpeechMeta
    from rnn_core.tasks.speech_recognition.serve import SpeechAnswer as SpeechAnswer
    from rnn_core.tasks.speech_recognition.task import SpeechRecognition as SpeechRecognition

_HOMES = {
    "SpeechAnswer": "serve",
    "SpeechData": "parameters",
    "SpeechMeta": "parameters",
    "SpeechModel": "learn",
    "SpeechRecognition": "task",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
