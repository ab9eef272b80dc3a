"""Contributions of single sentences to corpus BLEU show how certain a difference of it is."""

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest

from rnn_core.comparison.statistics.pair import compare_pair
from rnn_core.tasks.translation.bleu import contributions, corpus_bleu
from rnn_core.tasks.translation.task import Translation
from rnn_core.training.item_scores import ItemScores

WORDS = [f"word{i}" for i in range(40)]


def sentences(generator, number, shortest=5, longest=15):
    return [
        list(generator.choice(WORDS, generator.integers(shortest, longest))) for _ in range(number)
    ]


def spoiled(generator, references, share):
    """Translations with a share of words replaced."""
    return [
        [str(generator.choice(WORDS)) if generator.random() < share else word for word in words]
        for words in references
    ]


def joined(texts):
    return [" ".join(words) for words in texts]


def scores(translations, references):
    values = contributions(joined(translations), joined(references), "13a").numpy()
    return ItemScores(values=values, weights=np.ones(len(values)))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.97])
def test_contribution_is_what_the_score_loses_without_the_sentence(share):
    generator = np.random.default_rng(0)
    references = sentences(generator, 30)
    texts = [joined(spoiled(generator, references, share)), joined(references)]
    found = contributions(*texts, "13a")
    whole = corpus_bleu(*texts, "13a")
    for left_out in range(30):
        others = [[text for i, text in enumerate(split) if i != left_out] for split in texts]
        expected = 30 * whole - 29 * corpus_bleu(*others, "13a")
        assert float(found[left_out]) == pytest.approx(expected, abs=1e-9)


def test_single_sentence_adds_all_there_is():
    assert contributions(["a b c d"], ["a b c d"], "13a").tolist() == [pytest.approx(100)]


def test_p_values_are_those_of_approximate_randomisation():
    """Of sacreBLEU (Riezler and Maxwell, 2005), which is two-sided, by 4,000 draws."""
    generator = np.random.default_rng(1)
    references = sentences(generator, 150)
    for share in (0.31, 0.33, 0.35):
        first, second = (spoiled(generator, references, own) for own in (0.3, share))
        pair = compare_pair(*(scores(t, references) for t in (first, second)), Translation.metric)
        test = PairedTest(
            [("first", joined(first)), ("second", joined(second))],
            {"BLEU": BLEU(lowercase=True, tokenize="13a", force=True)},
            [joined(references)],
            n_samples=4000,
        )
        outside = test()[1]["BLEU"][1].p_value
        assert 2 * min(pair.p_worse, pair.p_better) == pytest.approx(outside, abs=0.05)


def test_corpus_decides_and_not_the_mean_of_sentences():
    """Good at the many short sentences, and bad at the few long ones that most n-grams are in."""
    generator = np.random.default_rng(2)
    references = [*sentences(generator, 60, 5, 7), *sentences(generator, 40, 40, 60)]
    first = [*references[:60], *spoiled(generator, references[60:], 0.5)]
    second = [*spoiled(generator, references[:60], 0.5), *spoiled(generator, references[60:], 0.2)]
    single = BLEU(lowercase=True, tokenize="13a", effective_order=True, force=True)
    by_sentence = [
        np.mean(
            [
                single.sentence_score(*pair).score
                for pair in zip(joined(texts), [[text] for text in joined(references)], strict=True)
            ]
        )
        for texts in (first, second)
    ]
    assert by_sentence[0] > by_sentence[1] + 10
    found = compare_pair(*(scores(t, references) for t in (first, second)), Translation.metric)
    assert found.p_worse < 0.001
