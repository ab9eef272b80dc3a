"""Log-mel frames in batches: read from prepared data, varied while training, scaled.

Shapes: N recordings with F frames in all, B recordings of a batch, T frames of the longest
of them, M mel bands, I features of a frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnn_core.layers.recurrent import presence
from rnn_core.readers.audio import Samples, log_mel, mel_edges

Normalise: TypeAlias = Literal["none", "level", "speech"]

SMALLEST_SPREAD = 1e-3
"""Standard deviations below it, as of a band that is always silent, are taken for it."""

LEVEL_RANGE = 12.0
"""Of the logarithm of energies: 52 dB."""

SPEECH_RANGE = 3.0
"""Frames whose mean logarithm is no further below the loudest's count as speech: 13 dB."""

DELTA_REACH = 2
"""Frames on either side that a delta looks at, as in the HTK book (v3.4, section 5.9)."""

CHANNEL_WAVES = 3
"""Cosines of 1, 2 and 3 half periods over the bands."""


SUGGESTED_FRAMES = {"num_mels": 24, "hop_seconds": 0.015, "normalise": "level", "deltas": True}
"""Values of `FrameParameters` that carry over to speakers who were not heard in training."""

SUGGESTED_TRAINING = {
    "dropout": 0.4,
    "warp": 0.2,
    "tempo": 0.3,
    "noise": 0.3,
    "channel": 1.2,
    "mask_mels": 5,
    "mask_frames": 5,
}
"""Values of `Augmentation`, and a dropout, that do."""


