"""Recordings of texts on other splits."""

from dataclasses import replace

import torch
from torch import Tensor

from rnn_core.errors import ParameterError
from rnn_core.metric import SPLITS
from rnn_core.tasks.base.divides import Divided, Divides
from rnn_core.tasks.base.prepared import Data, Meta
from rnn_core.tasks.base.splits import (
    LEFT_OUT,
    counts_of,
    joined,
    last_groups,
    last_of_each,
    moved_back,
)
from rnn_core.tasks.speech_transcription.parameters import TranscriptionMeta


class Dividing(Divides):
    """Moves recordings from split to split."""

    @staticmethod
    def join(data: Data, meta: Meta) -> Divided:
        """A text with a symbol that no training text has stays out: no output stands for it."""
        assert isinstance(meta, TranscriptionMeta)
        splits = joined(data["splits"])
        strange = has_unknown(data, len(meta.symbols)) & (splits == SPLITS.index("train"))
        splits = splits.masked_fill(strange, LEFT_OUT)
        return {**data, "splits": splits}, replace(meta, items=counts_of(splits))

    @staticmethod
    def move_back(data: Data, meta: Meta) -> Divided:
        """As the splits differ: by speaker, whole speakers choose; else the last of each speaker.

        Raises:
            ParameterError: If texts are joined of words that several splits may have in common.
        """
        assert isinstance(meta, TranscriptionMeta)
        how, speakers = meta.parameters, data["speakers"].long()
        if how.strings and how.split_by != "speaker":
            raise ParameterError(
                "strings of one split are joined of the same recordings, so that none of them can "
                "choose for the others; set data.split_by to speaker"
            )
        held = (last_groups if how.split_by == "speaker" else last_of_each)(
            data["splits"], speakers
        )
        splits = moved_back(data["splits"], held)
        return {**data, "splits": splits}, replace(meta, items=counts_of(splits))


def has_unknown(data: Data, num_symbols: int) -> Tensor:
    """Find texts with a symbol that training did not have, bool (N,)."""
    texts = data["symbols"].split(data["symbol_lengths"].tolist())
    return torch.tensor([bool((text > num_symbols).any()) for text in texts])
