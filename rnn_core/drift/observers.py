"""The registry of observers, which find the traits of inputs, by the name of the task."""

from importlib import import_module

from rnn_core.drift.traits import Observer

REGISTRY = {
    "text_generation": ("passages", "Passages"),
    "speech_recognition": ("recordings", "Words"),
    "speech_transcription": ("recordings", "Transcribed"),
    "forecasting": ("tables", "Windows"),
    "sentiment": ("texts", "Opinions"),
    "translation": ("texts", "Sentences"),
    "copy_memory": ("texts", "Lines"),
}
"""The module and the class for each task."""


def observer_of(task: str) -> Observer:
    """Make the observer that finds the traits of a task's inputs."""
    module, name = REGISTRY[task]
    found: Observer = getattr(import_module(f"rnn_core.drift.{module}"), name)()
    return found
