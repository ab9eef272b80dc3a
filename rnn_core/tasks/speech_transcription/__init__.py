"""Speech transcription: which words or letters were spoken in a recording, in order."""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.tasks.speech_transcription.learn import SpeechTranscription as SpeechTranscription
    from rnn_core.tasks.speech_transcription.learn import TranscriptionAnswer as TranscriptionAnswer
    from rnn_core.tasks.speech_transcription.learn import TranscriptionData as TranscriptionData
    from rnn_core.tasks.speech_transcription.learn import TranscriptionModel as TranscriptionModel

_HOMES = {
    "SpeechTranscription": "learn",
    "TranscriptionAnswer": "learn",
    "TranscriptionData": "learn",
    "TranscriptionModel": "learn",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
