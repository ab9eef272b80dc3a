"""Translation: splits, attention, beam search, scores and what is answered."""

import math
from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from sacrebleu.metrics.bleu import BLEU
from torch.nn import functional

from rnn_core.baselines.lexicon import word_for_word, word_lexicon
from rnn_core.cells import REGISTRY, get_cell
from rnn_core.cells.base import named
from rnn_core.errors import DataError, ParameterError
from rnn_core.features.subwords import END, START, Subwords
from rnn_core.layers.recurrent import Recurrent
from rnn_core.metric import SPLITS
from rnn_core.models.beam_search import translate
from rnn_core.models.translator import Attention, Source, Translator
from rnn_core.readers.parallel_text import Pair
from rnn_core.sources.number_words import NumberWords
from rnn_core.tasks.translation import (
    Translation,
    TranslationAnswer,
    TranslationData,
    TranslationModel,
)
from rnn_core.tasks.translation import learn as translation
from rnn_core.tasks.translation.bleu import SIGNATURE, contributions, corpus_bleu, further_scores
from rnn_core.tasks.translation.parameters import LeftOut
from rnn_core.tasks.translation.suggest import SIZES
from rnn_core.training.models import build_model

NOUNS = (("dog", "Hund"), ("cat", "Kater"), ("man", "Mann"), ("bird", "Vogel"))
VERBS = (("sees", "sieht"), ("hears", "hört"), ("follows", "verfolgt"))
PAIRS = [
    Pair(f"the {a} {verb} the {b}{mark}", f"Der {c} {sagt} den {d}{mark}")
    for a, c in NOUNS
    for verb, sagt in VERBS
    for b, d in NOUNS
    for mark in ".!"
]
SMALL = {"hidden_size": 6, "embedding_size": 4, "beam_size": 3}


def write(folder, pairs, stem="corpus"):
    folder.mkdir(exist_ok=True)
    for suffix, side in (("en", 0), ("de", 1)):
        text = "".join(f"{pair[side]}\n" for pair in pairs)
        (folder / f"{stem}.{suffix}").write_text(text)


def prepared(tmp_path, pairs=PAIRS, model=None, **options):
    write(tmp_path, pairs)
    options = {"source_file": "corpus.en", "max_vocabulary": 60, **options}
    data, meta = Translation.prepare(tmp_path, TranslationData(**options))
    return Translation(meta, model or TranslationModel(**SMALL)), data


def texts(task, data, split, what):
    first, last = task.meta.range_of(split)
    return translation.texts_of(data, what, first, last)


def pairs_of(task, data, split):
    both = (texts(task, data, split, what) for what in ("source", "target"))
    return list(map(Pair, *both))


def decoded(task, pieces):
    return task.subwords.decode([[i for i in row if i > END] for row in pieces.tolist()])


# --- Splits ---


def test_drawn_sides_are_all_pairs_once(tmp_path):
    task, data = prepared(tmp_path, [*PAIRS, *PAIRS[:20]], validation_share=0.2, test_share=0.1)
    sides = [pairs_of(task, data, split) for split in SPLITS]
    assert sorted(pair for side in sides for pair in side) == sorted(PAIRS)
    assert list(map(len, sides)) == [67, 19, 10]
    assert sides[2] != [pair for pair in PAIRS if pair in PAIRS[-10:]]


def test_files_of_sides_are_taken_as_they_are(tmp_path):
    parts = {"train": PAIRS[:60], "dev": PAIRS[60:80], "final": PAIRS[80:]}
    for name, pairs in parts.items():
        write(tmp_path, pairs, name)
    options = {"source_file": "*.en", "target_file": "*.de", "sides": tuple(parts)}
    task, data = prepared(tmp_path, **options)
    assert [pairs_of(task, data, split) for split in SPLITS] == list(parts.values())


def test_names_of_files_may_be_left_out_where_there_is_no_doubt(tmp_path):
    task, data = prepared(tmp_path, source_file=None, target_file="corpus.en")
    assert texts(task, data, "train", "source")[0].startswith("Der ")


def test_nothing_of_the_test_side_reaches_the_vocabulary(tmp_path):
    options = {"source_file": "*.en", "target_file": "*.de"}
    outcomes = []
    for name, last in (
        ("a", PAIRS[80:]),
        ("b", [Pair(f"the dog zz {i}", f"Der Hund zz {i}") for i in range(9)]),
    ):
        for stem, pairs in (("train", PAIRS[:60]), ("val", PAIRS[60:80]), ("test", last)):
            write(tmp_path / name, pairs, stem)
        outcomes.append(prepared(tmp_path / name, **options))
    (one, data), (two, other) = outcomes
    for key in ("subwords", "written"):
        assert getattr(one.meta, key) == getattr(two.meta, key)
    count = int(data["source_lengths"][:60].sum())
    assert torch.equal(data["source"][:count], other["source"][:count])


