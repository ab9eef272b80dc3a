"""Log-mel frames in batches: read from prepared data and scaled.

Shapes: N recordings with F frames in all, B recordings of a batch, T frames of the longest
of them, M mel bands, I features of a frame.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnn_core.features.log_mel import log_mel
from rnn_core.layers.presence import presence
from rnn_core.readers.sound.audio import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, Samples

Normalise: TypeAlias = Literal["none", "level", "speech"]

SMALLEST_SPREAD = 1e-3
"""Standard deviations below it, as of a band that is always silent, are taken for it."""

LEVEL_RANGE = 12.0
"""Of the logarithm of energies: 52 dB."""

SPEECH_RANGE = 3.0
"""Frames whose mean logarithm is no further below the loudest's count as speech: 13 dB."""

DELTA_REACH = 2
"""Frames on either side that a delta looks at, as in the HTK book (v3.4, section 5.9)."""

SUGGESTED_FRAMES = {"num_mels": 24, "hop_seconds": 0.015, "normalise": "level", "deltas": True}
"""Values of `FrameParameters` that carry over to speakers who were not heard in training."""


@dataclass(frozen=True, kw_only=True)
class FrameParameters:
    """Settings of the features of frames.

    Attributes:
        num_mels: Mel bands of a frame.
        window_seconds: Length of the window of a frame.
        hop_seconds: Distance between frames.
        normalise: What is taken away from each recording: nothing; its level, so that its
            loudest energy is 0 and what lies 12 below it, in natural logarithms, counts as
            silence; or the mean of each band over its speech too, as that of the microphone.
        deltas: Whether a frame also has the slope of each band around it.
        rate_hz: Samples a second that recordings of other rates are brought to; null: the
            commonest rate of the data.
    """

    num_mels: int = 40
    window_seconds: float = 0.025
    hop_seconds: float = 0.010
    normalise: Normalise = "none"
    deltas: bool = False
    rate_hz: int | None = None

    def __post_init__(self) -> None:
        if self.rate_hz is not None and not LOWEST_RATE_HZ <= self.rate_hz <= HIGHEST_RATE_HZ:
            raise ValueError(
                f"rate_hz {self.rate_hz} is not between {LOWEST_RATE_HZ} and {HIGHEST_RATE_HZ}"
            )
        if self.num_mels < 1 or min(self.window_seconds, self.hop_seconds) <= 0:
            raise ValueError("num_mels, window_seconds and hop_seconds must be above 0")


