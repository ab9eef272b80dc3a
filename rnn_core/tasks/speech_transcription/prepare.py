"""Recordings of texts become frames, symbols and splits."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnn_core.errors import DataError
from rnn_core.features.frames import FrameParameters, features_of, fit_scaling, samples_to_frames
from rnn_core.metric import SPLITS
from rnn_core.readers.faults import Faults, some
from rnn_core.readers.sound.joined_words import Utterance, Utterances, joined_utterances
from rnn_core.readers.sound.recording_splits import of_split, speaker_numbers
from rnn_core.readers.sound.transcripts import listed_utterances
from rnn_core.tasks.speech_transcription.parameters import TranscriptionData, TranscriptionMeta


def prepare(
    raw: Path, parameters: TranscriptionData
) -> tuple[dict[str, Tensor], TranscriptionMeta]:
    """Turn recordings into frames, and texts into numbers of symbols."""
    rate, utterances, heard = read_utterances(raw, parameters)
    splits = [utterance.split for utterance in utterances]
    texts = [utterance.symbols for utterance in utterances]
    symbols = sorted({symbol for text in of_split(texts, splits, "train") for symbol in text})
    if len(symbols) < 2:
        raise DataError(f"all texts consist of the symbol {symbols[0]!r}; two are needed")
    data, pieces = to_tensors(utterances, rate, parameters, symbols)
    features = features_of(pieces, parameters.normalise, parameters.deltas)
    words = parameters.strings or parameters.tokens == "word"
    mean, std = fit_scaling(of_split(features, splits, "train"))
    stacks = largest_stacks(utterances, [len(piece) for piece in pieces])
    largest = min(stacks.values())
    meta = TranscriptionMeta(
        parameters=parameters,
        symbols=symbols,
        joiner=" " if words and max(map(len, symbols)) > 1 else "",
        rate_hz=rate,
        longest=max(of_split([len(piece) for piece in pieces], splits, "train")),
        largest_stack=largest,
        tightest=some([name for name, stack in stacks.items() if stack == largest], 5),
        mean=mean,
        std=std,
        items={name: splits.count(i) for i, name in enumerate(SPLITS)},
        heard=heard,
    )
    return data, meta


def read_utterances(raw: Path, parameters: TranscriptionData) -> Utterances:
    """All recordings with their texts."""
    rate = parameters.rate_hz
    if parameters.strings:
        return joined_utterances(raw, parameters, parameters, parameters.names, rate)
    return listed_utterances(raw, parameters, parameters.tokens, rate)


def to_tensors(
    utterances: Sequence[Utterance], rate: int, frames: FrameParameters, symbols: Sequence[str]
) -> tuple[dict[str, Tensor], list[NDArray[np.float32]]]:
    """Prepared tensors, and the frames of each recording.

    Args:
        utterances: The recordings.
        rate: Their samples a second.
        frames: How samples become frames.
        symbols: Those that have numbers, from 1; all others have the next.
    """
    pieces = [samples_to_frames(u.samples, rate, frames) for u in utterances]
    texts = [utterance.symbols for utterance in utterances]
    index = {symbol: i for i, symbol in enumerate(symbols, 1)}
    unknown = len(symbols) + 1
    data = {
        "frames": torch.from_numpy(np.concatenate(pieces)),
        "lengths": torch.tensor([len(p) for p in pieces], dtype=torch.int32),
        "symbols": torch.tensor(
            [index.get(symbol, unknown) for text in texts for symbol in text],
            dtype=torch.int32,
        ),
        "symbol_lengths": torch.tensor([len(text) for text in texts], dtype=torch.int32),
        "splits": torch.tensor([u.split for u in utterances], dtype=torch.uint8),
        "speakers": torch.tensor(
            speaker_numbers([u.speaker for u in utterances]), dtype=torch.int32
        ),
    }
    return data, pieces


def largest_stacks(utterances: list[Utterance], frames: list[int]) -> dict[str, int]:
    """Most frames that a step may have so that its text has enough steps, for each recording.

    A text needs a step for each symbol, and one for a blank between two that are alike.

    Raises:
        FaultsError: If recordings are too short for their texts.
    """
    largest, faults = dict[str, int](), Faults()
    for utterance, count in zip(utterances, frames, strict=True):
        text = utterance.symbols
        needed = len(text) + sum(a == b for a, b in pairwise(text))
        if needed > count:
            faults.add(
                f"{utterance.name} has {count} frames for the {len(text)} symbols of its text",
                "check the text, or lower data.hop_seconds",
            )
        largest[utterance.name] = count // needed
    faults.check()
    return largest