def test_prepared_bytes_are_the_same_every_time(tmp_path):
    (one, data), (two, other) = prepared(tmp_path), prepared(tmp_path)
    assert one.meta == two.meta
    assert all(torch.equal(data[name], other[name]) for name in data)


def test_long_pairs_are_left_out_of_training_alone(tmp_path):
    long = [Pair("the dog " * 30 + str(i), f"Der Hund {i}") for i in range(3)]
    short = [pair for pair in PAIRS if pair not in PAIRS[60:]]
    for stem, pairs in (("train", [*short, *long]), ("val", long[:2]), ("test", PAIRS[60:])):
        write(tmp_path, pairs, stem)
    options = {"source_file": "*.en", "target_file": "*.de", "repeated": "drop"}
    task, data = prepared(tmp_path, max_length=40, **options)
    assert pairs_of(task, data, "train") == short
    assert pairs_of(task, data, "validation") == long[:2]
    assert task.meta.left_out == LeftOut(repeated=2, long=1)


def test_repeated_pairs_are_left_out_where_that_is_wanted(tmp_path):
    sides = {"train": PAIRS[:50], "val": PAIRS[45:60], "test": PAIRS[58:]}
    for stem, pairs in sides.items():
        write(tmp_path, pairs, stem)
    options = {"source_file": "*.en", "target_file": "*.de"}
    with pytest.raises(DataError, match="pair 1 of the test set is in the validation set"):
        prepared(tmp_path, **options)
    task, data = prepared(tmp_path, repeated="drop", **options)
    assert pairs_of(task, data, "train") == PAIRS[:45]
    assert pairs_of(task, data, "validation") == PAIRS[45:58]
    assert pairs_of(task, data, "test") == PAIRS[58:]


def test_lower_case_is_for_the_model_and_not_for_the_references(tmp_path):
    task, data = prepared(tmp_path, lower_case=True)
    assert texts(task, data, "test", "target")[0].startswith("Der ")
    pieces = translation.pieces_of(data, "target")[0]
    assert decoded(task, pieces[None])[0] == texts(task, data, "train", "target")[0].lower()


# --- Batches and loss ---


def test_an_epoch_is_every_training_pair_once(tmp_path):
    task, data = prepared(tmp_path)
    batches = list(task.training_batches(data, 7, torch.Generator().manual_seed(3)))
    assert len(batches) == task.num_batches(data, 7)
    seen = []
    for pieces, lengths, target, target_lengths in batches:
        seen += map(Pair, decoded(task, pieces), decoded(task, target))
        assert torch.equal(lengths, (pieces != 0).sum(1))
        assert torch.equal(target_lengths, (target != 0).sum(1))
        assert target[torch.arange(len(target)), target_lengths - 1].eq(END).all()
    assert sorted(seen) == sorted(pairs_of(task, data, "train"))
    others = list(task.training_batches(data, 7, torch.Generator().manual_seed(4)))
    assert not torch.equal(others[0][0], batches[0][0])
    together = [{frozenset(decoded(task, b[2])) for b in epoch} for epoch in (batches, others)]
    assert together[0] != together[1]


def test_batches_hold_sentences_of_similar_length(tmp_path):
    task, data = prepared(tmp_path)
    batches = task.training_batches(data, 7, torch.Generator())
    spread = [int(lengths.max() - lengths.min()) for *_, lengths in batches]
    everything = data["target_lengths"][: task.meta.items["train"]]
    assert np.mean(spread) < 0.4 * int(everything.max() - everything.min())


@pytest.mark.parametrize("attention", [True, False])
def test_loss_is_the_mean_over_all_pieces_one_sentence_at_a_time(tmp_path, float64, attention):
    shape = TranslationModel(**SMALL, attention=attention, label_smoothing=0.2)
    task, data = prepared(tmp_path, model=shape)
    model = build_model(task, "lstm")
    batch = next(task.training_batches(data, 5, torch.Generator().manual_seed(1)))
    loss = task.loss(model, batch, None)[0].detach()
    place = {piece: i for i, piece in enumerate(task.meta.written)}
    total, count = 0.0, 0
    for pieces, length, target, target_length in zip(*batch, strict=True):
        wanted = target[:target_length].tolist()
        before = torch.tensor([[START, *wanted[:-1]]])
        logits = model(pieces[None, :length], length[None], before)[0]
        logs = functional.log_softmax(logits, dim=-1).detach()
        for step, piece in enumerate(wanted):
            total -= float(0.8 * logs[step, place[piece]] + 0.2 * logs[step].mean())
            count += 1
    assert float(loss) == pytest.approx(total / count, rel=1e-10)


