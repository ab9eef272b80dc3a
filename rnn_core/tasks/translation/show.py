"""Sentences beside their translations, and translations without a recurrent cell."""

from torch import nn

from rnn_core.baselines.lexicon import word_for_word, word_lexicon
from rnn_core.metric import Split
from rnn_core.readers.parallel_text import Pair
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.shows import Illustration, Shows
from rnn_core.tasks.illustration import pairs, spread
from rnn_core.tasks.translation.bleu import corpus_bleu
from rnn_core.tasks.translation.learn import Learning, pieces_of, texts_of

ILLUSTRATED = 5
"""Sentences that illustrate a model."""


class Showing(Learning, Shows):
    """Shows translations, and scores simple translators."""

    margin = 0.5

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """Sentences, and their translations by beam search."""
        first, last = self.meta.range_of(split)
        places = spread(last - first, ILLUSTRATED)
        pieces = pieces_of(data, "source")[first:last]
        sources, references = (texts_of(data, what, first, last) for what in Pair._fields)
        asked = [sources[i] for i in places]
        ours = self.translations(model, [pieces[i] for i in places], asked, self.model.beam_size)
        shown = pairs(asked, [references[i] for i in places], ours)
        return {"kind": "pairs", "pairs": shown}

    def baselines(self, data: Data) -> dict[str, float]:
        """The source itself, and its words one by one."""
        end, (first, last) = self.meta.range_of("train")[1], self.meta.range_of("test")
        train = map(Pair, texts_of(data, "source", 0, end), texts_of(data, "target", 0, end))
        lexicon = word_lexicon(train)
        sources, references = (texts_of(data, what, first, last) for what in Pair._fields)
        replaced = [word_for_word(text, lexicon) for text in sources]
        return {
            "copy": corpus_bleu(sources, references, self.tokenizer),
            "word_for_word": corpus_bleu(replaced, references, self.tokenizer),
        }
