"""When each word of a transcript is said."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from torch import Tensor

from rnn_core.tasks.speech_transcription.segments import speech_stretches


class Place(NamedTuple):
    """A word and where it is said, in frames.

    Attributes:
        word: The word.
        start: Its first frame.
        end: The frame after its last.
    """

    word: str
    start: int
    end: int


def words_on_path(
    symbols: Sequence[str], steps: Sequence[tuple[int, int]], stack: int, whole: bool
) -> list[Place]:
    """Words and where a path has their symbols.

    Args:
        symbols: Of the transcript.
        steps: The first step of each, and the step after its last.
        stack: Frames of a step.
        whole: Whether a symbol is a word; else spaces part words of characters.
    """
    words: list[Place] = []
    begun = False
    for symbol, (first, after) in zip(symbols, steps, strict=True):
        if not whole and symbol == " ":
            begun = False
        elif whole or not begun:
            words.append(Place(symbol, first * stack, after * stack))
            begun = True
        else:
            word, start, _ = words[-1]
            words[-1] = Place(word + symbol, start, after * stack)
    return words


def widened(words: Sequence[Place], loudness: Tensor) -> list[Place]:
    """Words over the whole stretches of sound that they stand in.

    On a path of connectionist temporal classification a symbol has a few steps only, somewhere
    within its sound. What is loud around it is its own, up to the quietest frame between two
    words.

    Args:
        words: As a path has them.
        loudness: Of each frame, (T,).
    """
    stretches = speech_stretches(loudness)
    edges = [0]
    for one, next_one in pairwise(words):
        start = min(one.end, next_one.start, len(loudness) - 1)
        between = loudness[start : max(next_one.start, start + 1)]
        edges.append(start + int(between.argmin()))
    edges.append(len(loudness))
    found = []
    for i, (word, start, after) in enumerate(words):
        end = min(after, len(loudness))
        own = [s for s in stretches if s[0] < end and start < s[1]]
        first = min([start, *(s[0] for s in own)])
        last = max([end, *(s[1] for s in own)])
        found.append(Place(word, max(first, edges[i]), min(last, max(edges[i + 1], end))))
    return found


def as_json(words: Sequence[Place], hop: float, window: float, seconds: float) -> str:
    """Words with their times in seconds, as a list of JSON.

    Args:
        words: Where they are said.
        hop: Seconds between the starts of frames.
        window: Length of a frame.
        seconds: Length of the recording.
    """
    times = [
        {
            "word": word,
            "start": round(start * hop, 3),
            "end": round(min((end - 1) * hop + window, seconds), 3),
        }
        for word, start, end in words
    ]
    return json.dumps(times, ensure_ascii=False)
