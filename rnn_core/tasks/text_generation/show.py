"""Texts that a model writes, and models without a recurrent cell."""

from torch import Tensor, nn

from rnn_core.baselines.ngrams import kneser_ney
from rnn_core.features.words import UNKNOWN
from rnn_core.metric import SPLITS, Split
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.shows import Illustration, Shows
from rnn_core.tasks.text_generation.counts import bigram_probabilities, unigram_probabilities
from rnn_core.tasks.text_generation.write import TextAnswer, Writing

LONGEST_NGRAM = 8
"""Most tokens of the n-grams that are counted for a baseline."""

ILLUSTRATED: dict[str, tuple[int, int]] = {
    "char": (16, 300),
    "word": (4, 60),
    "subword": (6, 100),
}
"""By kind of token, how many of them illustrate a model: of a prompt, and written on."""

TEMPERATURE = 0.8
"""Of texts that illustrate a model, so that one unlikely token does not spoil them."""


class Showing(Writing, Shows):
    """Shows texts, and scores simple language models."""

    margin = 0.02

    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """Two short starts of lines of the split, and how the model writes on from each."""
        num_prompt, num_tokens = ILLUSTRATED[self.meta.parameters.tokens]
        texts = []
        for seed, prompt in enumerate(self.prompts(data[split], num_prompt)):
            how = TextAnswer(num_tokens=num_tokens, temperature=TEMPERATURE, seed=seed)
            texts.append({"prompt": prompt, "text": self.generate(model, prompt, how)})
        return {"kind": "text", "texts": texts}

    def prompts(self, tokens: Tensor, length: int) -> tuple[str, str]:
        """The start of the first line of tokens (N,), and of one in the middle.

        Only known tokens are taken. Where no line starts with enough of them, any place is taken,
        and where there is none, prompts are empty.
        """
        windows = tokens.unfold(0, min(length, len(tokens)), 1)
        known = (windows != self.index[UNKNOWN]).all(dim=1)
        is_break = tokens[: len(known)] == self.line_break
        starts = known & is_break.roll(1) & ~is_break
        starts[0] = False  # a split begins anywhere in a line
        places = (starts if starts.any() else known).nonzero().flatten().tolist()
        if not places:
            return "", ""
        first, middle = (windows[places[i]].tolist() for i in (0, len(places) // 2))
        return self.text_of(first), self.text_of(middle)

    def baselines(self, data: Data) -> dict[str, float]:
        """Relative frequencies, those after one token, and the best n-grams."""
        train, test = data["train"].long(), data["test"].long()
        unigram = unigram_probabilities(train, len(self.vocabulary))
        bigram = bigram_probabilities(train, test, unigram)
        counted, chooses, scored = (data[split].long().numpy() for split in SPLITS)
        per_token = {
            "unigram": float(-unigram[test[1:]].log().mean()),
            "bigram": float(-bigram.log().mean()),
            "n_gram": kneser_ney(counted, chooses, scored, len(self.vocabulary), LONGEST_NGRAM),
        }
        if self.subwords is None:
            return per_token
        tokens = (len(test) - 1) / self.meta.characters["test"]
        return {name: nats * tokens for name, nats in per_token.items()}

    def optimum(self) -> float | None:
        return self.meta.optimum
