"""Translation: batches, the loss and the model, each against its formula."""

from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional
from usual_translation import PAIRS, SMALL, decoded, pairs_of, prepared, texts, write

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.cells.base import named
from rnn_core.features.subwords import END, START, Subwords
from rnn_core.layers.recurrent import Recurrent
from rnn_core.models.translator import Attention, Source, Translator
from rnn_core.readers.parallel_text import Pair
from rnn_core.tasks.translation import learn as translation
from rnn_core.tasks.translation.learn import TranslationModel
from rnn_core.tasks.translation.parameters import TranslationData
from rnn_core.tasks.translation.task import Translation
from rnn_core.training.models import build_model

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


def test_loss_of_a_split_is_that_of_the_pieces_that_can_be_written(tmp_path, float64, monkeypatch):
    """Whatever is computed together; label smoothing and what nobody learned are left out."""
    shape = TranslationModel(**SMALL, label_smoothing=0.2)
    odd = [Pair(pair.source, pair.target.replace("Der", "Dør")) for pair in PAIRS[-9:]]
    for name, pairs in {"train": PAIRS[:-16], "val": PAIRS[-16:-9], "test": odd}.items():
        write(tmp_path, pairs, name)
    options = {"source_file": "*.en", "target_file": "*.de", "splits": ("train", "val", "test")}
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
