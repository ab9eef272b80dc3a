"""Values beyond the length of a sequence are ignored, whatever they are, on every path."""

import pytest
import torch
from torch.testing import assert_close

from rnn_core.cells import REGISTRY
from rnn_core.layers.direction import RecurrentDirection
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

T, B, I, H = 5, 4, 2, 3
LENGTHS = torch.tensor([5, 2, 0, 3])
BEYOND = torch.arange(T)[:, None] >= LENGTHS
FILLS = [float("nan"), float("inf"), -float("inf"), 1e38, -3.4e38]
PATHS = ["", "0", "cuda", "triton"]

pytestmark = [
    # Beyond H and B a Triton program computes with numbers that mean nothing.
    pytest.mark.filterwarnings("ignore::RuntimeWarning:triton"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy"),
]


def filled(tensor, where, fill):
    """A copy that holds something else in places; a leaf."""
    return tensor.detach().clone().masked_fill_(where, fill).requires_grad_()


def read(layer, x, state=None, lengths=LENGTHS, gradient=None):
    """All outputs, last states, and the gradients of input, states and weights."""
    states = () if state is None else state
    every, final = layer.every_state(x, as_state(state), lengths=lengths)
    final = (final,) if isinstance(final, torch.Tensor) else final
    torch.manual_seed(5)
    results = [*every, *final]
    gradients = [torch.randn_like(part) for part in results]
    if gradient is not None:
        gradients[: len(every)] = [gradient(part) for part in gradients[: len(every)]]
    wanted = [x, *states, *layer.parameters()]
    return results, torch.autograd.grad(results, wanted, gradients, allow_unused=True)


def as_state(parts):
    return parts if parts is None or len(parts) > 1 else parts[0]


def assert_same(ours, theirs):
    """Equal, and finite, all of them."""
    assert_close(ours, theirs, rtol=0, atol=0)
    assert all(part.isfinite().all() for group in ours for part in group if part is not None)


@pytest.mark.one_in(16)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cell", REGISTRY)
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
def test_padding_that_holds_anything_is_ignored(cell, path, options, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = Recurrent(cell, I, H, **options), torch.randn(T, B, I)
    clean = read(layer, filled(x, BEYOND.unsqueeze(-1), 0.0))
    for fill in FILLS if not options else FILLS[:2]:
        results, gradients = read(layer, filled(x, BEYOND.unsqueeze(-1), fill))
        assert_same((results, gradients), clean)
        assert (gradients[0][BEYOND] == 0).all()


@pytest.mark.one_in(16)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cell", REGISTRY)
def test_state_of_an_empty_sequence_reaches_nothing_but_its_own_end(cell, path, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = Recurrent(cell, I, H, bidirectional=True), torch.randn(T, B, I)
    states = [torch.randn(2, B, H) for _ in layer.cell.states]
    empty = (LENGTHS == 0).view(1, B, 1)
    x = x.requires_grad_()
    clean, expected = read(layer, x, tuple(filled(part, empty, 0.0) for part in states))
    for fill in FILLS[:2]:
        mine = tuple(filled(part, empty, fill) for part in states)
        results, gradients = read(layer, x, mine)
        for part, start in zip(results[-len(states) :], mine, strict=True):
            assert_close(part[:, 2], start[:, 2], rtol=0, atol=0, equal_nan=True)
        others = [part.masked_fill(empty, 0.0) if part.shape[1] == B else part for part in results]
        theirs = [part.masked_fill(empty, 0.0) if part.shape[1] == B else part for part in clean]
        assert_same((others, gradients), (theirs, expected))


@pytest.mark.one_in(16)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cell", REGISTRY)
def test_gradient_that_arrives_beyond_the_end_is_ignored(cell, path, monkeypatch):
    """Such as that of a loss whose targets hold NaN there, and which weighs them by 0."""
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = Recurrent(cell, I, H, num_layers=2), torch.randn(T, B, I, requires_grad=True)
    beyond = BEYOND.unsqueeze(-1)
    clean = read(layer, x, gradient=lambda part: part.masked_fill(beyond, 0.0))
    for fill in FILLS[:2]:
        found = read(layer, x, gradient=lambda part, fill=fill: part.masked_fill(beyond, fill))
        assert_same(found, clean)


@pytest.mark.parametrize("cell", ["lstm", "minlstm", "gru_reset_after"])
def test_target_that_is_nan_in_padding_spoils_nothing(cell):
    layer, x = Recurrent(cell, I, H), torch.randn(T, B, I)
    target = torch.randn(T, B, H).masked_fill(BEYOND.unsqueeze(-1), float("nan"))
    outputs, _ = layer(x, lengths=LENGTHS)
    errors = (outputs - target).square()
    torch.where(BEYOND.unsqueeze(-1), 0.0, errors).sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


@pytest.mark.parametrize("seed", range(8))
def test_sequences_of_random_lengths_are_those_read_one_by_one(seed):
    generator = torch.Generator().manual_seed(seed)
    names = list(REGISTRY)
    cell = names[int(torch.randint(len(names), (), generator=generator))]
    lengths = torch.randint(0, T + 1, (B,), generator=generator)
    layer = Recurrent(cell, I, H, bidirectional=True, num_layers=2).double()
    x = torch.randn(T, B, I, dtype=torch.float64, generator=generator)
    beyond = (torch.arange(T)[:, None] >= lengths).unsqueeze(-1)
    outputs, final = layer(filled(x, beyond, float("nan")), lengths=lengths)
    final = (final,) if isinstance(final, torch.Tensor) else final
    for b, length in enumerate(lengths.tolist()):
        assert (outputs[length:, b] == 0).all()
        if length == 0:
            assert all((part[:, b] == 0).all() for part in final)
            continue
        with eager_only():
            alone, last = layer(x[:length, b : b + 1])
        last = (last,) if isinstance(last, torch.Tensor) else last
        assert_close(outputs[:length, b : b + 1], alone, rtol=1e-9, atol=1e-12)
        for ours, theirs in zip(final, last, strict=True):
            assert_close(ours[:, b : b + 1], theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("path", ["", "0", "triton"])
def test_what_a_cell_is_given_beyond_the_end_is_ignored(path, monkeypatch):
    monkeypatch.setenv("GATEWISE_FUSED", path)
    layer, x = Recurrent("lstm", I, H, zoneout=0.3), torch.randn(T, B, I, requires_grad=True)
    genuine, fills = RecurrentDirection.given, [0.0]

    def given(self, x):
        torch.manual_seed(3)
        return tuple(part.masked_fill(BEYOND.unsqueeze(-1), fills[0]) for part in genuine(self, x))

    monkeypatch.setattr(RecurrentDirection, "given", given)
    clean = read(layer, x)
    for fills[0] in FILLS[:2]:
        assert_same(read(layer, x), clean)
