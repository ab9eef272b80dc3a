"""The registry of tasks: a name, which is also its folder, and its class."""

from importlib import import_module
from typing import TYPE_CHECKING

from rnn_core.errors import ParameterError, unknown

if TYPE_CHECKING:
    from rnn_core.tasks.base.task import Task

REGISTRY = {
    "text_generation": "TextGeneration",
    "speech_recognition": "SpeechRecognition",
    "speech_transcription": "SpeechTranscription",
    "forecasting": "Forecasting",
    "sentiment": "Sentiment",
    "translation": "Translation",
    "copy_memory": "CopyMemory",
}

WITHOUT_REFERENCES = ("translation",)
"""Tasks whose model uses the states of its cell, which reference networks lack."""


def get_task(name: str) -> "type[Task]":
    """Look up a task by name; its module is imported now, not before.

    Raises:
        ParameterError: If there is no such task.
    """
    if name not in REGISTRY:
        raise ParameterError(unknown("task", name, REGISTRY))
    task: type[Task] = getattr(import_module(f"rnn_core.tasks.{name}.task"), REGISTRY[name])
    return task