@dataclass(frozen=True)
class Scaling:
    """Scaling of log-mel frames (B, T, M) to features (B, T, I).

    Attributes:
        normalise: As of `FrameParameters`.
        deltas: As of `FrameParameters`.
        mean: Of each feature in the training set, (I,).
        std: Standard deviation of each feature in the training set, (I,).
    """

    normalise: Normalise
    deltas: bool
    mean: list[float]
    std: list[float]

    def __call__(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Scale a batch; beyond its length a recording has zeros."""
        features = unscaled(frames, lengths, self.normalise, self.deltas)
        scaled = (features - features.new_tensor(self.mean)) / features.new_tensor(self.std)
        return scaled * inside(lengths, frames)


def samples_to_frames(
    samples: Samples, rate_hz: int, parameters: FrameParameters
) -> NDArray[np.float32]:
    """Log-mel frames (T, M) of a recording."""
    return log_mel(
        samples,
        rate_hz,
        parameters.num_mels,
        parameters.window_seconds,
        parameters.hop_seconds,
    )


def features_of(
    pieces: list[NDArray[np.float32]], normalise: Normalise, deltas: bool
) -> list[NDArray[np.float32]]:
    """Features (T, I) before they are scaled, of log-mel frames (T, M) of recordings."""
    return [
        unscaled(torch.from_numpy(piece)[None], torch.tensor([len(piece)]), normalise, deltas)[
            0
        ].numpy()
        for piece in pieces
    ]


def fit_scaling(features: list[NDArray[np.float32]]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation, in float64, of the features (T, I) of recordings, (I,) each."""
    whole = np.concatenate(features).astype(np.float64)
    std = np.maximum(whole.std(axis=0), SMALLEST_SPREAD)
    return whole.mean(axis=0).tolist(), std.tolist()


def unscaled(frames: Tensor, lengths: Tensor, normalise: Normalise, deltas: bool) -> Tensor:
    """Features (B, T, I) before they are scaled; meaningless beyond the lengths."""
    if normalise != "none":
        present = inside(lengths, frames)
        loudest = frames.masked_fill(present == 0, -torch.inf).amax(dim=(1, 2), keepdim=True)
        frames = (frames - loudest).clamp(min=-LEVEL_RANGE)
        if normalise == "speech":
            frames = frames - speech_mean(frames, present)
    return torch.cat([frames, slopes(frames, lengths)], dim=-1) if deltas else frames


def speech_mean(frames: Tensor, present: Tensor) -> Tensor:
    """Mean of each band over the louder frames of each recording, (B, 1, M).

    Args:
        frames: (B, T, M).
        present: 1 where recordings still go on, (B, T, 1).
    """
    loudness = frames.mean(dim=2, keepdim=True).masked_fill(present == 0, -torch.inf)
    loud = (loudness >= loudness.amax(dim=1, keepdim=True) - SPEECH_RANGE).to(frames)
    return (frames * loud).sum(dim=1, keepdim=True) / loud.sum(dim=1, keepdim=True)


def slopes(frames: Tensor, lengths: Tensor) -> Tensor:
    """Slope of each band around each frame by least squares, (B, T, M).

    Frames before the first and after the last of a recording count as these.
    """
    steps = torch.arange(frames.shape[1], device=frames.device)
    last = lengths[:, None] - 1
    total = torch.zeros_like(frames)
    for reach in range(1, DELTA_REACH + 1):
        after = pick(frames, torch.minimum(steps + reach, last))
        before = pick(frames, torch.minimum((steps - reach).clamp(min=0), last))
        total = total + reach * (after - before)
    return total / (2 * sum(reach**2 for reach in range(1, DELTA_REACH + 1)))


def pick(frames: Tensor, steps: Tensor) -> Tensor:
    """The frames (B, T', M) at given steps (B, T')."""
    return frames.gather(1, steps.unsqueeze(-1).expand(-1, -1, frames.shape[2]))


def inside(lengths: Tensor, frames: Tensor) -> Tensor:
    """1 where recordings still go on and 0 beyond, (B, T, 1)."""
    return presence(lengths, frames.shape[1]).transpose(0, 1).to(frames)


def gather(
    frames: Tensor, all_lengths: Tensor, items: Tensor, factors: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Read recordings out of the frames of all, at their own or another tempo.

    Args:
        frames: Frames of all recordings, one after the other, (F, M).
        all_lengths: Frames of each recording, int (N,).
        items: Which recordings, int64 (B,).
        factors: How much quicker each is read, (B,); frames between two are interpolated.

    Returns:
        Frames (B, T, M), and lengths int64 (B,); beyond its length a recording repeats
        its last frame.
    """
    all_lengths = all_lengths.long()
    items = items.to(all_lengths.device)
    starts = (all_lengths.cumsum(0) - all_lengths)[items]
    ends = all_lengths[items] - 1
    if factors is None:
        steps = torch.arange(int(ends.max()) + 1, device=frames.device)
        return frames[starts[:, None] + torch.minimum(steps, ends[:, None])], ends + 1
    lengths = ((ends + 1) / factors.to(frames.device)).round().long().clamp(min=1)
    steps = torch.arange(int(lengths.max()), device=frames.device)
    scale = ends / (lengths - 1).clamp(min=1)
    places = torch.minimum(steps * scale[:, None], ends[:, None].to(scale))
    low = places.floor().long()
    high = torch.minimum(low + 1, ends[:, None])
    share = (places - low).unsqueeze(-1).to(frames.dtype)
    first, second = frames[starts[:, None] + low], frames[starts[:, None] + high]
    return first + share * (second - first), lengths
