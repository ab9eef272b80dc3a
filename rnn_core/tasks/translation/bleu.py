"""How near translations come to reference translations, by sacreBLEU (Post, arXiv:1804.08771v2)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

Tokenizer: TypeAlias = Literal["13a", "intl", "zh", "char", "none"]

SIGNATURE = "nrefs:1|case:lc|eff:no|tok:{}|smooth:exp"
"""What sacreBLEU calls the main metric, by tokenizer."""


def bleu(tokenizer: Tokenizer, *, lowercase: bool = True, sentence: bool = False) -> "BLEU":
    """The metric for a corpus, or for single sentences, which may lack long n-grams."""
    from sacrebleu.metrics.bleu import BLEU  # noqa: PLC0415 - only scoring needs it

    # `force` only silences advice about texts that look tokenised, as word-for-word ones do.
    return BLEU(lowercase=lowercase, tokenize=tokenizer, effective_order=sentence, force=True)


def corpus_bleu(
    translations: Sequence[str], references: Sequence[str], tokenizer: Tokenizer
) -> float:
    """BLEU of all sentences together in lower case, 0 to 100."""
    return float(bleu(tokenizer).corpus_score(translations, [references]).score)


def sentence_bleu(
    translations: Sequence[str], references: Sequence[str], tokenizer: Tokenizer
) -> Tensor:
    """BLEU of each sentence in lower case, 0 to 100, float64 (N,); for comparing items only."""
    metric = bleu(tokenizer, sentence=True)
    pairs = zip(translations, references, strict=True)
    scores = [metric.sentence_score(ours, [theirs]).score for ours, theirs in pairs]
    return torch.tensor(scores, dtype=torch.float64)


def further_scores(
    translations: Sequence[str], references: Sequence[str], tokenizer: Tokenizer
) -> dict[str, float]:
    """BLEU with upper and lower case told apart, and chrF (Popovic, WMT 2015), 0 to 100."""
    from sacrebleu.metrics.chrf import CHRF  # noqa: PLC0415 - only scoring needs it

    cased = bleu(tokenizer, lowercase=False).corpus_score(translations, [references])
    return {
        "bleu_cased": float(cased.score),
        "chrf": float(CHRF().corpus_score(translations, [references]).score),
    }