def test_loss_of_a_side_is_that_of_the_pieces_that_can_be_written(tmp_path, float64, monkeypatch):
    """Whatever is computed together; label smoothing and what nobody learned are left out."""
    shape = TranslationModel(**SMALL, label_smoothing=0.2)
    odd = [Pair(pair.source, pair.target.replace("Der", "Dør")) for pair in PAIRS[-9:]]
    for name, pairs in {"train": PAIRS[:-16], "val": PAIRS[-16:-9], "test": odd}.items():
        write(tmp_path, pairs, name)
    options = {"source_file": "*.en", "target_file": "*.de", "sides": ("train", "val", "test")}
    data, meta = Translation.prepare(tmp_path, TranslationData(**options, max_vocabulary=60))
    task = Translation(meta, shape)
    model = build_model(task, "gru").eval()
    place = {piece: i for i, piece in enumerate(task.meta.written)}
    logs, left_out = [], 0
    first, last = task.meta.range_of("test")
    pieces = [translation.pieces_of(data, what)[first:last] for what in ("source", "target")]
    for source, target in zip(*pieces, strict=True):
        before = torch.tensor([[START, *target.tolist()[:-1]]])
        logits = model(source[None], torch.tensor([len(source)]), before)[0].detach()
        for step, piece in zip(
            functional.log_softmax(logits, dim=-1), target.tolist(), strict=True
        ):
            left_out += piece not in place
            logs += [float(step[place[piece]])] if piece in place else []
    assert left_out
    for size in (64, 3):
        monkeypatch.setattr(translation, "LOSS_BATCH", size)
        with torch.inference_mode():
            loss = task.scores(model, data, "test").loss
        assert loss == pytest.approx(-np.mean(logs), rel=1e-10)


# --- Model ---


def test_attention_follows_its_formula(float64):
    draw = np.random.default_rng(5)
    queries, outputs = draw.normal(size=(2, 3, 4)), draw.normal(size=(2, 5, 6))
    lengths = [5, 2]
    attention = Attention(4, 6)
    weight = attention.key.weight.detach().numpy()
    expected = np.zeros((2, 3, 6))
    for b, t in product(range(2), range(3)):
        fit = [queries[b, t] @ weight @ outputs[b, s] for s in range(lengths[b])]
        share = np.exp(fit) / np.exp(fit).sum()
        expected[b, t] = sum(share[s] * outputs[b, s] for s in range(lengths[b]))
    present = torch.arange(5) < torch.tensor(lengths)[:, None]
    tensor = torch.from_numpy(outputs)
    source = Source(tensor, attention.key(tensor), present)
    result = attention(torch.from_numpy(queries), source).detach().numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_model_follows_its_formula(tmp_path, float64):
    """Encoder, bridge, decoder, attention and output of one sentence, written out."""
    task, data = prepared(tmp_path)
    model = build_model(task, "gru").eval()
    pieces = translation.pieces_of(data, "source")[0][None]
    before = torch.tensor([[START, 7, 9]])
    table = model.embedding.weight
    outputs, final = model.encoder(table[pieces] * 2)  # sqrt of the embedding size
    start = model.bridge.maps[0](torch.cat([final[0], final[1]], dim=-1))[None]
    written, _ = model.decoder(table[before] * 2, start)
    fit = written[0] @ model.attention.key.weight @ outputs[0].T
    context = fit.softmax(dim=-1) @ outputs[0]
    features = torch.tanh(model.projection(torch.cat([context, written[0]], dim=-1)))
    expected = features @ table[task.written].T + model.bias
    result = model(pieces, torch.tensor([pieces.shape[1]]), before)[0]
    torch.testing.assert_close(result, expected, rtol=1e-10, atol=1e-12)


