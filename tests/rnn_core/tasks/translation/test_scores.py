"""Translation: scores of translations, and the baselines beside them."""

import math
from collections import Counter

import pytest
import torch
from sacrebleu.metrics.bleu import BLEU
from usual_translation import PAIRS, pairs_of, prepared, texts

from rnn_core.baselines.lexicon import word_for_word, word_lexicon
from rnn_core.metric import SPLITS
from rnn_core.readers.parallel_text import Pair
from rnn_core.tasks.translation import learn as translation
from rnn_core.tasks.translation.bleu import SIGNATURE, contributions, corpus_bleu, further_scores
from rnn_core.tasks.translation.task import Translation
from rnn_core.training.models import build_model

# --- Scores ---


def plain_bleu(ours, theirs):
    """Corpus BLEU of tokenised texts by its definition (Papineni et al., 2002)."""
    matches, totals = [0] * 4, [0] * 4
    for left, right in zip(ours, theirs, strict=True):
        words = left.split(), right.split()
        for n in range(4):
            grams, known = (
                Counter(tuple(w[i : i + n + 1]) for i in range(len(w) - n)) for w in words
            )
            matches[n] += sum((grams & known).values())
            totals[n] += sum(grams.values())
    length, wanted = (sum(len(t.split()) for t in split) for split in (ours, theirs))
    precision = math.exp(sum(math.log(m / t) for m, t in zip(matches, totals, strict=True)) / 4)
    return 100 * precision * min(1.0, math.exp(1 - wanted / length))


OURS = ["Der Mann , der da geht , singt .", "Ein Hund schläft auf dem Sofa .", "Ja ."]
THEIRS = [
    "der Mann , der dort geht , singt laut .",
    "Ein Hund liegt auf dem Sofa .",
    "Ja , gewiss .",
]


def test_bleu_is_that_of_its_definition():
    lower = [[text.lower() for text in split] for split in (OURS, THEIRS)]
    assert corpus_bleu(OURS, THEIRS, "13a") == pytest.approx(plain_bleu(*lower))
    assert further_scores(OURS, THEIRS, "13a")["bleu_cased"] == pytest.approx(
        plain_bleu(OURS, THEIRS)
    )


def test_bleu_cuts_punctuation_off_by_itself():
    joined = [text.replace(" .", ".").replace(" ,", ",") for text in OURS]
    assert corpus_bleu(joined, THEIRS, "13a") == pytest.approx(corpus_bleu(OURS, THEIRS, "13a"))


def test_metric_says_the_signature_of_sacrebleu():
    metric = BLEU(lowercase=True, tokenize="13a")
    metric.corpus_score(OURS, [THEIRS])
    signature = metric.get_signature().format()
    assert signature.rpartition("|")[0] == SIGNATURE.format("13a")
    assert SIGNATURE.format("13a") in Translation.metric.definition


def test_scores_are_those_of_the_translations(tmp_path, monkeypatch):
    task, data = prepared(tmp_path)
    references = {split: texts(task, data, split, "target") for split in SPLITS}
    asked = []

    def shifted(model, sources, texts, beam_size):
        asked.append(beam_size)
        own = references["test" if beam_size > 1 else "validation"]
        return [own[0].upper(), *own[:-1]]

    monkeypatch.setattr(task, "translations", shifted)
    monkeypatch.setattr(task, "reference_loss", lambda *_: 0.5)
    for split in ("validation", "test"):
        scores = task.scores(None, data, split)
        ours = [references[split][0], *references[split][:-1]]
        assert scores.overall == corpus_bleu(ours, references[split], "13a")
        assert scores.values.tolist() == contributions(ours, references[split], "13a").tolist()
        assert scores.values[0] == scores.values.max()
        assert scores.weights.tolist() == [1.0] * len(ours)
    assert scores.others["bleu_cased"] < scores.overall
    assert asked == [1, 3]


def test_score_depends_on_its_own_item_only(tmp_path, monkeypatch, float64):
    task, data = prepared(tmp_path)
    model = build_model(task, "lstm").eval()
    with torch.inference_mode():
        together = task.scores(model, data, "test")
        monkeypatch.setattr(translation, "SCORING_BATCH", 1)
        alone = task.scores(model, data, "test")
    assert torch.equal(together.values, alone.values)
    assert together.corpus == alone.corpus


# --- Baselines ---


def slow_model_1(pairs, rounds=5):
    """Brown et al.'s model 1 with dictionaries."""
    chance = {}
    for _ in range(rounds):
        counts, totals = Counter(), Counter()
        for source, target in pairs:
            left, right = source.split(), target.split()
            for word in right:
                whole = sum(chance.get((s, word), 1.0) for s in left)
                for s in left:
                    share = chance.get((s, word), 1.0) / whole
                    counts[s, word] += share
                    totals[s] += share
        chance = {(s, t): count / totals[s] for (s, t), count in counts.items()}
    return chance


def test_lexicon_is_that_of_model_1_written_out():
    pairs = [Pair(*(text.lower().strip(".!") for text in pair)) for pair in PAIRS]
    chance = slow_model_1(pairs)
    lexicon = word_lexicon(pairs)
    for word in {s for s, _ in chance}:
        best = max(value for (s, _), value in chance.items() if s == word)
        assert chance[word, lexicon[word]] == pytest.approx(best, rel=1e-9)
    assert {"dog": "hund", "sees": "sieht", "bird": "vogel"}.items() <= lexicon.items()
    assert word_for_word("Dog hears qux!", lexicon) == "hund hört qux !"


def test_baselines_copy_and_replace(tmp_path):
    task, data = prepared(tmp_path, test_share=0.3)
    sources, references = (texts(task, data, "test", what) for what in ("source", "target"))
    baselines = task.baselines(data)
    assert baselines["copy"] == corpus_bleu(sources, references, "13a")
    lexicon = word_lexicon(pairs_of(task, data, "train"))
    replaced = [word_for_word(text, lexicon) for text in sources]
    assert baselines["word_for_word"] == corpus_bleu(replaced, references, "13a")
    assert baselines["copy"] < baselines["word_for_word"]
