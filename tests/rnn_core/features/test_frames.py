"""Features of frames against numpy in float64, and augmentation whose effect is known."""

import numpy as np
import pytest
import torch

from rnn_core.features.augmentation import (
    CHANNEL_WAVES,
    Augmentation,
    channels,
    draw_factors,
    masked,
    noisy,
    training_features,
    warped,
)
from rnn_core.features.frames import LEVEL_RANGE, SPEECH_RANGE, Scaling, gather, unscaled
from rnn_core.features.log_mel import log_mel, mel_edges

RATE = 8000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def recordings():
    draw = np.random.default_rng(0)
    return [draw.normal(scale=4, size=(n, 6)) for n in (7, 1, 12, 4)]


def padded(pieces, value=99.0):
    lengths = torch.tensor([len(p) for p in pieces])
    batch = torch.full((len(pieces), int(lengths.max()), pieces[0].shape[1]), value).double()
    for row, piece in zip(batch, pieces, strict=True):
        row[: len(piece)] = torch.from_numpy(piece)
    return batch, lengths


def level(piece):
    return np.maximum(piece - piece.max(), -LEVEL_RANGE)


def speech(piece):
    leveled = level(piece)
    loudness = leveled.mean(axis=1)
    return leveled - leveled[loudness >= loudness.max() - SPEECH_RANGE].mean(axis=0)


def slope(piece):
    """The slope of a line through five points by numpy's least squares."""
    edge = np.concatenate([piece[:1]] * 2 + [piece] + [piece[-1:]] * 2)
    rows = [np.polyfit(np.arange(5), edge[t : t + 5], 1)[0] for t in range(len(piece))]
    return np.array(rows)


@pytest.mark.parametrize("deltas", [False, True])
@pytest.mark.parametrize(
    ("normalise", "reference"), [("none", lambda p: p), ("level", level), ("speech", speech)]
)
def test_features_match_numpy_whatever_lies_beyond_the_lengths(
    recordings, normalise, reference, deltas
):
    batch, lengths = padded(recordings)
    found = unscaled(batch, lengths, normalise, deltas)
    for row, piece in zip(found, recordings, strict=True):
        expected = reference(piece)
        if deltas:
            expected = np.concatenate([expected, slope(expected)], axis=1)
        np.testing.assert_allclose(row[: len(piece)], expected, atol=1e-9)


def test_scaled_features_are_zero_beyond_the_lengths(recordings):
    batch, lengths = padded(recordings)
    scaling = Scaling("none", False, [1.0] * 6, [2.0] * 6)
    found = scaling(batch, lengths)
    for row, piece in zip(found, recordings, strict=True):
        np.testing.assert_allclose(row[: len(piece)], (piece - 1) / 2, atol=1e-12)
        assert (row[len(piece) :] == 0).all()


def test_level_takes_loudness_away(recordings):
    batch, lengths = padded(recordings)
    louder = unscaled(batch + 3, lengths, "level", False)
    torch.testing.assert_close(louder, unscaled(batch, lengths, "level", False))


def test_speech_takes_the_microphone_away():
    draw = np.random.default_rng(1)
    piece = draw.normal(scale=0.5, size=(9, 6))
    other = piece + draw.normal(size=6)
    first, second = (unscaled(*padded([p]), "speech", False) for p in (piece, other))
    torch.testing.assert_close(first, second)


def stored(pieces):
    lengths = torch.tensor([len(p) for p in pieces], dtype=torch.int32)
    return torch.from_numpy(np.concatenate(pieces)), lengths