def test_bridge_puts_the_directions_of_each_layer_and_state_together(float64):
    def make(size, *, bidirectional=False):
        return Recurrent(
            "lstm", size, 3, num_layers=2, bidirectional=bidirectional, batch_first=True
        )

    model = Translator(make, 8, 4, written=torch.arange(3, 8), attention=False, dropout=0.0)
    state = tuple(torch.randn(4, 5, 3) for _ in range(2))
    result = model.bridge(state)
    for part, linear, mapped in zip(state, model.bridge.maps, result, strict=True):
        for layer in range(2):
            both = torch.cat([part[2 * layer], part[2 * layer + 1]], dim=-1)
            torch.testing.assert_close(mapped[layer], linear(both))


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("cell", REGISTRY)
def test_gradient_reaches_every_weight_that_matters(tmp_path, cell, attention):
    task, data = prepared(tmp_path, model=TranslationModel(**SMALL, attention=attention))
    model = build_model(task, cell)
    loss, _ = task.loss(model, next(task.training_batches(data, 8, torch.Generator())), None)
    loss.backward()
    unused = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    if cell == "memoryless":  # has no state, and so nothing to begin from
        without = {"bridge", "encoder"} if not attention else {"bridge"}
        assert {name.split(".")[0] for name in unused} == without
    else:
        unread, only_shown = passed_on(get_cell(cell))
        assert {n.split(".")[2] for n in unused if n.startswith("bridge")} == unread
        shown = {n.split(".")[-1] for n in unused if n.startswith("encoder")}
        assert shown == (set() if attention else only_shown)
        assert {n.split(".")[0] for n in unused} <= {"bridge", "encoder"}


def passed_on(cell):
    """Numbers of the states that a step does not read; weights that no state that it reads needs.

    An output that is not read back tells a decoder nothing but through attention.
    """
    drawn = [torch.rand(1, 3, requires_grad=True) for _ in (*cell.gates, *cell.states)]
    weights = {n: torch.rand(cell.shape(n, 3), requires_grad=True) for n in cell.weights}
    x, w = named(cell.gates)(*drawn[: len(cell.gates)]), named(tuple(weights))(*weights.values())
    states = drawn[len(cell.gates) :]
    new = cell.step(x, tuple(states), w)

    def reached(results, inputs):
        if not inputs:
            return []
        total = sum(result.sum() for result in results)
        found = torch.autograd.grad(total, inputs, allow_unused=True, retain_graph=True)
        return [gradient is not None for gradient in found]

    read = reached(new, states)
    kept = reached([n for n, needed in zip(new, read, strict=True) if needed], [*weights.values()])
    unread = {str(index) for index, needed in enumerate(read) if not needed}
    return unread, {name for name, needed in zip(weights, kept, strict=True) if not needed}


def test_output_layer_holds_no_piece_that_no_translation_has(tmp_path):
    task, data = prepared(tmp_path)
    subwords = Subwords(task.meta.subwords)
    spelled = {subwords.processor.IdToPiece(i) for i in task.meta.written}
    assert "\u2581the" not in spelled
    train = texts(task, data, "train", "target")
    ids = {i for text in subwords.encode(train) for i in text} | {END}
    assert ids == set(task.meta.written)
    assert build_model(task, "gru").bias.shape == (len(ids),)


# --- Beam search ---


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
    length, wanted = (sum(len(t.split()) for t in side) for side in (ours, theirs))
    precision = math.exp(sum(math.log(m / t) for m, t in zip(matches, totals, strict=True)) / 4)
    return 100 * precision * min(1.0, math.exp(1 - wanted / length))


OURS = ["Der Mann , der da geht , singt .", "Ein Hund schläft auf dem Sofa .", "Ja ."]
THEIRS = [
    "der Mann , der dort geht , singt laut .",
    "Ein Hund liegt auf dem Sofa .",
    "Ja , gewiss .",
]


def test_bleu_is_that_of_its_definition():
    lower = [[text.lower() for text in side] for side in (OURS, THEIRS)]
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
        side = references["test" if beam_size > 1 else "validation"]
        return [side[0].upper(), *side[:-1]]

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


