"""Translation: a beam finds the best translation, and does what a slow one does."""

import pytest
import torch
from torch.nn import functional

from rnn_core.features.subwords import END, START
from rnn_core.layers.recurrent import Recurrent
from rnn_core.models.beam_search import translate
from rnn_core.models.translator import Translator


def tiny(cell="gru", attention=True, seed=0, words=2):
    """A translator that writes END or one of a few words."""
    torch.manual_seed(seed)

    def make(size, *, bidirectional=False):
        return Recurrent(cell, size, 5, bidirectional=bidirectional, batch_first=True)

    written = torch.tensor([END, *range(5, 5 + words)])
    model = Translator(make, 8, 4, written=written, attention=attention, dropout=0.3).eval()
    with torch.no_grad():
        model.bias.normal_()
        model.bias[0] = -3  # or most translations would be empty
        model.projection.weight.mul_(4)
    return model


def next_logs(model, sentence, words):
    """Log-probability of each piece after some words, by reading all again."""
    before = torch.tensor([[START, *words]])
    with torch.inference_mode():
        logits = model(torch.tensor([sentence]), torch.tensor([len(sentence)]), before)
    logs = functional.log_softmax(logits[0, -1], dim=-1).tolist()
    return dict(zip(model.written.tolist(), logs, strict=True))


def every_translation(model, sentence, limit, words=(), score=0.0):
    """All translations of at most `limit` pieces, the end included, and their scores."""
    for piece, log in next_logs(model, sentence, words).items():
        if piece == END:
            yield words, score + log
        elif len(words) + 1 < limit:
            yield from every_translation(model, sentence, limit, (*words, piece), score + log)


def search(model, sentences, limits, beam_size, exponent=1.0):
    lengths = torch.tensor(list(map(len, sentences)))
    pieces = torch.zeros(len(sentences), int(lengths.max()), dtype=torch.int64)
    for row, sentence in enumerate(sentences):
        pieces[row, : len(sentence)] = torch.tensor(sentence)
    with torch.inference_mode():
        return translate(
            model,
            pieces,
            lengths,
            torch.tensor(limits),
            start=START,
            end=END,
            beam_size=beam_size,
            length_exponent=exponent,
        )


SENTENCES = [[5, 6, 7, 3], [7, 3], [4, 4, 5, 6, 3], [6, 5, 3]]


@pytest.mark.parametrize("exponent", [0.0, 0.6, 1.0])
@pytest.mark.parametrize(("cell", "attention"), [("gru", True), ("lstm", False)])
def test_wide_beam_finds_the_best_of_all_translations(float64, cell, attention, exponent):
    limit, longest = 4, 0
    for seed in range(3):
        model = tiny(cell, attention, seed)
        result = search(model, SENTENCES, [limit] * 4, 40, exponent)
        lengths = set()
        for sentence, found in zip(SENTENCES, result, strict=True):
            every = dict(every_translation(model, sentence, limit))
            assert len(every) == 1 + 2 + 4 + 8
            best = max(every, key=lambda words: every[words] / (len(words) + 1) ** exponent)
            assert tuple(found) == best
            lengths.add(len(best))
        longest = max(longest, *lengths)
    assert longest > 0 or exponent == 0


def slow_beam(model, sentence, limit, size, exponent):
    """Beam search of one sentence, hypothesis by hypothesis."""
    alive, done = [((), 0.0)], []
    for step in range(1, limit + 1):
        grown = [
            ((*words, piece), score + log)
            for words, score in alive
            for piece, log in next_logs(model, sentence, words).items()
            if step < limit or piece == END
        ]
        grown.sort(key=lambda item: -item[1])
        done += [(words, s / step**exponent) for words, s in grown[:size] if words[-1] == END]
        alive = [item for item in grown[: 2 * size] if item[0][-1] != END][:size]
        if len(done) >= size:
            break
    return list(max(done, key=lambda item: item[1])[0][:-1])


@pytest.mark.parametrize("size", [1, 2, 3])
def test_narrow_beam_does_what_a_slow_one_does(float64, size):
    limits = [6, 3, 5, 4]
    for seed in range(2):
        model = tiny("lstm", seed=seed, words=3)
        result = search(model, SENTENCES, limits, size, 0.7)
        for sentence, limit, found in zip(SENTENCES, limits, result, strict=True):
            assert found == slow_beam(model, sentence, limit, size, 0.7)


def test_greedy_takes_the_likeliest_piece_each_time(float64):
    model = tiny(seed=8, words=3)
    for sentence, found in zip(SENTENCES, search(model, SENTENCES, [9] * 4, 1), strict=True):
        words = [START]
        while len(words) < 9:
            logs = next_logs(model, sentence, words[1:])
            piece = max(logs, key=logs.__getitem__)
            if piece == END:
                break
            words.append(piece)
        assert found == words[1:]


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("beam_size", [1, 4])
def test_translation_does_not_depend_on_the_rest_of_the_batch(float64, attention, beam_size):
    for seed in range(3):
        model = tiny("gru", attention, seed, words=3)
        limits = [12, 3, 14, 7]
        together = search(model, SENTENCES, limits, beam_size)
        alone = [
            search(model, [s], [limit], beam_size)[0]
            for s, limit in zip(SENTENCES, limits, strict=True)
        ]
        assert together == alone
        assert len({len(t) for t in together}) > 1
