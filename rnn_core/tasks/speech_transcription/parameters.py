"""Parameters of recordings of texts in params.yaml, and facts found out about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from rnn_core.features.frames import FrameParameters
from rnn_core.readers.sound.joined_words import JoinParameters
from rnn_core.readers.sound.name_pattern import NameParameters
from rnn_core.readers.sound.recording_splits import SplitParameters
from rnn_core.readers.sound.recordings import Heard
from rnn_core.tasks.base.prepared import Meta


@dataclass(frozen=True, kw_only=True)
class TranscriptionData(FrameParameters, SplitParameters, NameParameters, JoinParameters):
    """Settings that turn recordings into frames, symbols and splits.

    Attributes:
        tokens: What a symbol of a transcript is; of joined strings it is a word.
    """

    tokens: Literal["char", "word"] = "char"

    def __post_init__(self) -> None:
        FrameParameters.__post_init__(self)
        SplitParameters.__post_init__(self)
        self.check_names()
        self.check_joining()


@dataclass(frozen=True, kw_only=True)
class TranscriptionMeta(Meta):
    """Facts that `prepare` found out about recordings of texts.

    Attributes:
        parameters: What was asked for.
        symbols: Those of the training set's texts.
        joiner: What stands between two symbols of a text.
        rate_hz: Samples a second.
        longest: Frames of the longest recording of the training set.
        largest_stack: Most frames that a step may have so that every text has enough steps.
        tightest: The recordings that allow no more.
        mean: Of each feature on the training set.
        std: Its standard deviation there.
        heard: What was found in the recordings.
    """

    Parameters = TranscriptionData
    parameters: TranscriptionData
    symbols: list[str]
    joiner: str
    rate_hz: int
    longest: int
    largest_stack: int
    mean: list[float]
    std: list[float]
    heard: Heard
    tightest: str = ""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        return super().from_json({**content, "heard": Heard(**content["heard"])})