# --- Questions and answers ---


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A model that knows its few training pairs by heart."""
    torch.manual_seed(0)
    shape = TranslationModel(hidden_size=32, embedding_size=16, label_smoothing=0.0)
    task, data = prepared(tmp_path_factory.mktemp("raw"), model=shape, max_vocabulary=90)
    model = build_model(task, "gru")
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for epoch in range(20):
        for batch in task.training_batches(data, 16, torch.Generator().manual_seed(epoch)):
            loss, _ = task.loss(model, batch, None)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return task, data, model.eval()


@torch.inference_mode()
def test_illustration_is_what_is_answered_on_sentences_all_over_the_side(learned):
    task, data, model = learned
    places = [place * 9 // 4 for place in range(5)]
    assert task.meta.items["test"] == 10
    sources, references = (
        [texts(task, data, "test", what)[place] for place in places]
        for what in ("source", "target")
    )
    answers = task.answer(model, pd.DataFrame({"text": sources}), TranslationAnswer())
    shown = task.illustrate(model, data, "test")
    assert shown["kind"] == "pairs"
    assert pd.DataFrame(shown["pairs"]).to_dict("list") == {
        "source": sources,
        "reference": references,
        "output": answers["translation"].tolist(),
    }


@pytest.mark.parametrize("beam_size", [1, 3])
def test_illustration_is_translated_by_the_beam_of_the_model(tmp_path, monkeypatch, beam_size):
    task, data = prepared(tmp_path, model=TranslationModel(**(SMALL | {"beam_size": beam_size})))
    monkeypatch.setattr(
        task, "translations", lambda _, sources, texts, beam: [f"by {beam}"] * len(sources)
    )
    outputs = [pair["output"] for pair in task.illustrate(None, data, "validation")["pairs"]]
    assert outputs == [f"by {beam_size}"] * 5


def test_model_learns_and_translates_what_it_was_never_shown(learned):
    task, data, model = learned
    with torch.inference_mode():
        assert task.scores(model, data, "test").overall > 80


@pytest.mark.parametrize("beam_size", [1, 4])
def test_answer_translates_each_row(learned, beam_size):
    task, data, model = learned
    pairs = pairs_of(task, data, "train")[:5]
    table = pd.DataFrame({"text": [f"  {pair.source} " for pair in pairs]})
    answer = task.answer(model, table, TranslationAnswer(beam_size=beam_size))
    assert answer["translation"].tolist() == [pair.target for pair in pairs]


def test_answer_keeps_rows_without_words(learned):
    task, _, model = learned
    table = pd.DataFrame({"text": ["", "the dog sees the man!", " "]})
    answer = task.answer(model, table, TranslationAnswer())["translation"]
    assert answer.tolist() == ["", "Der Hund sieht den Mann!", ""]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"texts": ["a"]}, "the input has no column 'text'"),
        ({"text": ["a", None]}, "row 2, column 'text': None is not text"),
        ({"text": ["a" * 10_001]}, "row 1, column 'text' has 10001 characters"),
    ],
)
def test_answer_refuses_what_is_no_text(learned, table, message):
    task, _, model = learned
    with pytest.raises(DataError, match=message):
        task.answer(model, pd.DataFrame(table, dtype=object), TranslationAnswer())


def test_input_file_is_read_line_by_line(learned, tmp_path):
    (tmp_path / "in.txt").write_bytes("one  two\r\n\r\nthree é\n".encode())
    table = learned[0].read_input(tmp_path / "in.txt")
    assert table["text"].tolist() == ["one two", "", "three é"]


def test_example_is_of_the_test_side(learned, tmp_path):
    task, data, _ = learned
    write(tmp_path, PAIRS)
    expected = texts(task, data, "test", "source")[:3]
    assert task.example(tmp_path)["text"].tolist() == expected


def test_suggestion_fits_the_data_and_is_taken(tmp_path):
    NumberWords(60, largest=99, seed=1).fetch(tmp_path)
    section = Translation.suggest(tmp_path, {"source_file": "sums.en", "test_share": 0.2})
    assert section["data"]["test_share"] == 0.2
    _, meta = Translation.prepare(tmp_path, TranslationData(**section["data"]))
    assert meta.items == {"train": 42, "validation": 6, "test": 12}
    Translation(meta, TranslationModel(**section["model"]))
    sizes = SIZES
    assert [s.hidden for s in sizes] == sorted(s.hidden for s in sizes)
    with pytest.raises(ParameterError, match="unexpected keyword argument 'column'"):
        Translation.suggest(tmp_path, {"column": "x"})


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (TranslationData, {"test_share": 0.0}, "must be above 0"),
        (TranslationData, {"test_share": 0.9, "validation_share": 0.1}, "leave nothing"),
        (TranslationData, {"sides": ("a", "a", "b")}, "three different names"),
        (TranslationData, {"max_length": 0}, "must be at least 1"),
        (TranslationModel, {"beam_size": 0}, "must be at least 1"),
        (TranslationModel, {"label_smoothing": 1.0}, r"must be in \[0, 1\)"),
        (TranslationModel, {"length_exponent": -0.1}, r"must be in \[0, 1\]"),
        (TranslationAnswer, {"beam_size": -1}, "must not be negative"),
    ],
)
def test_impossible_parameters_are_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**options)
