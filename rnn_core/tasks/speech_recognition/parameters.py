"""Parameters of recordings of words in params.yaml, and facts found out about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from rnn_core.features.frames import FrameParameters
from rnn_core.metric import ClassMetric
from rnn_core.readers.sound.name_pattern import NameParameters
from rnn_core.readers.sound.recording_splits import SplitParameters
from rnn_core.readers.sound.recordings import Heard
from rnn_core.tasks.base.prepared import Meta


@dataclass(frozen=True, kw_only=True)
class SpeechData(FrameParameters, SplitParameters, NameParameters):
    """Settings that turn recordings into frames and splits.

    Attributes:
        split_by: How splits differ: by `take` or `speaker`, where `validation` and `test` name
            some; by `share` of the recordings of each word, drawn at random; as is `given` by
            folders or lists of splits that the data has; or by `each_speaker`, where speakers
            take turns: the seed of a training decides who is tested, the next in the order of
            names is the validation set, and all others are trained on. So a model is chosen by a
            voice that it was not trained on, and tested by another one.
        metric: What models are chosen by: the share of recordings that are right, or the mean of
            that share over the words.
    """

    split_by: Literal["take", "speaker", "share", "given", "each_speaker"]  # type: ignore[assignment]
    metric: ClassMetric = "accuracy"

    def __post_init__(self) -> None:
        FrameParameters.__post_init__(self)
        self.check_names()
        if self.split_by != "each_speaker":
            SplitParameters.__post_init__(self)
        elif self.validation or self.test:
            raise ValueError(
                "with split_by each_speaker the seed chooses whose recordings are for validation "
                "and test; remove validation and test"
            )


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A division into splits, and the scaling by its training set.

    Attributes:
        test: The speaker that is tested, or "all" where speakers do not take turns.
        mean: Of each feature.
        std: Its standard deviation.
    """

    test: str
    mean: list[float]
    std: list[float]


@dataclass(frozen=True, kw_only=True)
class SpeechMeta(Meta):
    """Facts that `prepare` found out about recordings of words.

    Attributes:
        parameters: What was asked for.
        classes: The words.
        rate_hz: Samples a second.
        longest: Frames of the longest recording that is on some training set.
        folds: All divisions into splits, by which the seed chooses.
        heard: What was found in the recordings.
    """

    Parameters = SpeechData
    parameters: SpeechData
    classes: list[str]
    rate_hz: int
    longest: int
    folds: list[Fold]
    heard: Heard

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        folds = [Fold(**fold) for fold in content["folds"]]
        heard = Heard(**content["heard"])
        return super().from_json({**content, "folds": folds, "heard": heard})
