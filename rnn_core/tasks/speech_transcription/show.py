"""Texts beside what is heard, and transcripts without a recurrent cell."""

from collections import Counter

from torch import nn

from rnn_core.metric import Split
from rnn_core.models.ctc import best_path
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.shows import Illustration, Shows
from rnn_core.tasks.base.splits import items_of
from rnn_core.tasks.illustration import pairs, spread
from rnn_core.tasks.speech_transcription.edits import edits
from rnn_core.tasks.speech_transcription.learn import Learning, texts_of
from rnn_core.tasks.speech_transcription.segments import segment_guesses

ILLUSTRATED = 5
"""Recordings that illustrate a model."""


class Showing(Learning, Shows):
    """Shows what is heard, and scores simple transcribers."""

    margin = 0.01

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """Texts, and what is heard by the likeliest path; recordings are counted from 1."""
        places = spread(self.meta.items[split], ILLUSTRATED)
        items, texts = items_of(data["splits"], split)[places], texts_of(data)
        outputs = self.outputs(model, data, items)
        shown = pairs(
            [f"recording {place + 1}" for place in places],
            [self.decode(texts[i]) for i in items.tolist()],
            [self.decode(best_path(output)) for output in outputs],
        )
        return {"kind": "pairs", "pairs": shown}

    def baselines(self, data: Data) -> dict[str, float]:
        texts = texts_of(data)
        train = [texts[i] for i in items_of(data["splits"], "train").tolist()]
        test = items_of(data["splits"], "test").tolist()
        (most, _), *_ = Counter(map(tuple, train)).most_common(1)
        guesses = {"most_frequent": [most] * len(test)}
        if segmented := segment_guesses(data, self.scaling):
            guesses["segments"] = segmented
        symbols = sum(len(texts[i]) for i in test)
        return {
            name: sum(edits(g, texts[i]) for g, i in zip(guess, test, strict=True)) / symbols
            for name, guess in guesses.items()
        }
