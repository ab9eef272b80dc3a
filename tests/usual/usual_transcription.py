"""Tasks of speech transcription, and what their strings hold."""

import numpy as np
import torch

from rnn_core.metric import SPLITS
from rnn_core.tasks.speech_transcription.learn import TranscriptionModel, texts_of
from rnn_core.tasks.speech_transcription.task import SpeechTranscription
from rnn_core.training.models import build_model

JOIN = {
    "split_by": "take",
    "validation": (1,),
    "test": (2,),
    "strings": (12, 4, 6),
    "snr_db": (60.0, 60.0),
    "pause_seconds": (0.05, 0.1),
    "num_mels": 12,
}


def task_of(prepared, **model):
    return SpeechTranscription(prepared[1], TranscriptionModel(**({"hidden_size": 5} | model)))


def lively_network(task):
    """A model that writes something, though it has learned nothing."""
    torch.manual_seed(1)
    network = build_model(task, "gru").eval()
    with torch.no_grad():
        network.output.weight.mul_(8)
    return network


def strings_of(prepared, split):
    data, meta = prepared
    places = (data["splits"] == SPLITS.index(split)).nonzero().flatten().tolist()
    texts = texts_of(data)
    return ["".join(meta.symbols[symbol - 1] for symbol in texts[i]) for i in places]


def starts_of(whole, piece):
    """Where a recording begins in a string, by the samples themselves."""
    first = np.flatnonzero(np.abs(whole[: len(whole) - len(piece) + 1] - piece[0]) < 1e-6)
    return {s for s in first.tolist() if np.allclose(whole[s : s + len(piece)], piece, atol=1e-6)}
