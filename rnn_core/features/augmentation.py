"""Recordings varied while a model is trained on them.

Shapes: as of `rnn_core.features.frames`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnn_core.features.frames import Scaling, gather
from rnn_core.features.log_mel import mel_edges

CHANNEL_WAVES = 3
"""Cosines of 1, 2 and 3 half periods over the bands."""

SUGGESTED_TRAINING = {
    "dropout": 0.4,
    "warp": 0.2,
    "tempo": 0.3,
    "noise": 0.3,
    "channel": 1.2,
    "mask_mels": 5,
    "mask_frames": 5,
}
"""Values of `Augmentation`, and a dropout, that carry over to speakers not heard in training."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes to recordings while training; 0 turns each off.

    Attributes:
        warp: Recordings are read as if spoken by a vocal tract shorter or longer by a
            factor of up to 1 + warp (Jaitly and Hinton, "Vocal tract length perturbation",
            2013).
        tempo: They are spoken quicker or slower by a factor of up to 1 + tempo.
        noise: Share of recordings with steady noise, 0 to 40 dB below their loudest frame.
        channel: How much the loudness of bands varies, as by another microphone or room:
            standard deviation, in natural logarithms of energy, of each of the
            three cosines over the bands that are added up.
        mask_mels: Most adjoining bands that are blanked, after SpecAugment (arXiv:1904.08779v3).
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
