"""Speech transcription: which words or letters were spoken in a recording, in order."""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.tasks.speech_transcription.learn import TranscriptionModel as TranscriptionModel
    from rnn_core.tasks.speech_transcription.parameters import (
        TranscriptionData as TranscriptionData,
    )
    from rnn_core.tasks.speech_transcription.parameters import (
        TranscriptionMeta as TranscriptionMeta,
    )
    from rnn_core.tasks.speech_transcription.serve import TranscriptionAnswer as TranscriptionAnswer
    from rnn_core.tasks.speech_transcription.task import SpeechTranscription as SpeechTranscription

_HOMES = {
    "SpeechTranscription": "task",
    "TranscriptionAnswer": "serve",
    "TranscriptionData": "parameters",
    "TranscriptionMeta": "parameters",
    "TranscriptionModel": "learn",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
