"""Score of translations against reference translations, by sacreBLEU (Post, arXiv:1804.08771v2)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

Tokenizer: TypeAlias = Literal["13a", "intl", "zh", "char", "none"]

SIGNATURE = "nrefs:1|case:lc|eff:no|tok:{}|smooth:exp"
"""sacreBLEU's name of the main metric, by tokenizer."""


def bleu(tokenizer: Tokenizer, *, lowercase: bool = True) -> "BLEU":
    """The metric for a corpus."""
    from sacrebleu.metrics.bleu import BLEU  # noqa: PLC0415 - only scoring needs it

    # `force` only silences advice about texts that look tokenised, as word-for-word ones do.
    return BLEU(lowercase=lowercase, tokenize=tokenizer, force=True)


def corpus_bleu(
    translations: Sequence[str], references: Sequence[str], tokenizer: Tokenizer
) -> float:
    """BLEU of all sentences together in lower case, 0 to 100."""
    return float(bleu(tokenizer).corpus_score(translations, [references]).score)


def contributions(
    translations: Sequence[str], references: Sequence[str], tokenizer: Tokenizer
) -> Tensor:
    """Contribution of each sentence to `corpus_bleu`, float64 (N,); their mean is about that score.

    These are the pseudo-values of the jackknife (Tukey, 1958): N times the score of all sentences
    less N - 1 times that of all others. Their differences between two systems tell how sure a
    difference of corpus BLEU is; differences of sentence BLEU would describe another metric.
    """
    metric, num_sentences = bleu(tokenizer), len(translations)
    pairs = zip(translations, references, strict=True)
    each = [metric.corpus_score([ours], [[theirs]]) for ours, theirs in pairs]
    counted = torch.tensor([[*one.counts, *one.totals, one.sys_len, one.ref_len] for one in each])
    whole = counted.sum(dim=0)
    score = score_of(metric, whole)
    if num_sentences == 1:
        return torch.tensor([score], dtype=torch.float64)
    others = [score_of(metric, rest) for rest in whole - counted]
    return num_sentences * score - (num_sentences - 1) * torch.tensor(others, dtype=torch.float64)


def score_of(metric: "BLEU", counted: Tensor) -> float:
    """BLEU of what was counted, int64: n-grams that match, n-grams, and both lengths."""
    order, numbers = metric.max_ngram_order, counted.tolist()
    found = metric.compute_bleu(
        numbers[:order],
        numbers[order:-2],
        numbers[-2],
        numbers[-1],
        smooth_method=metric.smooth_method,
        smooth_value=metric.smooth_value,
        max_ngram_order=order,
    )
    return float(found.score)


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