def test_recordings_are_read_out_in_any_order(recordings):
    frames, lengths = gather(*stored(recordings), torch.tensor([2, 0, 1]))
    assert lengths.tolist() == [12, 7, 1]
    for row, index in zip(frames, (2, 0, 1), strict=True):
        piece = torch.from_numpy(recordings[index])
        assert torch.equal(row[: len(piece)], piece)
        assert (row[len(piece) :] == piece[-1]).all()


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.3, 50.0])
def test_quicker_recordings_are_interpolated_as_numpy_does(recordings, factor):
    items = torch.arange(4)
    frames, lengths = gather(*stored(recordings), items, torch.full((4,), factor))
    for row, length, piece in zip(frames, lengths.tolist(), recordings, strict=True):
        assert length == max(round(len(piece) / factor), 1)
        places = np.linspace(0, len(piece) - 1, length) if length > 1 else [0]
        for band in range(6):
            expected = np.interp(places, np.arange(len(piece)), piece[:, band])
            np.testing.assert_allclose(row[:length, band], expected, atol=1e-5)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_warped_tone_is_that_of_another_vocal_tract(factor):
    """Bands are read at `factor` times their frequency, so a peak moves to 1 / factor of its."""
    tone = 0.5 * np.sin(2 * np.pi * 1200 * np.arange(4000) / RATE)
    frames = torch.from_numpy(log_mel(tone.astype(np.float32), RATE, 64, 0.032, 0.01))[None]
    found = warped(frames, torch.tensor([factor]), RATE)[0].mean(dim=0)
    centres = mel_edges(64, RATE)[1:-1]
    assert centres[int(found.argmax())] == pytest.approx(1200 / factor, rel=0.04)
    if factor == 1:
        torch.testing.assert_close(found, frames[0].mean(dim=0))


def test_factors_are_even_in_their_logarithm_and_within_bounds():
    logs = draw_factors(4000, 0.25, generator()).log() / np.log(1.25)
    assert logs.abs().max() <= 1 + 1e-6
    assert logs.mean().item() == pytest.approx(0, abs=0.05)
    assert logs.std().item() == pytest.approx(1 / 3**0.5, rel=0.05)


def test_noise_is_added_to_its_share_and_never_takes_away():
    frames = torch.zeros(400, 5, 6)
    found = noisy(frames, 0.25, generator())
    changed = ((found - frames).abs().amax(dim=(1, 2)) > 1e-4).float().mean()
    assert 0.15 < changed < 0.3  # of the quarter, some lies too far below to be seen
    assert (found >= frames - 1e-6).all()


def test_channels_are_smooth_and_of_the_asked_spread():
    found = channels(5000, 8, 0.7, generator())[:, 0].double().numpy()
    places = np.pi * (np.arange(8) + 0.5) / 8
    waves = np.array([np.cos(k * places) for k in range(1, CHANNEL_WAVES + 1)])
    weights = found @ waves.T / 4
    np.testing.assert_allclose(weights @ waves, found, atol=1e-5)
    np.testing.assert_allclose(weights.std(axis=0), 0.7, rtol=0.05)


def test_masks_blank_one_stretch_of_bands_and_one_of_frames():
    features, lengths = torch.ones(200, 9, 12), torch.full((200,), 9)
    how = Augmentation(mask_mels=3, mask_frames=2)
    found = masked(features, lengths, how, 6, generator()) == 0
    for row in found:
        bands, steps = row.all(dim=0), row.all(dim=1)
        assert torch.equal(bands[:6], bands[6:])  # slopes with their bands
        assert torch.equal(row, bands[None, :] | steps[:, None])
        for hit, most in ((bands[:6], 3), (steps, 2)):
            places = hit.nonzero().flatten().tolist()
            assert len(places) <= most
            assert places == list(range(places[0], places[0] + len(places))) if places else True
    widths = found.all(dim=1)[:, :6].sum(dim=1).bincount()
    assert len(widths) == 4
    assert widths.min() > 20


def test_features_without_augmentation_are_those_that_are_scored(recordings):
    frames, lengths = stored(recordings)
    data, items = {"frames": frames, "lengths": lengths}, torch.tensor([3, 1])
    scaling = Scaling("speech", True, [0.1] * 12, [2.0] * 12)
    found, found_lengths = training_features(
        data, items, scaling, Augmentation(), RATE, generator()
    )
    expected, expected_lengths = gather(frames, lengths, items)
    assert torch.equal(found, scaling(expected, expected_lengths))
    assert torch.equal(found_lengths, expected_lengths)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"warp": 1.0}, "warp and tempo must be in"),
        ({"noise": 1.1}, "noise in"),
        ({"mask_mels": -1}, "must not be negative"),
        ({"channel": -0.1}, "must not be negative"),
    ],
)
def test_impossible_augmentation_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**options).check_augmentation()