@dataclass(frozen=True, kw_only=True)
class FrameParameters:
    """How samples become the features of frames.

    Attributes:
        num_mels: Mel bands of a frame.
        window_seconds: Length of the window of a frame.
        hop_seconds: Distance between frames.
        normalise: What is taken away from each recording: nothing; its level, so that its
            loudest energy is 0 and what lies `LEVEL_RANGE` below it counts as silence; or
            the mean of each band over its speech too, as that of the microphone.
        deltas: Whether a frame also has the slope of each band around it.
    """

    num_mels: int = 40
    window_seconds: float = 0.025
    hop_seconds: float = 0.010
    normalise: Normalise = "none"
    deltas: bool = False

    def __post_init__(self) -> None:
        if self.num_mels < 1 or min(self.window_seconds, self.hop_seconds) <= 0:
            raise ValueError("num_mels, window_seconds and hop_seconds must be above 0")


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How recordings are varied while training; all 0: not at all.

    Attributes:
        warp: Recordings are read as if spoken by a vocal tract shorter or longer by a
            factor of up to 1 + warp (Jaitly and Hinton, "Vocal tract length perturbation",
            2013).
        tempo: They are spoken quicker or slower by a factor of up to 1 + tempo.
        noise: Share of recordings with steady noise, 0 to 40 dB below their loudest frame.
        channel: How much the loudness of bands varies, as by another microphone or room:
            standard deviation, in natural logarithms of energy, of each of the
            `CHANNEL_WAVES` cosines over the bands that are added up.
        mask_mels: Most adjoining bands that are blanked, as the next after SpecAugment
            (arXiv:1904.08779v3).
        mask_frames: Most adjoining frames that are blanked.
    """

    warp: float = 0.0
    tempo: float = 0.0
    noise: float = 0.0
    channel: float = 0.0
    mask_mels: int = 0
    mask_frames: int = 0

    def check_augmentation(self) -> None:
        """Refuse what is out of range.

        Raises:
            ValueError: If something is.
        """
        if not (0 <= self.warp < 1 and 0 <= self.tempo < 1 and 0 <= self.noise <= 1):
            raise ValueError("warp and tempo must be in [0, 1), noise in [0, 1]")
        if min(self.channel, self.mask_mels, self.mask_frames) < 0:
            raise ValueError("channel, mask_mels and mask_frames must not be negative")


@dataclass(frozen=True)
class Scaling:
    """What turns log-mel frames (B, T, M) into features (B, T, I).

    Attributes:
        normalise: As of `FrameParameters`.
        deltas: As of `FrameParameters`.
        mean: Of each feature on the training side, (I,).
        std: Likewise.
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
    samples: Samples, rate_hz: int, parameters: Mapping[str, Any]
) -> NDArray[np.float32]:
    """Log-mel frames (T, M) of a recording, by the values of a `FrameParameters`."""
    return log_mel(
        samples,
        rate_hz,
        parameters["num_mels"],
        parameters["window_seconds"],
        parameters["hop_seconds"],
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


def fit_scaling(features: list[NDArray[np.float32]]) -> dict[str, list[float]]:
    """Mean and standard deviation, in float64, of the features (T, I) of recordings.

    Returns:
        "mean" and "std", (I,) each.
    """
    whole = np.concatenate(features).astype(np.float64)
    std = np.maximum(whole.std(axis=0), SMALLEST_SPREAD)
    return {"mean": whole.mean(axis=0).tolist(), "std": std.tolist()}


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


def training_features(
    data: Mapping[str, Tensor],
    items: Tensor,
    scaling: Scaling,
    how: Augmentation,
    rate_hz: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Features (B, T, I) and lengths (B,) of recordings, varied.

    All is drawn from the generator that draws the order, so that it is the same for every
    cell.
    """
    factors = None
    if how.tempo:
        factors = draw_factors(len(items), how.tempo, generator)
    frames, lengths = gather(data["frames"], data["lengths"], items, factors)
    if how.warp:
        frames = warped(frames, draw_factors(len(items), how.warp, generator), rate_hz)
    if how.channel:
        frames = frames + channels(len(items), frames.shape[2], how.channel, generator).to(frames)
    if how.noise:
        frames = noisy(frames, how.noise, generator)
    features = scaling(frames, lengths)
    if how.mask_mels or how.mask_frames:
        features = masked(features, lengths, how, frames.shape[2], generator)
    return features, lengths


def draw_factors(count: int, largest: float, generator: torch.Generator) -> Tensor:
    """Factors between 1 / (1 + largest) and 1 + largest, even in their logarithm, (B,)."""
    return (1 + largest) ** (2 * torch.rand(count, generator=generator) - 1)


def warped(frames: Tensor, factors: Tensor, rate_hz: int) -> Tensor:
    """Stretch the spectrum of each recording by a factor (B,), between bands linearly."""
    num_mels = frames.shape[2]
    edges = torch.from_numpy(mel_edges(num_mels, rate_hz))
    hertz = factors.double()[:, None] * edges[1:-1]
    step = 2595 * np.log10(1 + rate_hz / 2 / 700) / (num_mels + 1)
    places = (2595 * torch.log10(1 + hertz / 700) / step - 1).clamp(0, num_mels - 1)
    low = places.floor().long().clamp(max=max(num_mels - 2, 0))
    share = (places - low).to(frames)[:, None, :]
    low = low.to(frames.device)[:, None, :].expand(frames.shape)
    high = (low + 1).clamp(max=num_mels - 1)
    stretched: Tensor = frames.gather(2, low) * (1 - share) + frames.gather(2, high) * share
    return stretched


def channels(count: int, num_mels: int, spread: float, generator: torch.Generator) -> Tensor:
    """Random smooth changes of the loudness of bands, (count, 1, num_mels)."""
    weights = spread * torch.randn(count, CHANNEL_WAVES, generator=generator)
    halves = torch.arange(1, CHANNEL_WAVES + 1)[:, None]
    waves = torch.cos(torch.pi * halves * (torch.arange(num_mels) + 0.5) / num_mels)
    return (weights @ waves)[:, None, :]


def noisy(frames: Tensor, portion: float, generator: torch.Generator) -> Tensor:
    """Add steady noise with a random tilt to a portion of the recordings."""
    batch, _, num_mels = frames.shape
    draw = torch.rand(batch, 3, generator=generator)
    loudest = frames.mean(dim=2).amax(dim=1)[:, None]
    below = torch.where(draw[:, :1] < portion, 40 * draw[:, 1:2], 200.0) * np.log(10) / 10
    tilt = (draw[:, 2:] * 4 - 2) * torch.linspace(-1, 1, num_mels)
    hiss = 0.5 * torch.randn(frames.shape, generator=generator)
    level = loudest - below.to(frames) + tilt.to(frames)
    return torch.logaddexp(frames, level[:, None, :] + hiss.to(frames))


def masked(
    features: Tensor,
    lengths: Tensor,
    how: Augmentation,
    num_mels: int,
    generator: torch.Generator,
) -> Tensor:
    """Blank one stretch of bands and one of frames in each recording."""
    draw = torch.rand(len(features), 4, generator=generator).to(features)
    width = (draw[:, :1] * (how.mask_mels + 1)).floor()
    start = draw[:, 1:2] * (num_mels - width)
    bands = torch.arange(features.shape[2], device=features.device) % num_mels
    hit_band = (bands >= start) & (bands < start + width)
    width = (draw[:, 2:3] * (how.mask_frames + 1)).floor().clamp(max=lengths[:, None] // 2)
    start = draw[:, 3:] * (lengths[:, None] - width)
    steps = torch.arange(features.shape[1], device=features.device)
    hit_step = (steps >= start) & (steps < start + width)
    return features.masked_fill(hit_band[:, None, :] | hit_step[:, :, None], 0.0)
