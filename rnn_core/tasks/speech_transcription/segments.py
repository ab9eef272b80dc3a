"""Transcripts without a recurrent cell: what lies between two pauses is one symbol."""

import torch
from torch import Tensor

from rnn_core.features.frames import Scaling
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.splits import items_of
from rnn_core.tasks.speech_transcription.learn import texts_of

SHORTEST_PAUSE = 3
"""Frames below the threshold that part two segments; segments are as long at least."""


def segment_guesses(data: Data, scaling: Scaling) -> list[tuple[int, ...]]:
    """Texts of the test set by pauses, and the nearest centroid of each stretch between.

    Centroids come from training recordings with as many stretches as their text has
    symbols; empty if no recording does.
    """
    texts = texts_of(data)
    pieces = data["frames"].split(data["lengths"].tolist())
    points: dict[int, list[Tensor]] = {}
    for i in items_of(data["splits"], "train").tolist():
        found = segments(pieces[i], scaling)
        if len(found) == len(texts[i]):
            for symbol, point in zip(texts[i], found, strict=True):
                points.setdefault(symbol, []).append(point)
    if not points:
        return []
    known = sorted(points)
    centroids = torch.stack([torch.stack(points[symbol]).mean(dim=0) for symbol in known])
    guesses = []
    for i in items_of(data["splits"], "test").tolist():
        stretches = torch.stack(segments(pieces[i], scaling))
        nearest = torch.cdist(stretches, centroids).argmin(dim=1).tolist()
        guesses.append(tuple(known[place] for place in nearest))
    return guesses


def segments(frames: Tensor, scaling: Scaling) -> list[Tensor]:
    """Mean and standard deviation of features, (2 I,), of each stretch of speech."""
    features = scaling(frames[None], torch.tensor([len(frames)]))[0]
    stretches = [features[start:end] for start, end in speech_stretches(frames.mean(dim=1))]
    return [torch.cat([s.mean(0), s.std(0, correction=0)]) for s in stretches]


def speech_stretches(loudness: Tensor) -> list[tuple[int, int]]:
    """First frame and frame after the last of each stretch louder than the middle.

    The middle is halfway between the 10th and the 90th hundredth of the loudness (T,);
    without a stretch that is long enough, the whole recording is one.
    """
    low, high = torch.quantile(loudness, torch.tensor([0.1, 0.9]).to(loudness)).tolist()
    stretches: list[tuple[int, int]] = []
    for step in (loudness > (low + high) / 2).nonzero().flatten().tolist():
        if stretches and step - stretches[-1][1] < SHORTEST_PAUSE:
            stretches[-1] = (stretches[-1][0], step + 1)
        else:
            stretches.append((step, step + 1))
    long = [(start, end) for start, end in stretches if end - start >= SHORTEST_PAUSE]
    return long or [(0, len(loudness))]
